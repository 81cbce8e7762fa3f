#!/usr/bin/env bash
# Who is slow, many, or stuck takes nothing from others: handshakes that never end, more connections than there may be, a service that hangs; then
# SIGTERM with open connections, and kill -9.
. "$(dirname "$0")/../proxy.sh"
export WORK
hub_start
for how in echo hang; do
  python3 "$ROOT/tests/echo_service.py" "$WORK/$how.sock" $how &
  CHILDREN+=($!)
  eventually "the service" test -S "$WORK/$how.sock"
done
peer a --profile client --name a.example
cat >"$WORK/client.py" <<'PY'
import os, socket, ssl, sys, time
work = os.environ["WORK"]
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
context.load_cert_chain(work + "/a/cert.pem", work + "/a/key.pem")
def plain(port, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
def tls(port, source="127.0.0.1"):
    return context.wrap_socket(plain(port, source), server_hostname="web.example")
def echo(s, text=b"hello"):
    s.sendall(text)
    got = b""
    while len(got) < len(text):
        more = s.recv(65536)
        assert more, "it ended"
        got += more
    assert got == text
def refused(port, source="127.0.0.1"):
    try:
        echo(tls(port, source))
    except (OSError, AssertionError):
        return True
    return False
def is_over(s):
    try:
        return s.recv(1) == b""
    except ConnectionError:
        return True
port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
PY
run() { # PORT [WORD...]: the Python program on stdin
  { cat "$WORK/client.py"; cat; } >"$WORK/program.py"
  timeout 50 python3 "$WORK/program.py" "$@"
}
start() { # NAME OPTION...
  local name=$1
  shift
  proxy_start "$name" --listen 127.0.0.1:0 --name web.example --allow a.example "$@"
}

note "slow handshakes and a flood of idle ones"
start slow --to "$WORK/echo.sock" --handshake-seconds 2 --max-connections 40
run "$(proxy_port slow)" <<'PY' || fail "slow handshakes"
here = tls(port)
slow = [plain(port) for i in range(39)]
for s in slow:
    s.sendall(b"\x16\x03\x01\x02")
    time.sleep(0.01)
extra = [plain(port) for i in range(50)] # there are 40
assert all(is_over(s) for s in extra)
echo(here)
for s in slow: # a byte now and then does not help
    try:
        s.sendall(b"\x00")
    except OSError:
        pass
assert all(is_over(s) for s in slow)
echo(here)
echo(tls(port)) # there is room again
PY
ended slow 'd["end"] == "late"'
SEEN[slow]=0
ended slow 'd["end"] == "limit" and d["why"] == "there are too many connections"'
contains "counted" "$(admin slow /metrics)" 'strongroom_proxy_refused_total{reason="full"} 5'

note "few files"
printf '#!/bin/sh\nulimit -n 64\nexec "%s" "$@"\n' "$STRONGROOM" >"$WORK/few"
chmod +x "$WORK/few"
STRONGROOM=$WORK/few start few --to "$WORK/echo.sock" --ktls off --loops 1
run "$(proxy_port few)" <<'PY' || fail "connections take files that others need"
held = [tls(port) for i in range(18)]
for s in held:
    echo(s)
extra = [plain(port) for i in range(20)]
assert all(is_over(s) for s in extra)
asks = [socket.socket(socket.AF_UNIX) for i in range(8)]
for s in asks:
    s.connect(work + "/few.admin")
    s.settimeout(30)
    s.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
assert all(s.recv(4096).startswith(b"HTTP/1.1 200") for s in asks)
PY
[ "$(grep -c "max_connections is 18, not 16384: only 64 files" "$WORK/few.log")" = 1 ] || fail "it does not say how many there are places for"
! grep "Too many open files" "$WORK/few.log" || fail "connections took the last file"
proxy_stop few

note "one source has many"
start source --to "$WORK/echo.sock" --max-per-source 3
run "$(proxy_port source)" <<'PY' || fail "a limit for each source"
three = [tls(port) for i in range(3)]
for s in three:
    echo(s)
assert refused(port)
echo(tls(port, "127.0.0.2"))
three.pop().close()
deadline = time.monotonic() + 20
while refused(port):
    assert time.monotonic() < deadline
    time.sleep(0.05)
PY
ended source 'd["end"] == "limit" and d["why"] == "its source has too many connections" and d["from"].startswith("127.0.0.1:")'
start rate --to "$WORK/echo.sock" --rate 1 --burst 3
run "$(proxy_port rate)" <<'PY' || fail "a rate for each source"
results = [refused(port) for i in range(12)]
assert not any(results[:3]) and any(results[3:]), results
PY

note "a service that hangs"
start stuck --drain-seconds 0 --route "web.example=$WORK/hang.sock" --route "other.example=$WORK/echo.sock"
size() { awk '/^VmRSS/ { print $2 }' "/proc/${PROXIES[stuck]}/status"; }
before=$(size)
run "$(proxy_port stuck)" <<'PY' || fail "a service that hangs"
many = [tls(port) for i in range(20)]
for s in many:
    s.setblocking(False)
    piece, sent = bytes(1 << 20), 0
    end = time.monotonic() + 0.3
    while time.monotonic() < end and sent < 64 << 20:
        try:
            sent += s.send(piece)
        except (BlockingIOError, ssl.SSLWantWriteError):
            time.sleep(0.01)
    assert sent < 64 << 20, "it took 64 MiB for nobody"
context.check_hostname = False
s = context.wrap_socket(plain(port), server_hostname="other.example")
echo(s, bytes(1 << 20)) # others go on
PY
after=$(size)
note "20 stuck connections: $((after - before)) KiB"
case $STRONGROOM in *asan* | *tsan*) ;; *) [ $((after - before)) -lt 16384 ] || fail "it grew by $((after - before)) KiB" ;; esac

