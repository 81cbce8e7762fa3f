#!/usr/bin/env bash
# Several vaults in one hub: reached by name, with keys and roles of their own; deleted, recovered, purged, also by a hub that is killed at it; no name is on the disk.
. "$(dirname "$0")/../lib.sh"
require curl python3
domain=vault.vdc.test
hub_start --domain "$domain"

# at VAULT METHOD PATH [BODY]: as api, at a vault's own name; its certificate is checked.
at() {
  local url=$KEY_VAULT_URL
  owner_token # of the hub
  KEY_VAULT_URL=https://$1.$domain:$HUB_PORT
  CURL_HOME=$WORK
  export CURL_HOME
  echo "resolve = $1.$domain:$HUB_PORT:127.0.0.1" >"$WORK/.curlrc"
  shift
  api "$@"
  rm "$WORK/.curlrc"
  KEY_VAULT_URL=$url
}
# expect STATUS VAULT METHOD PATH [BODY]
expect() {
  local wanted=$1
  shift
  at "$@"
  [ "$STATUS" = "$wanted" ] || fail "$*: $STATUS $BODY"
}
# rows: how many records the database of a hub that is stopped has.
rows() {
  python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("select count(*) from record").fetchone()[0])' "$HUB_DATA/vault.db"
}

# Made, listed, and each with its own.
sr vault create alphavault --retention-days 7 >"$WORK/made"
contains "what was made" "$(cat "$WORK/made")" "https://alphavault.$domain:$HUB_PORT/"
contains "its retention" "$(cat "$WORK/made")" "7 days"
sr vault create BetaVault >/dev/null
same "the list" "alphavault BetaVault" "$(sr vault list --json | json '" ".join(v["name"] for v in d["value"])')"
expect 200 alphavault POST /keys/same/create '{"kty":"EC"}'
alpha=$(json 'd["key"]["x"]' <<<"$BODY")
contains "its id" "$BODY" "\"kid\":\"https://alphavault.$domain:$HUB_PORT/keys/same/"
expect 200 betavault POST /keys/same/create '{"kty":"EC"}'
[ "$alpha" != "$(json 'd["key"]["x"]' <<<"$BODY")" ] || fail "two vaults have one key"
api GET /keys/same
same "the key in the hub's own vault" 404 "$STATUS"
expect 200 alphavault PUT /secrets/note '{"value":"kept"}'
expect 404 gammavault GET /keys
expect 404 alphavault GET /hub/vaults
challenge=$(curl -s -o /dev/null -D - --cacert "$SSL_CERT_FILE" --resolve "alphavault.$domain:$HUB_PORT:127.0.0.1" \
  "https://alphavault.$domain:$HUB_PORT/keys?api-version=7.4" | tr -d '\r' | grep -i '^www-authenticate')
contains "the challenge" "$challenge" "resource=\"https://$domain\""

# Roles stay where they are.
identity app crypto-officer
API_TOKEN=$(token "$APP_CLIENT_ID" "$APP_CLIENT_SECRET")
api GET /keys
same "the hub's own vault" 200 "$STATUS"
expect 403 alphavault GET /keys
expect 403 betavault GET /keys
identity team
sr vault create teamvault --owner team >/dev/null
API_TOKEN=$(token "$APP_CLIENT_ID" "$APP_CLIENT_SECRET")
expect 200 teamvault POST /keys/theirs/create '{"kty":"oct-HSM","key_size":256}'
expect 403 alphavault GET /keys
api GET /keys
same "the hub's own vault for a vault's owner" 403 "$STATUS"
unset API_TOKEN
expect 403 teamvault GET /keys
status=0
sr identity delete team 2>"$WORK/refused" || status=$?
same "deleting a vault's only owner" 5 "$status"
contains "what it says" "$(cat "$WORK/refused")" "the vault teamvault without an owner"

