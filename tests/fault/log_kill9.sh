#!/usr/bin/env bash
# kill -9 of the writer of a log at any time: lines that it had for more than a second are there, in order and without a gap; verifying tells of each crash
# and of nothing else; and what is then deleted, put elsewhere or changed shows.
. "$(dirname "$0")/../lib.sh"
require python3
hub_start
sr key create logs --type oct --size 256 >/dev/null
# The page cache outlives the process: what is asked of the disk is another test's business.
place=$WORK
if [ -w /dev/shm ]; then
  place=$(mktemp -d /dev/shm/strongroom-test.XXXXXX)
  trap 'rm -rf "$place"; lib_end' EXIT
fi
python3 "$(dirname "$0")/log_kill9.py" "$STRONGROOM" "$place" "${KILLS:-6}" "${LOGS:-4}" || fail "see above"

log=$place/log0
sr log verify "$log" --from-start >/dev/null
broken() { # TEXT: verifying fails and says so
  local status=0 said
  said=$(sr log verify "$log" --from-start 2>&1 >/dev/null) || status=$?
  same "verifying a log in which $1" 7 $status
  contains "what verifying says" "$said" "$1"
}
files=("$log"/*.srlog)
victim=${files[${#files[@]} / 2]}
name=$(basename "$victim")
cp "$victim" "$WORK/kept"
rm "$victim"
broken "segment $((10#${name%%-*})) is missing"
cp "${files[0]}" "$victim"
broken "$name: it was renamed"
cp "$WORK/kept" "$victim"
flip "$victim" $(($(stat -c %s "$victim") - 20))
broken "$name"
head -c -1 "$WORK/kept" >"$victim"
broken "$name"
cp "$WORK/kept" "$victim"
check "put back" sr log verify "$log" --from-start >/dev/null
hub_stop
