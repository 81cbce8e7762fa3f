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

# Each page in turn is damaged: the vault does not come up, or (the page was a free one) every key is there.
size=$(stat -c %s "$HUB_DATA/vault.db")
refusals=0
for ((at = 4096; at < size; at += 4096)); do
  again
  head -c 4096 /dev/urandom | dd of="$HUB_DATA/vault.db" bs=4096 seek=$((at / 4096)) conv=notrunc status=none
  status=0
  out=$(timeout 3 "$STRONGROOM" vault serve --data "$HUB_DATA" --listen 127.0.0.1:0 2>&1 </dev/null) || status=$?
  if [ $status -eq 124 ]; then # it serves
    hub_start
    for i in $(seq 1 30); do
      api GET "/keys/k$i"
      same "k$i with a damaged page at $at" 200 "$STATUS"
    done
    hub_stop
  else
    contains "a damaged page at $at" "$out" "ERR_CORRUPT"
    refusals=$((refusals + 1))
  fi
done
note "$refusals of $((size / 4096 - 1)) damaged pages were noticed at the start"
[ $refusals -gt 0 ] || fail "no damaged page was noticed"

again
truncate -s $((size / 2)) "$HUB_DATA/vault.db"
refused "half a database" "ERR_CORRUPT"

again
log=$(find "$HUB_DATA/audit" -name '*.log' | sort | head -n 1)
flip "$log" 600
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
