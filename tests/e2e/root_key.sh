#!/usr/bin/env bash
# The root key file: may be elsewhere, must be its owner's alone, is replaced by rewrap, and a crash in the middle of that loses nothing.
. "$(dirname "$0")/../lib.sh"
mkdir "$WORK/elsewhere"
key=$WORK/elsewhere/root.key
hub_start --root-file "$key"
sr key create app --type oct >/dev/null
hub_stop
[ ! -e "$HUB_DATA/root.key" ] || fail "a root key file was made in the data directory"
works() {
  hub_start --root-file "$key"
  sr key show app >/dev/null || fail "$1: the key is gone"
  hub_stop
}

cp "$key" "$WORK/first"
sr vault rewrap file --data "$HUB_DATA" --root-file "$key" >/dev/null
cmp -s "$key" "$WORK/first" && fail "the root key file is the old one"
[ ! -e "$key.next" ] || fail "the new file was left beside the old one"
works "after rewrap"
cp "$key" "$WORK/second"
cp "$WORK/first" "$key"
sr up --data "$HUB_DATA" --root-file "$key" --listen 127.0.0.1:0 >/dev/null 2>"$WORK/said" && fail "the old root key opens the vault"
contains "the old root key" "$(cat "$WORK/said")" "does not open the master key"

# Cut off after the master key was wrapped, before the file was renamed; and before it was wrapped.
cp "$WORK/second" "$key.next"
works "a rename that was cut off"
cmp "$key" "$WORK/second"
cp "$WORK/first" "$key.next"
works "a rewrap that was cut off"
[ ! -e "$key.next" ] || fail "what was cut off is still there"

printf 'a passphrase of some length\n' >"$WORK/pass"
sr vault rewrap passphrase --data "$HUB_DATA" --root-file "$key" --new-passphrase-fd 7 7<"$WORK/pass" >/dev/null
cp "$WORK/first" "$key.next" # left by a rewrap that was cut off
STRONGROOM_ROOT_FILE=$key sr vault rewrap file --data "$HUB_DATA" --passphrase-stdin <"$WORK/pass" >/dev/null
cmp -s "$key" "$WORK/second" && fail "an old root key file came back"
works "from file to passphrase to file"

chmod 640 "$key"
sr up --data "$HUB_DATA" --root-file "$key" --listen 127.0.0.1:0 >/dev/null 2>"$WORK/said" && fail "others may read the root key"
contains "a file that others may read" "$(cat "$WORK/said")" "chmod 600"
chmod 600 "$key"
if [ "$(id -u)" = 0 ]; then
  chown 12345 "$key"
  sr up --data "$HUB_DATA" --root-file "$key" --listen 127.0.0.1:0 >/dev/null 2>"$WORK/said" && fail "another user's root key is taken"
  contains "another user's file" "$(cat "$WORK/said")" "belongs to user 12345"
fi
