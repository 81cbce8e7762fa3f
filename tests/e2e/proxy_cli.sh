#!/usr/bin/env bash
# `proxy serve` refuses what can't be meant, before anything is started, and says what to do; files, environment and flags say the same; check and
# status find what is wrong; SIGHUP, SIGTERM, socket activation and systemd's notification work; the access log outlives its rotation.
. "$(dirname "$0")/../proxy.sh"

refuses() { # TEXT OPTION...: status 2, at once
  local text=$1 status=0 said
  shift
  said=$(env -u KEY_VAULT_URL "$STRONGROOM" proxy serve "$@" 2>&1) || status=$?
  same "status of '$*'" 2 "$status"
  contains "what '$*' says" "$said" "$text"
}
note "what is refused"
server=(--listen 127.0.0.1:0 --to "$WORK/a.sock" --name a.example --state "$WORK/no.state")
client=(--mode client --listen 127.0.0.1:0 --to db.example:5433 --name b.example --state "$WORK/no.state")
refuses "--name NAME is missing" --listen 127.0.0.1:0 --to "$WORK/a.sock" --allow b.example --state "$WORK/no.state"
refuses "--state DIR is missing" --listen 127.0.0.1:0 --to "$WORK/a.sock" --allow b.example --name a.example
refuses "--listen ADDRESS:PORT is missing" --to "$WORK/a.sock" --allow b.example --name a.example --state "$WORK/no.state"
refuses "--to TARGET is missing" --listen 127.0.0.1:0 --allow b.example --name a.example --state "$WORK/no.state"
refuses "--allow PATTERN is missing" "${server[@]}"
refuses "--allow-any lets in everybody" "${server[@]}" --allow b.example --allow-any
refuses "'*' is not a pattern" "${server[@]}" --allow '*'
refuses "not on this machine" --listen 127.0.0.1:0 --to 192.0.2.1:80 --name a.example --allow-any --state "$WORK/no.state"
refuses "not on this machine" --listen 127.0.0.1:0 --to db.example:80 --name a.example --allow-any --state "$WORK/no.state"
refuses "starttls takes one of" "${server[@]}" --allow-any --starttls smtp
refuses "takes NAME=TARGET" "${server[@]}" --allow-any --route a.example
refuses "speaks before the client" "${server[@]}" --allow-any --starttls mysql --route "b.example=$WORK/b.sock"
refuses "--server-name is not for --mode server" "${server[@]}" --allow-any --server-name x.example
refuses "--proxy-protocol-from takes an address" "${server[@]}" --allow-any --proxy-protocol-from everywhere
refuses "--admin takes" "${server[@]}" --allow-any --admin 0.0.0.0:9100
refuses "--socket-mode takes" "${server[@]}" --allow-any --socket-mode 999
refuses "--burst has no meaning" "${server[@]}" --allow-any --burst 5
refuses "--profile client is refused" "${server[@]}" --allow-any --profile client
refuses "lifetime" "${server[@]}" --allow-any --lifetime soon
refuses "plain text that others reach" --mode client --listen 0.0.0.0:0 --to db.example:5433 --name b.example --state "$WORK/no.state"
refuses "plain text that others reach" --mode client --listen '[::]:0' --to db.example:5433 --name b.example --state "$WORK/no.state"
refuses "--allow is not for --mode client" "${client[@]}" --allow a.example
refuses "--route is not for --mode client" "${client[@]}" --route a.example=b.example:1
refuses "--proxy-protocol is not for --mode client" "${client[@]}" --proxy-protocol
refuses "--server-name NAME is missing" "${client[@]}" --to other.example:5433
refuses "IPv6 in brackets" "${server[@]}" --allow-any --listen ::1:15599
refuses "a port of at most 65535" "${server[@]}" --allow-any --listen 127.0.0.1:99999
refuses "has at most 107 bytes" "${server[@]}" --allow-any --listen "/$(printf 'a%.0s' {1..107})"
refuses "--subject takes attributes" "${server[@]}" --allow-any --subject XX=a
refuses "'OU=' is not a pattern" "${server[@]}" --allow OU=
refuses "'XX=1' is not a pattern" "${server[@]}" --allow XX=1
refuses "--alpn needs a value" "${server[@]}" --allow-any --alpn ''
refuses "something is there that is not a socket" "${server[@]}" --allow-any --listen /etc/passwd
refuses "goes there, too" "${client[@]}" --server-name a.example --listen "$WORK/circle.sock" --to "$WORK/circle.sock"
refuses "--lifetime takes 15s at least" "${server[@]}" --allow-any --lifetime 1s
(
  ulimit -n 50
  refuses "only 50 files may be open at once: 59 are needed" "${server[@]}" --allow-any --ktls off --loops 1
) || exit 1
refuses "there is no option --lisen" "${server[@]}" --lisen 1
printf 'listen = 127.0.0.1:0\nlissten = x\n' >"$WORK/bad.conf"
refuses "bad.conf line 2: there is no key 'lissten'" --config "$WORK/bad.conf"
[ ! -e "$WORK/no.state" ] || fail "something was started"

