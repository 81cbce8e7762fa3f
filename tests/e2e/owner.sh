#!/usr/bin/env bash
# The owner's secret is handed over once: taking DIR/env away is for good, an address that changed keeps the secret, and who has the root key recovers the owner.
. "$(dirname "$0")/../lib.sh"
hub_start
sr key create app --type oct >/dev/null
first=$AZURE_CLIENT_SECRET
hub_stop

HUB_PORT=$(free_port)
hub_start
same "the secret under another port" "$first" "$AZURE_CLIENT_SECRET"
contains "the address in env" "$(cat "$HUB_DATA/env")" ":$HUB_PORT'"
hub_stop

mv "$HUB_DATA/env" "$WORK/taken"
"$STRONGROOM" up --data "$HUB_DATA" --listen "127.0.0.1:$HUB_PORT" --json >"$WORK/up.json" 2>>"$WORK/hub.log" </dev/null &
HUB_PID=$!
until [ -s "$WORK/up.json" ]; do
  kill -0 $HUB_PID || fail "it does not start without env"
  sleep 0.05
done
[ ! -e "$HUB_DATA/env" ] || fail "a secret came back"
sr key show app >/dev/null || fail "the secret that was taken away does not work"
status=0
sr vault recover-owner --data "$HUB_DATA" --out "$WORK/owner.env" 2>/dev/null || status=$?
same "recovery under a running hub" 5 "$status"
# The last way in can't be thrown away.
credential=$(sr identity show owner --json | json 'd["credentials"][0]["id"]')
status=0
sr identity remove-credential owner "$credential" 2>/dev/null || status=$?
same "removing the last owner's last credential" 5 "$status"
# Another owner, and then none of the first.
sr identity create alice --secret --out "$WORK/alice.env" >/dev/null
sr role assign owner --to alice >/dev/null
(
  # shellcheck disable=SC1091
  . "$WORK/alice.env"
  sr identity delete owner >/dev/null
) || fail "the first owner can't be deleted"
kill -TERM $HUB_PID
wait $HUB_PID || fail "it did not stop"
HUB_PID=

sr vault recover-owner --data "$HUB_DATA" --out "$WORK/owner.env" >/dev/null
same "mode of the file" 600 "$(stat -c %a "$WORK/owner.env")"
mv "$WORK/taken" "$HUB_DATA/env"
hub_start
sr key show app >/dev/null 2>&1 && fail "a deleted owner's secret works"
# shellcheck disable=SC1091
. "$WORK/owner.env"
sr key show app >/dev/null || fail "the recovered owner can't read"
contains "the audit log" "$(sr audit show)" "OwnerRecover"
hub_stop
