#!/usr/bin/env bash
# The disk becomes read-only under a running vault: nothing is acknowledged any more, and what was is there afterwards.
. "$(dirname "$0")/../lib.sh"
require mount losetup mkfs.ext4
[ "$(id -u)" = 0 ] || skip "needs root to mount a file system"
truncate -s 64M "$WORK/disk"
mkfs.ext4 -q "$WORK/disk"
mkdir "$WORK/mount"
mount -o loop,errors=remount-ro "$WORK/disk" "$WORK/mount" 2>/dev/null || skip "cannot mount a loop device here"
mounted "$WORK/mount"
# What the kernel does after a disk error: open files fail with EROFS from then on.
trigger=/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$WORK/mount")")/trigger_fs_error
[ -w "$trigger" ] || skip "this kernel cannot be told to see an error of an ext4 file system"
HUB_DATA=$WORK/mount/data
hub_start
api POST /keys/before/create '{"kty":"oct"}'
same "creating" 200 "$STATUS"

echo 1 >"$trigger"
touch "$WORK/mount/x" 2>/dev/null && fail "the file system is still writable"
api POST /keys/during/create '{"kty":"oct"}'
same "creating on a read-only disk" 503 "$STATUS"
api GET /keys/before
same "reading without an audit record" 503 "$STATUS"
hub_kill
umount "$WORK/mount"
fsck.ext4 -p "$WORK/disk" >/dev/null || [ $? -le 1 ] || fail "the file system is damaged"
mount -o loop "$WORK/disk" "$WORK/mount"
hub_start
api GET /keys/before
same "what was acknowledged" 200 "$STATUS"
api GET /keys/during
same "what was not" 404 "$STATUS"
hub_stop
