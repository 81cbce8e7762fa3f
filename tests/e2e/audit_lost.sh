#!/usr/bin/env bash
# A vault whose audit log was removed does not start; told that it is lost, it begins a new one that says so.
. "$(dirname "$0")/../lib.sh"
hub_start
api POST /keys/k/create '{"kty":"oct"}'
hub_stop
rm -rf "$HUB_DATA/audit"

status=0
said=$(timeout 20 "$STRONGROOM" up --data "$HUB_DATA" --listen "127.0.0.1:$HUB_PORT" 2>&1 </dev/null) || status=$?
if [ $status -eq 0 ] || [ $status -eq 124 ]; then fail "it starts without its log"; fi
contains "the reason" "$said" "--audit-lost"
[ ! -e "$HUB_DATA/audit/head" ] || fail "a log was begun all the same"

hub_start --audit-lost
contains "the loss" "$(sr audit show --json | head -n 1)" '"operationName":"AuditLost"'
check "the new log verifies" sr audit verify --data "$HUB_DATA"
hub_stop
hub_start
api GET /keys/k
same "the key" 200 "$STATUS"
hub_stop
