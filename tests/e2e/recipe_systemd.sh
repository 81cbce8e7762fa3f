#!/usr/bin/env bash
# doc/recipes/systemd.md and the unit strongroom-log@: what a journal has is in the sealed log with all its fields, also what came while the writer was not there; and makes a journal again.
. "$(dirname "$0")/../recipe.sh"
journald=/lib/systemd/systemd-journald remote=/lib/systemd/systemd-journal-remote
[ -x $journald ] || skip "needs systemd-journald"
require journalctl systemd-cat python3
for dir in /run /var/log; do mount -t tmpfs -o mode=755 recipe $dir; done
recipe_start systemd
until_() { # WHAT COMMAND...
  local what=$1 deadline=$((SECONDS + 20))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "$what: $(cat /srv/*.err 2>&1)"
    sleep 0.1
  done
}

# A journald of the test's own, in memory.
mkdir -p /run/systemd/journal /run/log/journal
$journald 2>/srv/journald.err &
daemon=$!
until_ "journald's socket" test -S /run/systemd/journal/stdout
say() { printf '%s\n' "$2" | systemd-cat --identifier=test --priority="$1"; }
log=/var/log/sealed/journal
messages() { # LOG: what the test has said
  # shellcheck disable=SC1091
  (. /mnt/reader.env && strongroom log grep '^SYSLOG_IDENTIFIER=test$' "$1" --json) |
    python3 -c 'import json, sys; [print(json.loads(line)["fields"]["MESSAGE"]) for line in sys.stdin]'
}
has() { messages "$log" 2>/dev/null | grep -qx "$1"; }

# shellcheck disable=SC1091
. "$HUB_DATA/env"
export SSL_CERT_FILE=/mnt/ca.pem
part "A key and a writer"
say info one
say err two
until_ "the journal has it" sh -c 'journalctl --quiet --identifier=test | grep -q two'
# shellcheck disable=SC1091
(. /srv/journal.env && part "By hand")
RUN+=("By hand")
same "by hand" "$(printf 'one\ntwo')" "$(messages /var/log/sealed/by-hand)"

# The unit's command, as systemd would start it.
unit=$(dirname "$STRONGROOM")/src/cli/strongroom-log@.service
cp "$unit" /srv
if command -v systemd-analyze >/dev/null; then
  same "what systemd has to say of it" "" "$(systemd-analyze verify /srv/strongroom-log@test.service 2>&1 | grep -F strongroom-log || true)"
fi
mkdir /srv/etc
install -D -m 600 /srv/journal.env /srv/etc/journal/env
command=$(sed -n "s|^ExecStart=/bin/bash -c '\(.*\)'$|\1|p" "$unit" |
  sed 's|%i|journal|g; s|\$\$|$|g; s|--data /etc/strongroom|--data /srv/etc|; s|exec [^ ]*/strongroom|exec /mnt/bin/strongroom|')
contains "the unit's command" "$command" "log write $log"
unit_start() {
  env -i PATH="$PATH" JOURNAL=--identifier=test bash -c "$command" 2>>/srv/unit.err &
  writer=$!
}
unit_start
until_ "the journal's entries" has two
say warning $'three\tand'
until_ "one that came later" has $'three\tand'
kill -TERM $writer
wait $writer || fail "the unit ended with $?: $(cat /srv/unit.err)"
say info "while nobody wrote"
unit_start
until_ "one that came while nobody wrote" has "while nobody wrote"
kill -KILL $writer
wait $writer 2>/dev/null || true
say info "after a crash"
unit_start
until_ "one after a crash" has "after a crash"
kill -TERM $writer
wait $writer || fail "the unit ended with $?: $(cat /srv/unit.err)"
same "all of it" "$(printf 'one\ntwo\nthree\tand\nwhile nobody wrote\nafter a crash')" "$(messages $log | uniq)"
same "once at least" "" "$(messages $log | sort | uniq -c | awk '$1 > 2')"

as_reader
part "Read"
same "errors" two "$(cat "$WORK/part.log")"
grep -qx SYSLOG_IDENTIFIER=test /srv/last-hour.export || fail "there are fields missing"
if [ -x $remote ]; then
  $remote --output=/srv/again.journal /srv/last-hour.export 2>/srv/remote.err
  same "a journal of it" two "$(journalctl --file=/srv/again.journal --quiet --output=cat --priority=err)"
fi
part "Verify"
kill $daemon
wait $daemon || true
recipe_end
