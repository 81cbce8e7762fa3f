#!/usr/bin/env bash
# doc/recipes/directory-trees.md: a tree comes back with its modes, holes in time included; so does one file; and who seals opens nothing.
. "$(dirname "$0")/../recipe.sh"
require tar
recipe_start directory-trees
export day=2026-11-26

mkdir -p /srv/wiki/pages /srv/wiki/old /srv/scans/a
echo "front page" >/srv/wiki/pages/front.txt
head -c 300000 /dev/urandom >/srv/wiki/pages/large
echo gone >/srv/wiki/old/page.txt
chmod 640 /srv/wiki/pages/large
chown 7:8 /srv/wiki/pages/large
part "Back up"
status=0
strongroom open "/var/backups/wiki-$day-0.tar.sealed" --context "wiki/$day/0" >/dev/null 2>&1 || status=$?
same "opening as who only seals" 4 "$status"

rm -r /srv/wiki/old
echo "second page" >/srv/wiki/pages/second.txt
part "Only what changed since"
[ "$(stat -c %s "/var/backups/wiki-$day-1.tar.sealed")" -lt 100000 ] || fail "the increment has what did not change"
! grep -rqa "front page" /var/backups || fail "there is plaintext in the backups"

as_reader
part "Look inside"
contains "the list" "$(cat "$WORK/part.log")" wiki/old/page.txt
status=0
strongroom open "/var/backups/wiki-$day-0.tar.sealed" --context "wiki/$day/1" >/dev/null 2>&1 || status=$?
same "opening one as the other" 8 "$status"
part "Restore"
diff -r /srv/wiki /srv/restored/wiki || fail "what was restored differs"
same "mode and owner" "640 7:8" "$(stat -c '%a %u:%g' /srv/restored/wiki/pages/large)"
part "One file of it"
same "the file" "front page" "$(cat /srv/front.txt)"

as_writer
echo "a scan" >"/srv/scans/a/a b.pdf"
part "File by file"
same "the files" "/srv/scans/a/a b.pdf.sealed" "$(find /srv/scans -type f)"
as_reader
find /srv/scans -name '*.pdf.sealed' -print0 | strongroom open --files-from - 2>/dev/null
same "the scan" "a scan" "$(cat "/srv/scans/a/a b.pdf")"
recipe_end
