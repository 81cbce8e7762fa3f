#!/usr/bin/env bash
# Files, pipes and pieces are sealed and opened; contexts bind; a rotation rewrites headers alone; many files share a key and fail one by one; what is
# there is not overwritten; progress is drawn on a terminal only, and --json says in lines what was done.
. "$(dirname "$0")/../lib.sh"
require python3 setsid
here=$(cd "$(dirname "$0")" && pwd)
hub_start
cd "$WORK"
sr key create backups --type oct --size 256 >/dev/null
mkdir s
cd s
head -c 3000000 /dev/urandom >disk.img

fails() { # STATUS TEXT COMMAND...
  local expected=$1 text=$2 status=0 said
  shift 2
  said=$("$@" 2>&1 >/dev/null) || status=$?
  same "status of '$*' ($said)" "$expected" "$status"
  contains "what '$*' says" "$said" "$text"
}
value() { sr inspect --json "$1" | json "d[\"$2\"]"; }
leftovers() { find . -name '.*.strongroom-*' | wc -l; }

# As in the README.
sr seal disk.img --key backups
sr open disk.img.sealed --out again.img
cmp disk.img again.img || fail "a file and back"
cmp -s disk.img disk.img.sealed && fail "nothing was sealed"
printf 'a dump' | sr seal --key backups --context shop/2026-11-26 --out shop.sealed
same "a pipe and back" 'a dump' "$(sr open shop.sealed --context shop/2026-11-26)"
ended=0
"$STRONGROOM" seal --key backups --out closed.sealed <&- 2>said || ended=$?
same "stdin that is closed: $(cat said)" 9 $ended
[ ! -e closed.sealed ] || fail "nothing was read, yet a file is there"
ended=0
"$STRONGROOM" open disk.img.sealed >&- 2>said || ended=$?
same "stdout that is closed: $(cat said)" 9 $ended
sr open disk.img.sealed --range 1048576:512 | cmp - <(tail -c +1048577 disk.img | head -c 512) || fail "a piece"
sr open disk.img.sealed --range 2999990: | cmp - <(tail -c 10 disk.img) || fail "a piece at the end"
same "a piece behind the end" 0 "$(sr open disk.img.sealed --range 3000000:5 | wc -c)"
contains "inspect" "$(sr inspect shop.sealed)" "sealed stream, version 1"
same "the size that inspect tells" 3000000 "$(value disk.img.sealed plaintextBytes)"
contains "the key that inspect tells" "$(value disk.img.sealed key)" "$KEY_VAULT_URL/keys/backups/"
before=$(value disk.img.sealed key)
tail -c +2177 disk.img.sealed >payload
sr key rotate backups >/dev/null
contains "reseal" "$(sr reseal disk.img.sealed)" "disk.img.sealed: now under $KEY_VAULT_URL/keys/backups/"
contains "reseal again" "$(sr reseal disk.img.sealed)" "already under"
tail -c +2177 disk.img.sealed | cmp - payload || fail "reseal wrote more than the header"
[ "$before" != "$(value disk.img.sealed key)" ] || fail "the header names the old version"
sr open disk.img.sealed | cmp - disk.img || fail "a resealed file"

# All from and to pipes; no byte, a byte, whole chunks.
for size in 0 1 16384 262144 262145; do
  head -c $size disk.img | sr seal --key backups | sr open | cmp - <(head -c $size disk.img) || fail "$size bytes in a pipe"
  head -c $size disk.img >part
  sr seal part --key backups --force --threads 1
  sr open part.sealed --threads 3 | cmp - part || fail "$size bytes in a file"
done

# The place counts, and nothing is written under a name that was refused.
fails 8 "strongroom: shop.sealed:" sr open shop.sealed --context shop/2026-11-25 --out wrong
fails 8 "context" sr open shop.sealed --out wrong
[ ! -e wrong ] || fail "a file of another context was written"

# What is there stays there.
fails 5 "is there already: --force" sr seal disk.img --key backups
fails 5 "is there already: --force" sr open disk.img.sealed --out again.img
echo old >target
ln -s target link
sr open shop.sealed --context shop/2026-11-26 --out link --force
same "through a link" "a dump" "$(cat target)"
[ -L link ] || fail "the link was replaced"
same "to a device" "" "$(sr open disk.img.sealed --out /dev/null)"
same "to stdout" "a dump" "$(sr open shop.sealed --context shop/2026-11-26 --out -)"
fails 2 "a directory, one that is there" sr seal disk.img part --key backups --out nowhere
fails 2 "--key says which key" sr seal disk.img
fails 2 "need --age" sr seal disk.img --key backups --recipient age1x
STRONGROOM_SEAL_KEY=backups sr seal disk.img --out preset.sealed
fails 9 "No such file" sr seal --key backups absent
fails 9 "is a directory" sr seal --key backups .
fails 7 "neither a sealed file" sr open disk.img
cp preset.sealed nameless
fails 2 "does not end in" sr open preset.sealed nameless --out "$WORK"
fails 3 "nokey" sr seal disk.img --key nokey --force

# Who may read a file may read its sealed form; what is opened is its owner's.
chmod 640 part
sr seal part --key backups --force
same "mode of a sealed file" 640 "$(stat -c %a part.sealed)"
same "mode of an opened file" 600 "$(stat -c %a again.img)"
same "mode of what came on stdin" 600 "$(stat -c %a shop.sealed)"
same "temporary files" 0 "$(leftovers)"

