#!/usr/bin/env bash
# A full disk: changes and answers stop with 503 and a clear error, nothing acknowledged is lost, and when there is room again the vault goes on by itself.
. "$(dirname "$0")/../lib.sh"
require mount
[ "$(id -u)" = 0 ] || skip "needs root to mount a small file system"
mkdir "$WORK/small"
mount -t tmpfs -o size=6m,mode=0700 tmpfs "$WORK/small" 2>/dev/null || skip "cannot mount a tmpfs here"
mounted "$WORK/small"
HUB_DATA=$WORK/small/data
hub_start

api POST /keys/before/create '{"kty":"oct"}'
same "creating with room" 200 "$STATUS"
head -c 64M /dev/zero >"$WORK/small/filler" 2>/dev/null || true

acknowledged=()
refused=0
for i in $(seq 1 400); do
  api POST "/keys/full-$i/create" '{"kty":"oct"}'
  case $STATUS in
    200) acknowledged+=("full-$i") ;;
    503)
      contains "the error" "$BODY" '"error"'
      refused=$((refused + 1))
      [ $refused -lt 3 ] || break
      ;;
    *) fail "creating on a full disk: status $STATUS: $BODY" ;;
  esac
done
[ $refused -gt 0 ] || fail "the full disk was never noticed"
note "${#acknowledged[@]} keys acknowledged before the disk was full"

rm "$WORK/small/filler"
sleep 2
api POST /keys/after/create '{"kty":"oct"}'
same "creating when there is room again" 200 "$STATUS"
for name in before "${acknowledged[@]}" after; do
  api GET "/keys/$name"
  same "$name after the full disk" 200 "$STATUS"
done
hub_kill
hub_start
for name in before "${acknowledged[@]}" after; do
  api GET "/keys/$name"
  same "$name after a restart" 200 "$STATUS"
done
hub_stop
check "the audit log verifies" sr audit verify --data "$HUB_DATA"
