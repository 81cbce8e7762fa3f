#!/usr/bin/env bash
# kill -9 while certificates are issued by ACME: each order has its certificate afterwards, or can be finalized again.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/acme.sh
. "$(dirname "$0")/../acme.sh"
require node npm
cd "$ROOT/tests/clients/js"
npm_packages
acme_start
acme_identity web 127.0.0.1
export STATE=$WORK/state
ready=0 valid=0
for wait in 0.02 0.06 0.12; do
  node acme_kill9.mjs prepare 8
  node acme_kill9.mjs finalize >"$WORK/go" &
  finalize=$!
  until [ -s "$WORK/go" ]; do sleep 0.01; done
  sleep "$wait"
  hub_kill
  wait "$finalize" || true
  rm "$WORK/go"
  hub_start "${ACME_OPTIONS[@]}"
  read -r more_ready more_valid < <(node acme_kill9.mjs check)
  note "ready and valid after the restart: $more_ready $more_valid"
  ready=$((ready + more_ready)) valid=$((valid + more_valid))
done
same "orders" 24 $((ready + valid))
[ $ready -gt 0 ] || fail "no order was cut off"
hub_stop
check "the audit log verifies" sr audit verify --data "$HUB_DATA"
