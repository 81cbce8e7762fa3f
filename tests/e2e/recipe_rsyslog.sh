#!/usr/bin/env bash
# doc/recipes/rsyslog.md: messages that rsyslogd gets are in the sealed log, in order; who writes reads nothing; a HUP begins a segment, a restart goes on; a log that is put back is found out.
. "$(dirname "$0")/../recipe.sh"
PATH=$PATH:/usr/sbin
require rsyslogd logger python3
for dir in /etc/rsyslog.d /var/log; do mount -t tmpfs -o mode=755 recipe $dir; done
recipe_start rsyslog
until_() { # WHAT COMMAND...
  local what=$1 deadline=$((SECONDS + 20))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "$what: $(cat /srv/rsyslogd.log /var/log/sealed/syslog.err 2>&1)"
    sleep 0.1
  done
}

# shellcheck disable=SC1091
. "$HUB_DATA/env"
export SSL_CERT_FILE=/mnt/ca.pem
part "A key and a writer"
export writer=/srv/syslog-writer.env
# shellcheck disable=SC1090
. "$writer"
part "rsyslogd"

# A machine's rsyslogd but for the socket.
cat >/srv/rsyslog.conf <<'END'
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="/srv/socket" RateLimit.Interval="0")
include(file="/etc/rsyslog.d/*.conf")
END
start_rsyslogd() {
  # As systemd would: without our credentials.
  env -u AZURE_CLIENT_ID -u AZURE_CLIENT_SECRET -u KEY_VAULT_URL rsyslogd -n -f /srv/rsyslog.conf -i /srv/pid >>/srv/rsyslogd.log 2>&1 &
  rsyslogd=$!
  until_ "its socket" test -S /srv/socket
}
say() { logger -u /srv/socket --socket-errors=on -t app "$1"; }
has() {
  # shellcheck disable=SC1091
  (. /mnt/reader.env && strongroom log cat /var/log/sealed/syslog 2>/dev/null | grep -q "$1")
}
segments() { find /var/log/sealed/syslog -name '*.srlog' | wc -l; }
start_rsyslogd
for i in $(seq 200); do say "error number $i of some"; done
until_ "the last message" has "error number 200 of some"
status=0
strongroom log cat /var/log/sealed/syslog >/dev/null 2>&1 || status=$?
same "reading as who only writes" 4 $status
if grep -rqa "of some" /var/log; then fail "there are messages in plain text"; fi
kill -HUP $rsyslogd
two() { [ "$(segments)" -ge 2 ]; }
until_ "a segment by HUP" two
say "before the restart"
until_ "a message behind it" has "before the restart"
kill -TERM $rsyslogd
wait $rsyslogd || fail "rsyslogd ended with $?"
rm -f /srv/socket

as_reader
contains "closed" "$(strongroom log verify /var/log/sealed/syslog)" "closed"
(part "Verify")
start_rsyslogd
say "after the restart"
until_ "a message of the next writer" has "after the restart"
part "Read"
grep -q "after the restart" "$WORK/part.log" || fail "the last lines"
grep -q "error number 7 of some" "$WORK/part.log" || fail "what was searched for"
part "Verify"
same "in order" "$(seq 200)" "$(strongroom log grep 'error number' /var/log/sealed/syslog | sed 's/.* number \([0-9]*\) .*/\1/')"
kill -TERM $rsyslogd
wait $rsyslogd || fail "rsyslogd ended with $?"
rm "$(find /var/log/sealed/syslog -name '*.srlog' | sort | tail -n 1)"
if (part "Verify") 2>/dev/null; then fail "a log without its end was not noticed"; fi
recipe_end
