#!/usr/bin/env bash
# Static analysis: gcc -fanalyzer, clang's warnings, clang-tidy and cppcheck, each of which must find
# nothing. Usage: tools/analyse.sh BUILD_DIR (builds are made beside it)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

build=$1
passed=0 failed=0
try() {
  echo "== $1"
  if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

tidy() {
  find src -name '*.c' -print0 |
    xargs -0 -n 4 -P "$(nproc)" clang-tidy -p "$build-clang" --quiet
}

# cppcheck does not see through TRY and the cleanup attributes, hence no uninitvar and no autoVariables;
# glibc's NULL is a pointer, as a variadic function needs it.
check() {
  cppcheck --project="$build-clang/compile_commands.json" --file-filter='*/src/*' -j "$(nproc)" --quiet \
    --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem --suppress=legacyUninitvar --suppress=uninitStructMember \
    --suppress=autoVariables --suppress=varFuncNullUB
}

try 'gcc -fanalyzer' tools/build-variant.sh "$build-analyzer" analyzer
try clang tools/build-variant.sh "$build-clang" clang
try clang-tidy tidy
try cppcheck check
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
