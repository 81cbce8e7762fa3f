#!/usr/bin/env bash
# doc/recipes/btrfs.md: a snapshot and the difference to the next one come back; a damaged one leaves no subvolume behind.
. "$(dirname "$0")/../recipe.sh"
require btrfs mkfs.btrfs
modprobe btrfs 2>/dev/null || true
grep -qw btrfs /proc/filesystems || skip "needs a kernel with btrfs"
truncate -s 300M /mnt/image
mkfs.btrfs -q /mnt/image >/dev/null 2>&1
mount -o loop /mnt/image /srv 2>/dev/null || skip "needs a loop device"
mounted /srv
recipe_start btrfs

btrfs subvolume create /srv/data >/dev/null
mkdir /srv/restored
head -c 3000000 /dev/urandom >/srv/data/large
echo "first day" >/srv/data/note
part "The first one, whole"
echo "second day" >/srv/data/note
part "The next one, the difference"
[ "$(stat -c %s /var/backups/data-2026-11-26.btrfs.sealed)" -lt 1000000 ] || fail "the difference is the whole"
! grep -qaF "second day" /var/backups/* || fail "there is plaintext in the backups"
as_reader
part "Restore"
same "the first day" "first day" "$(cat /srv/restored/data-2026-11-25/note)"
same "the second day" "second day" "$(cat /srv/restored/data-2026-11-26/note)"
cmp /srv/data/large /srv/restored/data-2026-11-26/large || fail "what was restored differs"

btrfs subvolume delete /srv/restored/data-* >/dev/null
flip /var/backups/data-2026-11-25.btrfs.sealed 2000000
if (part Restore) 2>/dev/null; then fail "a damaged snapshot was restored"; fi
same "what it left" "" "$(ls /srv/restored)"
recipe_end
