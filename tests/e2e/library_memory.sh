#!/usr/bin/env bash
# A secret's value, an unwrapped key, an opened text in a program that uses libstrongroom: the first two in locked memory while they are
# held, all nowhere when they were released. Its own client secret is in locked memory only, its data keys are there too.
. "$(dirname "$0")/../lib.sh"
require python3
[ "$(id -u)" = 0 ] || skip "needs root to read another process's memory"
driver=$(dirname "$STRONGROOM")/tests/lib/lib-driver
nm -D "$driver" | grep -qE '__(asan|tsan)_' && skip "a sanitizer keeps what was released"
hub_start
sr key create app --type oct --size 256 >/dev/null
value=$(python3 -c 'import secrets; print("a value", secrets.token_hex(600), end="")')
printf %s "$value" | sr secret set known >/dev/null
python3 -c 'import sys; print("value", sys.argv[1].encode().hex()); print("middle", sys.argv[1][500:540].encode().hex()); print("key", "5a" * 32)' "$value" >"$WORK/patterns"
printf 'text %s\n' "$(printf 'the text that is sealed' | od -An -v -tx1 | tr -d ' \n')" >>"$WORK/patterns"
printf %s "$AZURE_CLIENT_SECRET" >"$WORK/secret"
printf 'client %s\n' "$(od -An -v -tx1 "$WORK/secret" | tr -d ' \n')" >"$WORK/client"

coproc DRIVER { AZURE_CLIENT_SECRET_FILE=$WORK/secret exec env -u AZURE_CLIENT_SECRET "$driver"; }
pid=$DRIVER_PID
tell() {
  local status said
  echo "$*" >&"${DRIVER[1]}"
  read -r -t 60 status said <&"${DRIVER[0]}" || fail "no answer to '$*'"
  same "'$*' ($said)" SR_OK "$status"
}
scan() { python3 "$(dirname "$0")/scan_memory.py" "$pid" "$WORK/${1-patterns}"; }

tell hold known
found=$(scan)
contains "a value that is held is not in ordinary memory" "$found" "ordinary 0"
[ "$(sed -n 's/locked //p' <<<"$found")" -gt 0 ] || fail "the search does not find a value that is held: $found"
tell drop
same "after its release" $'locked 0\nordinary 0' "$(scan)"
for command in "secret known" "secret known" "wrap app" unwrap unwrap "seal app" open open; do tell "$command"; done
contains "the client secret" "$(scan client)" "ordinary 0"
same "after more calls" $'locked 0\nordinary 0' "$(scan)"
eval "exec ${DRIVER[1]}>&-"
wait "$pid"
hub_stop
