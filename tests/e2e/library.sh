#!/usr/bin/env bash
# libstrongroom as its users have it: installed somewhere, found by pkg-config, its examples compiled by cc (and its header by a C++
# compiler) and run against a hub; and a host with allocators, a secure heap, signal handlers and children of its own.
. "$(dirname "$0")/../lib.sh"
require meson pkg-config cc openssl cmp
BUILD=$(dirname "$STRONGROOM")
nm -D "$BUILD/src/lib/libstrongroom.so" | grep -qE '__(asan|tsan)_' && skip "a sanitizer's build is not installed"

DESTDIR=$WORK/root meson install -C "$BUILD" --no-rebuild --quiet >"$WORK/install.log" 2>&1 ||
  fail "installing: $(cat "$WORK/install.log")"
pc=$(find "$WORK/root" -name strongroom.pc)
[ -n "$pc" ] || fail "no strongroom.pc was installed"
old=$(sed -n 's/^prefix=//p' "$pc")
export PKG_CONFIG_PATH=${pc%/*}
config() { pkg-config --define-variable=prefix="$WORK/root$old" "$@" strongroom; }
same "pkg-config's version" "$("$STRONGROOM" version)" "strongroom $(config --modversion)"
LD_LIBRARY_PATH=$(config --variable=libdir)
export LD_LIBRARY_PATH
for page in strongroom sr_connect sr_record_seal; do
  [ -s "$WORK/root$old/share/man/man3/$page.3" ] || fail "no manual page $page(3)"
done

# shellcheck disable=SC2016  # back quotes are those of the README
check "the README's example is examples/seal_stdin.c" diff \
  <(sed -n '/^## libstrongroom/,/^## /p' "$ROOT/README.md" | sed -n '/^```c$/,/^```$/{//!p}') "$ROOT/examples/seal_stdin.c"
mkdir "$WORK/bin"
for source in "$ROOT"/examples/*.c; do
  # shellcheck disable=SC2046
  check "compiling ${source##*/}" cc -std=c99 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -o "$WORK/bin/$(basename "$source" .c)" \
    "$source" $(config --cflags --libs)
done
if command -v c++ >/dev/null; then
  cat >"$WORK/a.cc" <<'CC'
#include <strongroom.h>
#include <cstdio>
int main() {
  sr_error error{};
  sr_stream how{};
  how.context = "c++";
  sr_vault *vault = nullptr;
  if (sr_connect(nullptr, &vault, &error) != SR_OK)
    std::printf("%s\n", error.message);
  sr_close(vault);
  return how.threads == 0 ? error.status : 1;
}
CC
  # shellcheck disable=SC2046
  check "compiling C++" c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -o "$WORK/bin/cxx" "$WORK/a.cc" $(config --cflags --libs)
else
  note "no C++ compiler: the header was not tried with one"
fi

hub_start
sr key create app --type oct --size 256 >/dev/null
sr key create signing --type EC --curve P-256 >/dev/null
printf 'correct horse' | sr secret set db-password >/dev/null
sr cert create web --issuer Hub --subject CN=web.example --dns web.example --months 3 >/dev/null
cd "$WORK"
# run STATUS EXPECTED WORD...: an example's exit status, and a pattern that its output has.
run() {
  local expected=$1 pattern=$2 program=$3 status=0
  shift 3
  said=$("$WORK/bin/$program" "$@" 2>&1) || status=$?
  same "status of $program $* ($said)" "$expected" "$status"
  [[ $said =~ $pattern ]] || fail "$program $*: '$pattern' is not in: $said"
}
run 0 '^db-password: 13 bytes, in (locked|ordinary) memory$' get_secret db-password
run 1 'SecretNotFound|not found.*SR_NOT_FOUND' get_secret none
[ ! -x bin/cxx ] || run 0 '^$' cxx
run 0 "^A256KW: 40 bytes, $KEY_VAULT_URL/keys/app/[0-9a-f]{32}; unwrapped: the same$" wrap app
run 0 $'^64 bytes: SR_OK\none bit changed: SR_BAD_SIGNATURE$' sign signing ES256 "$(printf x | openssl dgst -sha256 -r | cut -c1-64)"
run 0 $'^orders/0/card: .4111 1111 1111 1111.\n.*\norders/2/card: ..\nrow 1 at row 0.s place: SR_DAMAGED$' records app

head -c 3000000 /dev/urandom >plain
check "sealing" bin/seal app some/place <plain >sealed 2>note
same "progress" "3000000 bytes" "$(cat note)"
check "opening" bin/seal --open some/place <sealed >again 2>note
check "what was opened" cmp plain again
check "opening with the program" sr open sealed --context some/place --out again2
check "what the program opened" cmp plain again2
status=0
said=$(bin/seal --open other/place <sealed 2>&1 >none) || status=$?
same "opened as something else" "1 0" "$status $(wc -c <none | tr -d ' ')"
contains "its reason" "$said" SR_WRONG_KEY
check "a range" bin/range sealed some/place 1000000 5000 >piece 2>note
check "the piece" cmp piece <(tail -c +1000001 plain | head -c 5000)
same "its note" "of 3000000 bytes" "$(cat note)"
head -c $((2176 + 56 + 100 * 16400)) sealed >short # a header and a hundred chunks
status=0
said=$(bin/range short some/place 1000 10 2>&1 >none) || status=$?
same "a range of a truncated file" "1" "$status"
contains "its reason" "$said" SR_TRUNCATED
check "sealing stdin" bin/seal_stdin app <plain >sealed
check "opening it with the program" sr open sealed --context shop --out again3
check "what was opened" cmp plain again3
status=0
said=$(bin/seal_stdin none <plain 2>&1 >sealed) || status=$?
same "sealing under a key that is not there" "7" "$status"
contains "its reason" "$said" "SR_NOT_FOUND: "
check "renewing" bin/renew web >renewed.pem 2>note
contains "a renewal" "$(cat note)" "key: yes"
check "the renewed certificate" openssl verify -CAfile "$HUB_DATA/ca.pem" -untrusted renewed.pem renewed.pem >/dev/null
unset AZURE_CLIENT_SECRET
run 1 'no credentials.*SR_CONFIG' get_secret db-password
# shellcheck disable=SC1091
. "$HUB_DATA/env"

# A program with ways of its own. Nothing is said on its stdout or stderr but what it says.
same "a host" "nothing was changed" "$(unset LD_LIBRARY_PATH; "$BUILD/tests/lib/lib-host" app db-password 2>&1)"
hub_stop