# Many: by name and by list, with one key; those that fail are told, the others are there.
mkdir many out
for i in $(seq 1 600); do echo "text $i" >"many/file $i.txt"; done
audited() { sr audit show --json | grep -c '"KeyWrap"' || true; }
asked=$(audited)
find many -name '*.txt' -print0 | sr seal --key backups --files-from - --json 2>events
[ $(($(audited) - asked)) -le 1 ] || fail "several keys were wrapped for one run"
same "done events" 600 "$(grep -c '"event":"done"' events)"
python3 - events "many/file 77.txt" <<'EOF' || fail "the events"
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
e, = [e for e in events if e["file"] == sys.argv[2]]
assert e["out"] == sys.argv[2] + ".sealed" and e["bytes"] == 8 and e["sealedBytes"] == 2256, e
assert "/keys/backups/" in e["key"] and e["seconds"] > 0, e
EOF
printf 'many/file 1.txt.sealed\0absent.sealed\0disk.img\0many/file 2.txt.sealed\0' >list
status=0
said=$(sr open --files-from list --out out 2>&1) || status=$?
same "the first failure's code" 9 "$status"
contains "the second failure" "$said" "strongroom: disk.img: it is neither"
contains "the count" "$said" "2 of 4 failed"
same "those that could be opened" "text 1 text 2" "$(cat out/* | paste -sd' ')"
sr open many/*.sealed --out out --force
same "all of them" 600 "$(find out -type f | wc -l)"
diff -r many out >/dev/null && fail "the sealed files are not there"
rm many/*.sealed
diff -r many out || fail "many files and back"
status=0
sr seal many/* --key backups --remove --out - >/dev/null 2>&1 || status=$?
same "--remove into a pipe" 2 "$status"
mkdir taken
status=0
sr seal many/* --key backups --remove --force --out taken 2>/dev/null || status=$?
same "--remove with --force into a directory" 2 "$status"
rmdir taken
sr seal many/* --key backups --remove
same "what --remove leaves" 0 "$(find many -name '*.txt' | wc -l)"
sr open many/*.sealed
rm many/*.sealed
diff -r many out || fail "many files, removed and back"

# Events of one file, with its failure.
status=0
sr open payload --json 2>events || status=$?
same "status" 7 "$status"
same "the error's code" "NotSealed payload" "$(json 'd["code"] + " " + d["file"]' <events)"

# Progress: on a terminal only.
cat >slowly <<'EOF'
#!/bin/sh
head -c 1000000 disk.img; sleep 0.3; head -c 1000000 disk.img; sleep 0.3; cat disk.img
EOF
chmod +x slowly
same "what is said without a terminal" "" "$(./slowly | sr seal --key backups --out slow.sealed 2>&1)"
"$here/seal_pty.py" sh -c "./slowly | '$STRONGROOM' seal --key backups --force --out slow.sealed" >drawn
contains "the line on a terminal" "$(tr '\r' '\n' <drawn)" "stdin"
contains "a rate on a terminal" "$(tr '\r' '\n' <drawn)" "B/s"
status=0
said=$("$here/seal_pty.py" sh -c "echo x | '$STRONGROOM' seal --key backups") || status=$?
same "sealed data for a terminal" 2 "$status"
contains "sealed data for a terminal" "$said" "not for a terminal"

# age: recipients beside the vault, which break the glass without it; rotation keeps them.
if command -v age age-keygen >/dev/null; then
  age-keygen -o glass.txt 2>/dev/null
  sr seal part --age --key backups --recipient "$(age-keygen -y glass.txt)"
  age -d -i glass.txt part.age | cmp - part || fail "age opens it"
  sr open part.age | cmp - part || fail "the vault opens it"
  env -i "$STRONGROOM" open --identity glass.txt part.age | cmp - part || fail "opening needs the vault"
  fails 1 "KEY_VAULT_URL" env -i "$STRONGROOM" open part.age
  contains "recipients" "$(sr inspect part.age)" "X25519"
  sr key rotate backups >/dev/null
  contains "reseal of age" "$(sr reseal part.age)" "now under"
  contains "reseal of age again" "$(sr reseal part.age)" "already under"
  age -d -i glass.txt part.age | cmp - part || fail "age after the rotation"
  sr key create archive --type oct --size 256 >/dev/null
  sr seal part --age --key backups --recipient "$(sr age recipient archive)" --out two.age
  sr key rotate archive >/dev/null
  fails 1 "2 of its recipients" sr reseal two.age --key archive
  contains "reseal of age for two keys" "$(sr reseal two.age)" "now under $KEY_VAULT_URL/keys/archive/"
  sr key delete backups >/dev/null
  sr open two.age | cmp - part || fail "the second key alone"
  sr key recover backups >/dev/null
  sr open part.age --range 100000:10 | cmp - <(tail -c +100001 part | head -c 10) || fail "a piece of age"
  fails 2 "no --context" sr open part.age --context x
  age-keygen -o other.txt 2>/dev/null
  fails 8 "none of the identities" env -i "$STRONGROOM" open part.age --identity other.txt
fi
same "temporary files" 0 "$(leftovers)"
hub_stop
