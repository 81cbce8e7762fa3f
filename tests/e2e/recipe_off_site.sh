#!/usr/bin/env bash
# doc/recipes/off-site.md: what left the house is opened by the vault, and without it by age and the key in the safe; a damaged copy shows.
. "$(dirname "$0")/../recipe.sh"
require age age-keygen
recipe_start off-site
export day=2026-11-26

mkdir /srv/wiki /srv/safe /srv/off-site /srv/restored /srv/emergency
echo "front page" >/srv/wiki/front.txt
head -c 300000 /dev/urandom >/srv/wiki/large
part "A key for emergencies"
part "Seal for both"
part "Copy"
! grep -rqa "front page" /var/backups /srv/off-site || fail "there is plaintext in the copy"
as_reader
part "Look whether the copy is good"
part "Restore by the vault"
diff -r /srv/wiki /srv/restored/wiki || fail "what the vault opened differs"

# Everything is gone but the copy and the safe.
hub_kill
part "Restore without the vault"
diff -r /srv/wiki /srv/emergency/wiki || fail "what the key in the safe opened differs"
strongroom open --identity /srv/safe/break-glass.txt "/srv/off-site/wiki-$day.tar.age" | tar --list >/dev/null
status=0
strongroom open "/srv/off-site/wiki-$day.tar.age" >/dev/null 2>&1 || status=$?
same "opening without vault and key" 6 "$status"

flip "/srv/off-site/wiki-$day.tar.age" 200000
if (cd /srv/off-site && sha256sum --check --quiet SHA256SUMS) >/dev/null 2>&1; then fail "a damaged copy does not show"; fi
status=0
strongroom open --identity /srv/safe/break-glass.txt "/srv/off-site/wiki-$day.tar.age" >/dev/null 2>&1 || status=$?
same "opening a damaged copy" 7 "$status"
same "the parts that were run" "$(parts "$RECIPE")" "$(printf '%s\n' "${RUN[@]}")"
