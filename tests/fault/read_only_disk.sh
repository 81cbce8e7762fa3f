#!/usr/bin/env bash
# The disk becomes read-only under a running vault: nothing is acknowledged any more, and what was is there afterwards.
. "$(dirname "$0")/../lib.sh"
require mount losetup mkfs.ext4
[ "$(id -u)" = 0 ] || skip "needs root to mount a file system"
truncate -s 64M "$WORK/disk"
mkfs.ext4 -q "$WORK/disk"
mkdir "$WORK/mount"
mount -o loop "$WORK/disk" "$WORK/mount" 2>/dev/null || skip "cannot mount a loop device here"
trap 'umount -l "$WORK/mount"; lib_end' EXIT
HUB_DATA=$WORK/mount/data
hub_start
api POST /keys/before/create '{"kty":"oct"}'
same "creating" 200 "$STATUS"

# An emergency remount is what a kernel does after a disk error: open files fail with EROFS.
mount -o remount,ro "$WORK/mount" 2>/dev/null || { # busy for writing: force it through the file system's own switch
  echo 1 >"/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$WORK/mount")")/trigger_fs_error" 2>/dev/null ||
    skip "cannot make the file system read-only under open files"
  mount -o remount,ro "$WORK/mount" 2>/dev/null || skip "cannot make the file system read-only under open files"
}
api POST /keys/during/create '{"kty":"oct"}'
same "creating on a read-only disk" 503 "$STATUS"
api GET /keys/before
same "reading without an audit record" 503 "$STATUS"
hub_kill
umount "$WORK/mount"
mount -o loop "$WORK/disk" "$WORK/mount"
hub_start
api GET /keys/before
same "what was acknowledged" 200 "$STATUS"
api GET /keys/during
same "what was not" 404 "$STATUS"
hub_stop