note "a file, the environment, flags"
hub_start
cat >"$WORK/web.conf" <<CONF
# a comment
listen = 127.0.0.1:0
to = $WORK/web.sock
name = web.example
allow = spiffe://example/a
allow = .svc.example
idle-seconds = 60
CONF
python3 - "$WORK/web.sock" <<'PY' &
import socket, sys, threading
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(64)
def serve(c):
    while True:
        d = c.recv(65536)
        if not d:
            break
        c.sendall(d)
    c.close()
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
PY
CHILDREN+=($!)
eventually "the service" test -S "$WORK/web.sock"
checked=$(sr proxy check --config "$WORK/web.conf" --state "$WORK/web.state")
contains "check: the state" "$checked" "web.state is to be made"
contains "check: the certificate" "$checked" "none yet"
contains "check: the hub" "$checked" "it answers, and knows us"
contains "check: the target" "$checked" "web.sock takes connections"
[ ! -e "$WORK/web.state" ] || fail "check made the state directory"
export STRONGROOM_PROXY_ALLOW="spiffe://example/b,c.example" STRONGROOM_LISTEN=127.0.0.1:1
proxy_start web --config "$WORK/web.conf" --log debug
unset STRONGROOM_PROXY_ALLOW STRONGROOM_LISTEN
peer b --profile workload --name spiffe://example/b
peer a --profile workload --name spiffe://example/a
port=$(proxy_port web)
contains "b may" "$(tls_client "$port" as b)" "Verify return code: 0"
ended web 'd["end"] == "done" and d["identity"] == "spiffe://example/b" and d["service"] == "web" and d["tls"] == "TLSv1.3"'
tls_client "$port" as a >/dev/null
ended web 'd["end"] == "denied" and d["identity"] == "spiffe://example/a"' # the environment replaced the file's list
checked=$(sr proxy check --config "$WORK/web.conf" --state "$WORK/web.state")
contains "check: the certificate" "$checked" "good until"
same "mode of the key's file" 600 "$(stat -c %a "$WORK/web.state/identity.pem")"
same "mode of the state directory" 700 "$(stat -c %a "$WORK/web.state")"

note "what is wrong is found"
wrong() { # STATUS TEXT OPTION...
  local expected=$1 text=$2 status=0 said
  shift 2
  said=$(sr proxy check --config "$WORK/web.conf" --state "$WORK/web.state" "$@" 2>&1) || status=$?
  same "status of check '$*'" "$expected" "$status"
  contains "what check '$*' says" "$said" "$text"
}
wrong 6 "Targets: $WORK/nobody.sock" --to "$WORK/nobody.sock"
wrong 1 "for other names" --name other.example
wrong 2 "is not a pattern" --allow 'x y'
sed "s/^\(export AZURE_CLIENT_SECRET=\).*/\1'wrong'/" "$HUB_DATA/env" >"$WORK/wrong.env"
wrong 4 "Hub:" --data "$WORK/wrong.env"
chmod 640 "$WORK/wrong.env"
wrong 4 "wrong.env has a secret in it, and its mode is 0640: chmod 600" --data "$WORK/wrong.env"
chmod 600 "$WORK/wrong.env"
said=$(sr proxy check --config "$WORK/web.conf" --state "$WORK/web.state" --data "$WORK/wrong.env" 2>&1) || true
[[ $said != *chmod* ]] || fail "a warning of a file that is private: $said"
wrong 1 "cannot read" --data "$WORK/nothing"

note "status"
table=$(sr proxy status "$WORK/web.admin")
contains "its service" "$table" "web      server"
contains "by a path that is relative" "$(cd "$WORK" && sr proxy status web.admin ./web.admin)" "web      server"
contains "where it listens" "$table" "127.0.0.1:$port"
contains "whether the kernel has TLS" "$(sr proxy status "$WORK/web.admin" --json | json 'd["value"][0]["ktls"]')" "$(python3 -c "import errno, socket
try: socket.socket().setsockopt(6, 31, b'tls\0')
except OSError as e: print('on' if e.errno == errno.ENOTCONN else 'absent')")"
same "as JSON" "server web.example True 2" \
  "$(sr proxy status "$WORK/web.admin" --json | json '" ".join(map(str, (lambda p: (p["mode"], p["certificate"]["names"][0], p["ready"], p["connections"]["accepted"]))(d["value"][0])))')"
status=0
said=$(sr proxy status "$WORK/web.admin" "$WORK/nobody.admin" 2>&1) || status=$?
same "status with one that is away" 6 $status
contains "the other one is shown" "$said" "web      server"
status=0
said=$(sr proxy status "$WORK/nobody.admin" 2>"$WORK/said") || status=$?
same "status of one that is away" "6 " "$status $said" # no heading for nothing
contains "what it says" "$(cat "$WORK/said")" "no proxy answers at $WORK/nobody.admin"
metrics=$(admin web /metrics)
contains "metrics" "$metrics" "strongroom_proxy_connections_total 2"
contains "who was refused" "$metrics" 'strongroom_proxy_refused_total{reason="denied"} 1'
contains "when the certificate ends" "$metrics" "strongroom_proxy_certificate_expiry_timestamp_seconds 1"
same "healthz" ok "$(admin web /healthz)"

