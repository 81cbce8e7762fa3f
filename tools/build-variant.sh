#!/usr/bin/env bash
# Builds the tree another way: tools/build-variant.sh DIR asan|tsan|fuzz|clang|analyzer
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$1
options=(--buildtype=debugoptimized)
# Of programs that only tests run, gold and -O1 make builds of half the time.
quick=(-Doptimization=1 -Dc_args=-g1 -Dc_link_args=-fuse-ld=gold)
targets=()
case $2 in
asan) options+=("${quick[@]}" '-Db_sanitize=address,undefined' -Db_lundef=false) ;;
tsan) options+=("${quick[@]}" -Db_sanitize=thread -Db_lundef=false) ;;
fuzz)
  # libFuzzer is clang's; its address sanitizer and gcc's cannot be mixed.
  export CC=clang
  options+=(-Dc_link_args=-fuse-ld=gold '-Db_sanitize=address,undefined' -Db_lundef=false -Dfuzz=true)
  targets=(fuzz)
  ;;
clang) export CC=clang ;;
analyzer) options+=(-Dc_args=-fanalyzer) ;;
*)
  echo "build-variant: asan, tsan, fuzz, clang or analyzer, not '$2'" >&2
  exit 2
  ;;
esac
[ -f "$dir/build.ninja" ] || meson setup "$dir" "${options[@]}"
ninja -C "$dir" "${targets[@]}"
