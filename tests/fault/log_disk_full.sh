#!/usr/bin/env bash
# A log on a full disk: the writer waits, and the producer with it; when there is room again every line is there, once; when there is none for too long, or it is told to stop meanwhile, that is exit code 9.
. "$(dirname "$0")/../lib.sh"
require mount python3
[ "$(id -u)" = 0 ] || skip "needs root to mount a small file system"
mkdir "$WORK/small"
mount -t tmpfs -o size=2m,mode=0700 tmpfs "$WORK/small" 2>/dev/null || skip "cannot mount a tmpfs here"
mounted "$WORK/small"
hub_start
cd "$WORK"
sr key create logs --type oct --size 256 >/dev/null
until_() { # WHAT COMMAND...
  local what=$1 deadline=$((SECONDS + 30))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "$what: $(cat write.log)"
    sleep 0.05
  done
}
complains() { [ -e write.log ] && grep -q "No space left" write.log; }
begin() { # OPTION...
  rm -f pipe write.log
  mkfifo pipe
  "$STRONGROOM" log write small/log --key logs --segment-size 256K --flush-ms 50 "$@" <pipe 2>write.log &
  writer=$!
}

begin --wait 60
(seq -f 'line %.0f of a log whose disk is full' 1 200000 >pipe) &
producer=$!
until_ "a full disk is told" complains
sleep 1
kill -0 $producer 2>/dev/null || fail "the producer does not wait"
sr log verify small/log --from-start >/dev/null
mount -o remount,size=64m "$WORK/small"
wait $producer
wait $writer || fail "the writer ended with $?: $(cat write.log)"
contains "what it says" "$(tail -n 1 write.log)" "all is well again"
sr log cat small/log | cmp - <(seq -f 'line %.0f of a log whose disk is full' 1 200000) || fail "lines are missing"
sr log verify small/log --from-start >/dev/null

# No room for as long as it waits, and while it is told to stop.
head -c 64M /dev/zero >small/filler 2>/dev/null || true
ends() { # WHAT
  local status=0
  wait $writer || status=$?
  same "$1: $(cat write.log)" 9 $status
}
begin --wait 1
exec 9>pipe
echo more >&9
ends "without room for too long"
exec 9>&-
rm small/filler
begin --wait 600
exec 9>pipe
echo more >&9
more() { [ "$(sr log cat small/log 2>/dev/null | tail -n 1)" = more ]; }
until_ "a line with room" more
head -c 64M /dev/zero >small/filler 2>/dev/null || true
seq 1 3000 >&9 # more than the rest of a page
until_ "a full disk is told" complains
kill -TERM $writer
ends "told to stop without room"
contains "what it says" "$(tail -n 1 write.log)" "could not be written"
exec 9>&-
rm small/filler
same "the last line" more "$(sr log cat small/log | tail -n 1)"
sr log verify small/log --from-start >/dev/null
hub_stop
