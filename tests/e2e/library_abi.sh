#!/usr/bin/env bash
# What libstrongroom shows and what it uses: exactly the functions of tests/abi/symbols, all of them in the manual; its soname; and
# none of the functions by which a library would change its host.
. "$(dirname "$0")/../lib.sh"
require nm readelf
BUILD=$(dirname "$STRONGROOM")
library=$BUILD/src/lib/libstrongroom.so

same "exported symbols" "$(cat "$ROOT/tests/abi/symbols")" \
  "$(nm -D --defined-only --format=posix "$library" | sed -n 's/^\(.*\)@@STRONGROOM_0 .*/\1/p' | sort)"
same "symbols without a version" "" \
  "$(nm -D --defined-only --format=posix "$library" | grep -vE '@@STRONGROOM_0 |^STRONGROOM_0|^__(asan|tsan|ubsan|odr_asan)' || true)"
contains "dynamic section" "$(readelf -d "$library")" "soname: [libstrongroom.so.0]"
same "executable stack, text relocations" "" "$(readelf -dl "$library" | grep -E 'TEXTREL|GNU_STACK.*E' | grep -v 'RW ' || true)"

nm -D "$library" | grep -qE '__(asan|tsan)_' || while read -r name; do
  ! nm -D --undefined-only --format=posix "$library" | grep -qE "^$name(@| )" || fail "it uses $name"
done <"$ROOT/tests/abi/not_used"

while read -r name; do
  grep -q "\\\\fB.*$name(" "$BUILD/src/lib/strongroom.3" || fail "$name is not in strongroom(3)"
done <"$ROOT/tests/abi/symbols"