# The program at a vault's name: what is the vault's there, what is the hub's at the hub.
printf '127.0.0.1 localhost betavault.%s\n' "$domain" >"$WORK/hosts"
namespace=(unshare --mount)
[ "$(id -u)" -eq 0 ] || namespace+=(--map-root-user)
# named COMMAND...: where the vault's name is known.
named() {
  # shellcheck disable=SC2016
  KEY_VAULT_URL=https://betavault.$domain:$HUB_PORT "${namespace[@]}" \
    bash -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$WORK/hosts" "$@"
}
if named true 2>/dev/null; then
  same "its keys" same "$(named "$STRONGROOM" key list --json | json 'd["value"][0]["kid"].split("/")[4]')"
  named "$STRONGROOM" role assign crypto-user --to app --scope /keys/same >/dev/null
  contains "its assignments" "$(named "$STRONGROOM" role assignments)" /keys/same
  contains "the hub's identities" "$(named "$STRONGROOM" identity list)" team
else
  note "no mount namespace: the program is not tried at a vault's name"
fi

# Deleted, recovered, purged.
sr vault delete AlphaVault >/dev/null
expect 404 alphavault GET /secrets/note
status=0
sr vault show alphavault 2>/dev/null || status=$?
same "showing a deleted vault" 3 "$status"
sr vault show alphavault --deleted >/dev/null
hub_stop
hub_start --domain "$domain"
expect 404 alphavault GET /secrets/note
sr vault recover alphavault >/dev/null
expect 200 alphavault GET /secrets/note
contains "what was recovered" "$BODY" '"value":"kept"'
sr vault create guarded --purge-protection >/dev/null
sr vault delete guarded >/dev/null
status=0
sr vault purge guarded --yes 2>/dev/null || status=$?
same "purging what is protected" 4 "$status"

# The root key changes, the vaults stay; without its domain the hub is there alone.
hub_stop
sr vault rewrap file --data "$HUB_DATA" >/dev/null
hub_start
contains "the log" "$(tail -n 40 "$WORK/hub.log")" "3 vaults can't be reached"
expect 404 alphavault GET /secrets/note
api GET /keys
same "the hub's own vault" 200 "$STATUS"
hub_stop
before=$(rows)

# Killed while it purges, a vault is gone all the same, and what is left of it goes at the next start.
# fill VAULT: some 300 secrets over connections side by side, whose writes are committed together.
fill() {
  owner_token
  TOKEN=$TOKEN python3 -c 'import http.client, os, socket, ssl, sys
from concurrent.futures import ThreadPoolExecutor
host, port, ca = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
def work(n):
    c = http.client.HTTPSConnection(host, int(port))
    c.sock = trust.wrap_socket(socket.create_connection(("127.0.0.1", int(port))), server_hostname=host)
    for i in range(20):
        c.request("PUT", f"/secrets/s-{n}-{i}?api-version=7.4", "{\"value\":\"v\"}",
                  {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"})
        r = c.getresponse()
        assert r.status == 200, r.read()
        r.read()
list(ThreadPoolExecutor(15).map(work, range(15)))' "$1.$domain" "$HUB_PORT" "$SSL_CERT_FILE" || fail "filling $1"
}
for pause in 0 0.01; do
  hub_start --domain "$domain"
  sr vault create doomedvault >/dev/null
  fill doomedvault
  sr vault delete doomedvault >/dev/null
  sr vault purge doomedvault --yes
  sleep $pause
  hub_kill
  hub_start --domain "$domain"
  status=0
  sr vault show doomedvault --deleted 2>/dev/null || status=$?
  same "a purged vault after a kill" 3 "$status"
  expect 200 alphavault GET /secrets/note
  hub_stop # waits for what the scheduler is at, which begins with the start
  same "the records after a purge" "$before" "$(rows)"
done

# Names are in no file, but for the log that is sealed.
for name in alphavault BetaVault teamvault doomedvault "$domain"; do
  found=$(grep -rlai "$name" "$HUB_DATA" --include='vault.db*' --include='*.log' --include='root.key' || true)
  [ -z "$found" ] || fail "the name $name is in $found"
done

# The log knows which vault each was about.
hub_start --domain "$domain"
expect 200 betavault GET /keys
log=$(sr audit show --json | tail -n 400)
contains "the log" "$log" "VaultCreate"
contains "the log" "$log" "betavault.$domain:$HUB_PORT"
hub_stop
sr audit verify --data "$HUB_DATA" >/dev/null || fail "the log does not verify"
