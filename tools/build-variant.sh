#!/usr/bin/env bash
# Builds the tree, or some of its targets, another way:
# tools/build-variant.sh DIR asan|tsan|fuzz|clang|analyzer [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$1
variant=$2
targets=("${@:3}")
options=(--buildtype=debugoptimized)
# Of programs that only tests run, gold and -O1 make builds of half the time.
quick=(-Doptimization=1 -Dc_args=-g1 -Dc_link_args=-fuse-ld=gold)
case $variant in
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
  echo "build-variant: asan, tsan, fuzz, clang or analyzer, not '$variant'" >&2
  exit 2
  ;;
esac
# tests/run builds ahead: who comes second waits, and has nothing left to do.
mkdir -p "$dir"
exec {lock}<"$dir"
flock "$lock"
[ -f "$dir/build.ninja" ] || meson setup "$dir" "${options[@]}"
meson compile -C "$dir" "${targets[@]}"
