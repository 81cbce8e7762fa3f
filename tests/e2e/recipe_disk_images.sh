#!/usr/bin/env bash
# doc/recipes/disk-images.md: an image and a block device come back, byte for byte, with the holes; a piece of it without the rest.
. "$(dirname "$0")/../recipe.sh"
require mkfs.ext4 losetup
recipe_start disk-images
export day=2026-11-26 disk target

# A file system with something on it, and mostly nothing.
mkdir /srv/images /srv/tree
echo "in the image" >/srv/tree/file
truncate -s 32M /srv/images/web.img
mkfs.ext4 -q -d /srv/tree /srv/images/web.img
used=$(stat -c %b /srv/images/web.img)
[ "$used" -lt 30000 ] || fail "the image has no holes to begin with: $used blocks"
part "An image"
as_reader
part "Restore an image"
cmp /srv/images/web.img /srv/images/web-restored.img || fail "the image differs"
[ "$(stat -c %b /srv/images/web-restored.img)" -le "$((used + 2048))" ] || fail "the holes were filled"
part "A piece from the middle"
cmp <(head -c 512 /srv/images/web.img) /srv/first-sector || fail "the piece differs"

# A device, if there is one to be had.
disk=$(losetup --find --show --read-only /srv/images/web.img 2>/dev/null) || disk=
if [ -z "$disk" ]; then
  note "no loop device: files in its place"
  disk=/srv/images/web.img target=/srv/target
  truncate -s 32M "$target"
else
  # shellcheck disable=SC2317,SC2329 # it is called by the trap
  devices_end() {
    local status=$?
    losetup --detach "$disk" || status=1
    [ -z "$target" ] || losetup --detach "$target" || status=1
    if (exit $status); then lib_end; else lib_end; fi # it looks at the status
  }
  trap devices_end EXIT
  head -c 32M /dev/urandom >/srv/target
  target=$(losetup --find --show /srv/target)
fi
as_writer
part "A block device"
as_reader
part "Restore a block device"
cmp "$disk" "$target" || fail "the device differs"
flip "/var/backups/web-disk-$day.sealed" 3000000
before=$(sha256sum <"$target")
if (part "Restore a block device") 2>/dev/null; then fail "a damaged one was restored"; fi
same "the target, when the backup is damaged" "$before" "$(sha256sum <"$target")"
recipe_end
