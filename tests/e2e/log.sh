#!/usr/bin/env bash
# Sealed logs: what is written comes back byte for byte, while it is written and after; segments by size, age and SIGHUP; following and searching; journals
# with binary fields; verifying names what is wrong; keys and roles that go; a vault that is away at the start.
. "$(dirname "$0")/../lib.sh"
require python3 timeout
hub_start
cd "$WORK"
sr key create logs --type oct --size 256 >/dev/null

ends() { # STATUS TEXT WORD...
  local expected=$1 text=$2 status=0 said
  shift 2
  said=$(sr "$@" 2>&1 >/dev/null) || status=$?
  same "status of '$*' ($said)" "$expected" "$status"
  contains "what '$*' says" "$said" "$text"
}
until_() { # WHAT COMMAND...
  local what=$1 deadline=$((SECONDS + 20))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "$what"
    sleep 0.05
  done
}
count() { find "$1" -name '*.srlog' | wc -l; }
segment() { echo "$1"/0*"$2"-*.srlog; }

# A stream and back, with what a line may have in it.
python3 -c 'import sys
w = sys.stdout.buffer.write
for i in range(20000): w(b"%d a line \xff\x00 of any bytes\n" % i)
w(b"\n\r\n" + b"x" * 1048576 + b"\n" + b"long" * 800000 + b"\nno end")' >in
sr log write L --key logs <in
sr log cat L | cmp - in || fail "a stream and back"
same "modes" "700 600" "$(stat -c %a L) $(stat -c %a L/*.srlog)"
if grep -qa "a line" L/*.srlog; then fail "there are lines to be read in the files"; fi
sr log cat L/*.srlog | cmp - in || fail "a segment by its name"
printf 'again\n' | STRONGROOM_SEAL_KEY=logs sr log write L
{
  cat in
  printf '\nagain\n'
} | cmp - <(sr log cat L) || fail "the next writer's"
sr log verify L --from-start >report
contains "the report" "$(cat report)" "no gap, nothing changed"
same "entries" 20006 "$(sr log verify L --json | json 'd["entries"]')"
ends 2 "--key NAME is missing" log write L2
ends 2 "64K" log write L2 --key logs --segment-size 5
ends 3 "logs2" log write L2 --key logs2 </dev/null
same "nothing was begun" 0 "$(count L2)"
ends 7 "no segments" log cat L2
ends 9 "nowhere" log cat nowhere

# Searching.
same "one line" "12345 a line" "$(sr log grep '^12345 ' L | head -c 12)"
same "any case" 20000 "$(sr log grep --ignore-case 'A LINE' L | wc -l)"
same "a fixed text" "" "$(sr log grep --fixed '^1' L || echo "exit $?" | grep -v 'exit 1')"
same "the end of a long line" 3200001 "$(sr log grep '^(long)+$' L | wc -c)"
same "an empty one" 1 "$(sr log grep '^$' L | wc -l)"
ends 2 "no regular expression" log grep '(' L
same "times" again "$(sr log cat L --times --since -1h | tail -n 1 | sed 's/^20[0-9-]*T[0-9:.]*Z //')"
same "none so late" 0 "$(sr log cat L --since +1h | wc -l)"
same "none so early" 0 "$(sr log cat L --until 2020-01-01 | wc -l)"
same "as JSON" again "$(sr log cat L --json | tail -n 1 | json 'd["line"]')"
same "bytes as JSON" '[49, 57, 57]' "$(sr log grep '^19999 ' L --json | json 'd["line"][:3]')"

# While it is written: read, followed over segments, rotated by size, age and signal.
mkfifo pipe
"$STRONGROOM" log write F --key logs --segment-size 64K --segment-age 2s --flush-ms 50 <pipe 2>write.log &
writer=$!
exec 9>pipe
echo first >&9
has() { [ "$(sr log cat "$1" 2>/dev/null | tail -n 1)" = "$2" ]; }
until_ "the first line" has F first
"$STRONGROOM" log follow F --lines 5 >followed &
follower=$!
ends 5 "one at a time" log write F --key logs
contains "its end" "$(sr log verify F)" "being written"
kill -HUP $writer
two() { [ "$(count F)" -ge 2 ]; }
until_ "a segment by SIGHUP" two
echo second >&9
three() { [ "$(count F)" -ge 3 ]; }
until_ "a segment by age" three
seq 1 30000 >&9
until_ "the last of many" has F 30000
echo third >&9
until_ "a line behind them" has F third
[ "$(count F)" -ge 4 ] || fail "no segment by size"
kill -TERM $writer
wait $writer || fail "the writer ended with $?: $(cat write.log)"
exec 9>&-
contains "closed" "$(sr log verify F --from-start)" "closed"
printf 'fourth\n' | sr log write F --key logs
{
  echo first
  echo second
  seq 1 30000
  printf 'third\nfourth\n'
} >expected
sr log cat F | cmp - expected || fail "lines over segments"
all_followed() { cmp -s followed expected; }
until_ "all of it was followed" all_followed
kill $follower
wait $follower || fail "following ended with $?"
(timeout 1 "$STRONGROOM" log follow F --lines 3 || true) >followed
same "the last three" "30000 third fourth" "$(xargs <followed)"
sr log cat F | head -n 1 >/dev/null || true

# Started with SIGTERM ignored it goes on to the end of its input.
(
  trap '' TERM
  exec "$STRONGROOM" log write T --key logs <pipe
) &
writer=$!
exec 9>pipe
echo first >&9
until_ "the first line" has T first
kill -TERM $writer
echo last >&9
exec 9>&-
wait $writer || fail "the writer that goes on ended with $?"
same "the last word" last "$(sr log cat T | tail -n 1)"

# A journal, byte for byte; an entry by its fields.
python3 - <<'PY'
import struct
entry = lambda **f: b"".join(
    k.encode() + (b"\n" + struct.pack("<Q", len(v)) + v if b"\n" in v or b"\xff" in v else b"=" + v) + b"\n"
    for k, v in f.items()) + b"\n"
with open("journal", "wb") as f:
    for i in range(500):
        f.write(entry(__CURSOR=b"s=%d" % i, PRIORITY=b"%d" % (i % 8), MESSAGE=b"message\n\n%d = x\n" % i, DATA=b"\xff\n\n" * i))
PY
sr log write J --key logs --format "journal" <journal
sr log cat J | cmp - journal || fail "a journal and back"
same "its entries" 500 "$(sr log verify J --json | json 'd["entries"]')"
same "by a field" 63 "$(sr log grep '^PRIORITY=3$' J --json | wc -l)"
sr log grep '^__CURSOR=s=7$' J --json >entry
same "its message" "$(printf 'message\n\n7 = x\n')" "$(json 'd["fields"]["MESSAGE"].rstrip("\n")' <entry)"
same "its bytes" "[255, 10, 10]" "$(json 'd["fields"]["DATA"][:3]' <entry)"
sr log write K --key logs --format "journal" --cursor-file cursor <journal
same "the last cursor" s=499 "$(cat cursor)"
head -c 200 journal | sr log write K --key logs --format "journal" --cursor-file cursor
same "the last whole entry's" s=1 "$(cat cursor)"
ends 2 "--cursor-file is for" log write K --key logs --cursor-file cursor
printf '11 hello\nworld3 abc' | sr log write S --key logs --format syslog
same "octet counting" "$(printf 'hello\nworld\nabc')" "$(sr log cat S)"

# A damaged record: what stands before it is printed, what comes after only if asked for.
cp -r F D
middle=$(segment D 2)
flip "$middle" $(($(stat -c %s "$middle") - 100))
status=0
sr log cat D >before 2>err || status=$?
same "a damaged record" 7 $status
contains "its place" "$(cat err)" "$(basename "$middle"), record"
cmp -n "$(stat -c %s before)" before expected || fail "what was printed is not the beginning"
status=0
sr log cat D --skip-damaged >after 2>/dev/null || status=$?
same "damage that is skipped" 7 $status
same "what comes after it" fourth "$(tail -n 1 after)"
ends 7 "the log is not intact" log verify D
contains "the report" "$(sr log verify D 2>/dev/null || true)" "NOT INTACT"
cp "$(segment F 2)" "$middle"
sr log verify D >/dev/null
position=$(sr log verify D --json | json 'd["position"]')
sr log verify D --expect-at-least "$position" >/dev/null
rm "$middle"
ends 7 "segment 2 is missing" log verify D
ends 7 "segment 2 is missing" log cat D
rm "$(segment D 1)"
contains "older ones may go" "$(sr log verify D)" "Begins at:      3"
ends 7 "missing" log verify D --from-start
mkfifo D/00000009-20261126T141506Z.srlog
ends 7 "this is no file" log verify D
rm D/*.srlog
echo new | sr log write D --key logs
ends 7 "had reached" log verify D --expect-at-least "$position"

# Rotating the key; a reader without the role; a key that is gone.
sr key rotate logs >/dev/null
contains "resealed" "$(sr log reseal F)" "$(count F) of $(count F)"
contains "once" "$(sr log reseal F)" "0 of"
sr log cat F | cmp - expected || fail "resealed"
# Who only writes needs no right to read, and can go on behind a crash.
sr role create sealer --action 'Microsoft.KeyVault/vaults/keys/read' --action 'Microsoft.KeyVault/vaults/keys/wrap/action' >/dev/null
identity logger sealer /keys/logs
as_logger() { AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET "$@"; }
printf 'fifth\n' | as_logger sr log write F --key logs 2>/dev/null
as_logger ends 4 "$(basename "$(segment F 1)")" log cat F
same "the writer's line" fifth "$(sr log cat F | tail -n 1)"
sr log verify F --from-start >/dev/null
sr key delete logs >/dev/null
ends 3 "$(basename "$(segment F 1)")" log cat F
ends 3 "logs" log write F --key logs </dev/null
sr key recover logs >/dev/null

# An output that fails is no "no match".
output_fails() { # WHAT WORD...
  local what=$1 status=0
  shift
  "$STRONGROOM" "$@" 2>said || status=$?
  same "status of '$*' ($(cat said))" 9 "$status"
  contains "what '$*' says" "$(cat said)" "cannot write stdout: $what"
}
output_fails "No space left" log cat F >/dev/full
output_fails "No space left" log grep fifth F >/dev/full
output_fails "Bad file descriptor" log cat F >&-
ended=0
timeout 20 "$STRONGROOM" log write F --key logs <&- 2>said || ended=$?
same "stdin that is closed: $(cat said)" 9 $ended
same "times" "strongroom: --since takes 2027-01-31, 2027-01-31T10:00:00Z or -2h, not '2h'" "$(sr log cat F --since 2h 2>&1)"

# A vault that is away: nothing is read until it is there, or the wait is over.
hub_stop
ends 6 "" log write F --key logs --wait 0 <expected
"$STRONGROOM" log write F --key logs --wait 60 <<<sixth 2>write.log &
writer=$!
waits() { [ -s write.log ]; }
until_ "it says that it waits" waits
hub_start
wait $writer || fail "the writer ended with $?: $(cat write.log)"
contains "what it says" "$(cat write.log)" "all is well again"
same "the line that waited" sixth "$(sr log cat F | tail -n 1)"
hub_stop
