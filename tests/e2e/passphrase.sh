#!/usr/bin/env bash
# A passphrase as root key: the vault starts sealed, answers 503 with a clear body, is unsealed by the passphrase only, seals itself when told, and can be
# put under another root key.
. "$(dirname "$0")/../lib.sh"
printf 'correct horse battery staple\n' >"$WORK/pass"
printf 'wrong horse\n' >"$WORK/wrong"
health() { curl -s --cacert "$HUB_DATA/ca.pem" "https://localhost:$HUB_PORT/hub/health"; }

HUB_PORT=$(free_port)
exec 7<"$WORK/pass"
hub_start --root passphrase --passphrase-fd 7
exec 7<&-
[ ! -e "$HUB_DATA/root.key" ] || fail "a root key file was made"
api POST /keys/k/create '{"kty":"oct"}'
same "creating" 200 "$STATUS"
api POST /keys/k//wrapkey '{"alg":"A256KW","value":"AAECAwQFBgcICQoLDA0ODw"}'
wrapped=$(json 'd["value"]' <<<"$BODY")

sr vault seal
for _ in $(seq 100); do
  case $(health) in *sealed*) break ;; esac
  sleep 0.1
done
contains "after sealing" "$(health)" '"sealed"'
api GET /keys/k
same "a sealed vault" 503 "$STATUS"
contains "its answer" "$BODY" "VaultSealed"
sr vault unseal --passphrase-stdin <"$WORK/wrong" 2>/dev/null && fail "the wrong passphrase unseals"
contains "after the wrong passphrase" "$(health)" '"sealed"'
same "a passphrase that is too short" 400 "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$SSL_CERT_FILE" \
  --data '{"passphrase":"short"}' "https://localhost:$HUB_PORT/hub/unseal")"
sr vault unseal --passphrase-stdin <"$WORK/pass"
TOKEN_OF=
api POST /keys/k//unwrapkey "{\"alg\":\"A256KW\",\"value\":\"$wrapped\"}"
same "unwrapping after unsealing" 200 "$STATUS"
hub_stop

# An unsealing that fails half-way does not leave the vault open for the next one who asks.
mv "$HUB_DATA/audit" "$WORK/audit"
: >"$HUB_DATA/audit"
"$STRONGROOM" up --data "$HUB_DATA" --listen "127.0.0.1:$HUB_PORT" >>"$WORK/hub.log" 2>&1 </dev/null &
HUB_PID=$!
for _ in $(seq 100); do
  case $(health) in *sealed*) break ;; esac
  sleep 0.1
done
sr vault unseal --passphrase-stdin <"$WORK/pass" 2>/dev/null && fail "it unseals without its audit log"
rm "$HUB_DATA/audit"
mv "$WORK/audit" "$HUB_DATA/audit"
sr vault unseal --passphrase-stdin <"$WORK/wrong" 2>/dev/null && fail "after that, any passphrase unseals"
sr vault unseal --passphrase-stdin <"$WORK/pass"
hub_stop

sr vault rewrap file --data "$HUB_DATA" --passphrase-stdin <"$WORK/pass"
hub_start
api POST /keys/k//unwrapkey "{\"alg\":\"A256KW\",\"value\":\"$wrapped\"}"
same "under a file root key" 200 "$STATUS"
sr vault seal 2>/dev/null && fail "a vault that unseals itself seals"
hub_stop
! grep -r "correct horse" "$HUB_DATA" "$WORK/hub.log" || fail "the passphrase was written somewhere"
