#!/usr/bin/env bash
# A rotation policy is carried out when its time has come, and a deleted key is purged after its retention (with a moved clock).
. "$(dirname "$0")/../lib.sh"
HUB_PORT=$(free_port)
hub_start
api POST /keys/auto/create '{"kty":"EC"}'
first=$(json 'd["key"]["kid"]' <<<"$BODY")
api PUT /keys/auto/rotationpolicy '{"lifetimeActions":[{"trigger":{"timeAfterCreate":"P30D"},"action":{"type":"Rotate"}}],"attributes":{"expiryTime":"P60D"}}'
same "setting the policy" 200 "$STATUS"
api POST /keys/gone/create '{"kty":"oct"}'
api DELETE /keys/gone
hub_stop

hub_start --test-clock-shift $((29 * 86400))
api GET /keys/auto
same "before its time" "$first" "$(json 'd["key"]["kid"]' <<<"$BODY")"
hub_stop

hub_start --test-clock-shift $((31 * 86400))
for _ in $(seq 50); do
  api GET /keys/auto
  second=$(json 'd["key"]["kid"]' <<<"$BODY")
  [ "$second" = "$first" ] || break
  sleep 0.1
done
[ "$second" != "$first" ] || fail "the key was not rotated"
same "the new version's life" $((60 * 86400)) "$(json 'd["attributes"]["exp"] - d["attributes"]["created"]' <<<"$BODY")"
api GET "/hub/audit?from=1&count=1000"
contains "the audit log" "$BODY" KeyRotateIfDue
api GET /deletedkeys/gone
same "within its retention" 200 "$STATUS"
hub_stop

hub_start --test-clock-shift $((91 * 86400))
for _ in $(seq 50); do
  api GET /deletedkeys/gone
  [ "$STATUS" = 404 ] && break
  sleep 0.1
done
same "after its retention" 404 "$STATUS"
hub_stop
