#!/usr/bin/env bash
# `up` starts the hub and keeps it running: prints what runs and what a client needs without the secret, gives its children no secret, starts again what
# dies, gives up when that happens too often, and stops cleanly.
. "$(dirname "$0")/../lib.sh"
export AZURE_CLIENT_SECRET=must-not-be-passed-on SOME_PASSWORD=neither
hub_start
unset SOME_PASSWORD

out=$(cat "$WORK/hub.log")
contains "the table" "$out" "serving"
contains "the export lines" "$out" "export KEY_VAULT_URL='https://localhost:$HUB_PORT'"
contains "how to do better" "$out" "vault rewrap passphrase"
case $out in *"$AZURE_CLIENT_SECRET"*) fail "the secret is on the screen" ;; esac
same "mode of DIR/env" 600 "$(stat -c %a "$HUB_DATA/env")"

child() { pgrep -P "$HUB_PID"; }
serves_again() {
  for _ in $(seq 100); do
    [ "$(child)" != "$1" ] && sr status >/dev/null 2>&1 && return
    sleep 0.1
  done
  fail "the vault was not started again"
}
first=$(child)
tr '\0' '\n' <"/proc/$first/environ" | grep -E 'AZURE|PASSWORD' && fail "a child has a secret in its environment"
sr key create app --type oct >/dev/null
kill -KILL "$first"
serves_again "$first"
contains "what was told" "$(cat "$WORK/hub.log")" "up: vault was ended by signal 9"
sr key show app >/dev/null || fail "the key is gone"

# A second hub on the same data is refused, and does not disturb the first.
status=0
sr up --data "$HUB_DATA" --listen 127.0.0.1:0 >/dev/null 2>&1 || status=$?
same "status of a second hub" 1 "$status"
sr key show app >/dev/null || fail "the first hub was disturbed"

kill -HUP "$HUB_PID"
sleep 0.3
sr key show app >/dev/null || fail "SIGHUP stopped it"
hub_stop
[ -z "$(pgrep -f -- "--data $HUB_DATA" || true)" ] || fail "a child is left"

# A hub that is killed takes its children with it.
hub_start
orphan=$(child)
kill -KILL "$HUB_PID"
wait "$HUB_PID" 2>/dev/null || true
HUB_PID=
for _ in $(seq 100); do
  kill -0 "$orphan" 2>/dev/null || break
  sleep 0.1
done
kill -0 "$orphan" 2>/dev/null && fail "the child outlives its parent"

hub_start
for _ in 1 2 3 4 5; do
  now=$(child)
  kill -KILL "$now"
  serves_again "$now"
done
kill -KILL "$(child)"
status=0
wait "$HUB_PID" || status=$?
HUB_PID=
same "status when it gives up" 1 "$status"
contains "what it says" "$(cat "$WORK/hub.log")" "too often"

# SIGINT (Ctrl-C) is clean, too; JSON for scripts.
"$STRONGROOM" up --data "$HUB_DATA" --listen 127.0.0.1:0 --json >"$WORK/up.json" 2>/dev/null </dev/null &
HUB_PID=$!
for _ in $(seq 100); do
  [ -s "$WORK/up.json" ] && break
  sleep 0.1
done
same "JSON" vault "$(json 'd["services"][0]["name"]' <"$WORK/up.json")"
kill -INT "$(json 'd["services"][0]["pid"]' <"$WORK/up.json")" # as the terminal does: to both
kill -INT "$HUB_PID"
status=0
wait "$HUB_PID" || status=$?
HUB_PID=
same "status after Ctrl-C" 0 "$status"