note "SIGHUP: the access log was moved away"
mv "$WORK/web.access" "$WORK/web.access.1"
kill -HUP "${PROXIES[web]}"
eventually "a new access log" test -e "$WORK/web.access"
SEEN[web]=0
tls_client "$port" as b >/dev/null
ended web 'd["end"] == "done"'
same "the old one is left alone" 2 "$(wc -l <"$WORK/web.access.1")"

note "what can't be had, and who could change it"
cannot() { # TEXT OPTION...: status 2, with a hub that answers
  local text=$1 status=0 said
  shift
  said=$(sr proxy serve --listen 127.0.0.1:0 --to "$WORK/web.sock" --name web.example --allow-any "$@" 2>&1) || status=$?
  same "status of '$*'" 2 "$status"
  contains "what '$*' says" "$said" "$text"
}
cannot "days at most" --state "$WORK/long.state" --lifetime 30000d
mkdir "$WORK/open.state"
chmod 777 "$WORK/open.state"
cannot "chmod 700 $WORK/open.state" --state "$WORK/open.state"
STRONGROOM_PROXY_ALOW=secret.example cannot "there is no setting STRONGROOM_PROXY_ALOW" --state "$WORK/open.state"
STRONGROOM_PROXY_ALOW=secret.example cannot "passed over" --state "$WORK/open.state"

note "two with one state directory"
status=0
said=$(sr proxy serve --config "$WORK/web.conf" --state "$WORK/web.state" --hub-seconds 0 2>&1) || status=$?
same "status of the second" 1 $status
contains "what it says" "$said" "web.state"
proxy_stop web
[ ! -e "$WORK/web.admin" ] || fail "the admin socket was left behind"

note "systemd: notification and sockets"
python3 - "$STRONGROOM" "$WORK" <<'PY' || fail "$(cat "$WORK/activated.log")"
import atexit, os, signal, socket, subprocess, sys
program, work = sys.argv[1:]
place = os.open("/dev/null", os.O_RDONLY)  # where the service manager's first socket is to be
assert place <= 3
while place < 3:
    place = os.dup(place)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(work + "/notify")
notify.settimeout(30)
listener = socket.create_server(("127.0.0.1", 0))
environment = dict(os.environ, NOTIFY_SOCKET=work + "/notify", LISTEN_FDS="1")
# LISTEN_PID is that of the program itself: set between fork and exec, by a shell that becomes it.
command = ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh', program, 'proxy', 'serve', '--to', work + '/web.sock', '--name', 'web.example',
           '--allow-any', '--state', work + '/web.state', '--service', 'web']
os.dup2(listener.fileno(), 3, inheritable=True)
with open(work + "/activated.log", "w") as log:
    p = subprocess.Popen(command, env=environment, pass_fds=[3], stdout=log, stderr=log)

atexit.register(p.kill)
said = ""
while "READY=1" not in said:
    said = notify.recv(4096).decode()
assert "STATUS=" in said, said
c = socket.create_connection(listener.getsockname())
p.send_signal(signal.SIGTERM)
while "STOPPING=1" not in said:
    said = notify.recv(4096).decode()
p.send_signal(signal.SIGTERM)
assert p.wait(30) == 0, open(work + "/activated.log").read()
PY
contains "the socket is named" "$(cat "$WORK/activated.log")" "an inherited socket"

note "a hub that is away"
hub_stop
proxy_start web --config "$WORK/web.conf" --hub-seconds 0 # it has a certificate
port=$(proxy_port web)
tls_client "$port" as a >/dev/null
ended web 'd["end"] == "done" and d["identity"] == "spiffe://example/a"'
proxy_stop web
status=0
said=$(sr proxy serve "${server[@]}" --allow-any --hub-seconds 1 2>&1) || status=$?
same "status without hub and certificate" 6 $status
contains "what it waits for" "$said" "waiting for the hub"
said=$(ulimit -n 64 && sr proxy serve "${server[@]}" --allow-any --ktls off --loops 1 --hub-seconds 0 2>&1) || status=$?
same "status with few files" 6 $status
contains "what fits" "$said" "max_connections is 18, not 16384"
"$STRONGROOM" proxy serve "${server[@]}" --allow-any --hub-seconds 300 >"$WORK/waits" 2>&1 &
waits=$!
for _ in $(seq 100); do ! grep -q "waiting for the hub" "$WORK/waits" || break; sleep 0.1; done
status=0
kill -TERM $waits
wait $waits || status=$?
same "status of what is stopped while it waits ($(cat "$WORK/waits"))" 0 $status
