#!/usr/bin/env bash
# Damaged, foreign and missing files: the hub says what is wrong and ends, or serves; it never serves something else.
. "$(dirname "$0")/../lib.sh"
hub_start
for i in $(seq 1 30); do
  api POST "/keys/k$i/create" '{"kty":"oct"}'
  same "creating" 200 "$STATUS"
done
hub_stop
cp -a "$HUB_DATA" "$WORK/good"

# refused WHAT TEXT: the vault does not come up and the reason is said.
refused() {
  local out status=0
  out=$(timeout 20 "$STRONGROOM" vault serve --data "$HUB_DATA" --listen 127.0.0.1:0 2>&1 </dev/null) || status=$?
  [ $status -ne 124 ] || fail "$1: it serves"
  if [ $status -eq 0 ] || [ $status -ge 126 ]; then fail "$1: status $status: $out"; fi
  contains "$1" "$out" "$2"
}
again() {
  rm -rf "$HUB_DATA"
  cp -a "$WORK/good" "$HUB_DATA"
}

again
head -c 32 /dev/urandom >"$HUB_DATA/root.key"
refused "another root key" "ERR_ROOT_KEY"

again
truncate -s 31 "$HUB_DATA/root.key"
refused "a short root key" "root.key"

again
chmod 0644 "$HUB_DATA/root.key"
refused "a root key that others can read" "root.key"

again
rm "$HUB_DATA/root.key"
refused "no root key" "root.key"

again
printf 'this is no database, and never was one' | dd of="$HUB_DATA/vault.db" conv=notrunc status=none
refused "no database" "ERR_CORRUPT"

# One damaged page, wherever it is: never served as if nothing had been.
size=$(stat -c %s "$HUB_DATA/vault.db")
for at in 5000 9000 13000 $((size - 3000)); do
  again
  head -c 600 /dev/urandom | dd of="$HUB_DATA/vault.db" bs=1 seek="$at" conv=notrunc status=none
  refused "a damaged page at $at" "ERR_CORRUPT"
done

again
truncate -s $((size / 2)) "$HUB_DATA/vault.db"
refused "half a database" "ERR_CORRUPT"

again
log=$(find "$HUB_DATA/audit" -name '*.log' | sort | head -n 1)
printf '\x55' | dd of="$log" bs=1 seek=600 conv=notrunc status=none
out=$(sr audit verify --data "$HUB_DATA" 2>&1) && fail "a changed audit record was not noticed: $out"
contains "the first broken record is named" "$out" "record"
refused "a changed audit log" "ERR_CORRUPT"

again
hub_start
api GET /keys/k30
same "the undamaged copy serves" 200 "$STATUS"
out=$(timeout 20 "$STRONGROOM" vault serve --data "$HUB_DATA" --listen 127.0.0.1:0 2>&1) && fail "two vaults on one directory"
contains "a second vault on the same directory" "$out" "another process"
hub_stop