note "SIGTERM with open connections"
start drained --to "$WORK/echo.sock" --drain-seconds 40
run "$(proxy_port drained)" "${PROXIES[drained]}" <<'PY' || fail "draining"
import signal
s = tls(port)
echo(s)
os.kill(int(sys.argv[2]), signal.SIGTERM)
deadline = time.monotonic() + 20
while True: # no new ones
    try:
        plain(port).close()
    except OSError:
        break
    assert time.monotonic() < deadline
    time.sleep(0.05)
echo(s, bytes(1 << 20)) # the old one goes on
s.unwrap().close()
PY
status=0
wait "${PROXIES[drained]}" || status=$?
unset "PROXIES[drained]"
same "it ends when its last connection does" 0 $status
start cut --to "$WORK/echo.sock" --drain-seconds 1
run "$(proxy_port cut)" "${PROXIES[cut]}" <<'PY' || fail "the end of draining"
import signal
s = tls(port)
echo(s)
os.kill(int(sys.argv[2]), signal.SIGTERM)
try:
    assert s.recv(1) == b""
except OSError:
    pass
PY
wait "${PROXIES[cut]}" || fail "it ended with status $?"
unset "PROXIES[cut]"
ended cut 'd["end"] == "stopped"'
start twice --to "$WORK/echo.sock" --drain-seconds 3000
run "$(proxy_port twice)" "${PROXIES[twice]}" <<'PY' || fail "a second SIGTERM"
import signal
s = tls(port)
echo(s)
os.kill(int(sys.argv[2]), signal.SIGTERM)
time.sleep(0.3)
os.kill(int(sys.argv[2]), signal.SIGTERM)
try:
    assert s.recv(1) == b""
except OSError:
    pass
PY
wait "${PROXIES[twice]}" || fail "it ended with status $?"
unset "PROXIES[twice]"

note "kill -9"
at=$(free_port)
again() { proxy_start hard --listen "127.0.0.1:$at" --listen "$WORK/hard.sock" --to "$WORK/echo.sock" --name web.example --allow a.example; }
serial() { tls_client "$at" as a -servername web.example | openssl x509 -noout -serial; }
again
first=$(serial)
for _ in 1 2 3; do
  proxy_kill hard
  again
done
same "the certificate is the same" "$first" "$(serial)"
run "$at" <<<'echo(tls(port), bytes(1 << 20))' || fail "after kill -9"
for name in hard stuck rate source slow; do proxy_stop $name; done
