#!/usr/bin/env bash
# Certificates of half a minute are renewed under load, with no failed request and no connection that ends; while the hub is away the old ones serve
# and it is said; a peer that is revoked is cut off.
. "$(dirname "$0")/../proxy.sh"
hub_start
python3 "$ROOT/tests/echo_service.py" "$WORK/echo.sock" &
CHILDREN+=($!)
eventually "the service" test -S "$WORK/echo.sock"
proxy_start far --listen 127.0.0.1:0 --to "$WORK/echo.sock" --name far.example --allow spiffe://example/near --lifetime 30s
proxy_start near --mode client --listen 127.0.0.1:0 --to "127.0.0.1:$(proxy_port far)" --server-name far.example --name spiffe://example/near --lifetime 30s
serial() { { openssl s_client -connect "127.0.0.1:$(proxy_port far)" </dev/null 2>/dev/null || true; } | openssl x509 -noout -serial; }
renewals() { admin "$1" /status | json 'd["certificate"]["renewals"]'; }
failures() { admin "$1" /status | json 'd["certificate"]["failures"]'; }
first=$(serial)

# One connection that stays, and one after the other that comes and goes; a line for each failure.
python3 - "$(proxy_port near)" >"$WORK/load" <<'PY' &
import signal, socket, sys, time
port = int(sys.argv[1])
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
def connect():
    s = socket.create_connection(("127.0.0.1", port), timeout=20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s
def ask(s, text):
    s.sendall(text)
    got = b""
    while len(got) < len(text):
        more = s.recv(65536)
        if not more:
            raise OSError("it ended")
        got += more
    assert got == text
stays, n = connect(), 0
while not stop:
    for who in ("stays", "new"):
        try:
            if who == "stays":
                ask(stays, b"%d" % n)
            else:
                with connect() as s:
                    ask(s, b"%d" % n * 1000)
        except OSError as e:
            print("request %d, %s: %s" % (n, who, e), flush=True)
            if who == "stays":
                sys.exit(1)
    n += 1
    time.sleep(0.02)
print("done", n, flush=True)
PY
load=$!
CHILDREN+=("$load")

note "renewed while it runs"
renewed() { [ "$(renewals far)" -ge "$1" ] && [ "$(renewals near)" -ge "$1" ]; }
eventually "both are renewed" renewed 1
[ "$first" != "$(serial)" ] || fail "new connections see the old certificate"

note "the hub goes away"
hub_stop
fails() { [ "$(failures far)" -ge 1 ] && [ "$(failures near)" -ge 1 ]; }
eventually "a renewal is due" fails
contains "it is ready" "$(admin far /readyz)" ready
[ -n "$(admin far /status | json 'd["trouble"]')" ] || fail "status says nothing of it"
grep -q ' warn enrol: ' "$WORK/far.log" || fail "the log does not warn"
hub_start
kill -HUP "${PROXIES[far]}" "${PROXIES[near]}"
eventually "they are renewed again" renewed 2
kill -TERM $load
wait $load || fail "the connection that stays has ended: $(cat "$WORK/load")"
same "failed requests" "" "$(grep -v '^done' "$WORK/load" || true)"
note "$(tail -n 1 "$WORK/load") requests of each kind"

note "a peer is revoked"
(exec 3<>"/dev/tcp/127.0.0.1/$(proxy_port near)" && echo hello >&3 && head -n 1 <&3 >"$WORK/hello" && cat <&3 >/dev/null) 2>/dev/null &
open=$!
CHILDREN+=("$open")
eventually "a connection" grep -qs hello "$WORK/hello"
sr ca revoke --name spiffe://example/near >/dev/null
kill -HUP "${PROXIES[far]}"
ended far 'd["end"] == "revoked" and d["identity"] == "spiffe://example/near"'
wait $open || true

note "and gets a new certificate, since it may"
kill -HUP "${PROXIES[near]}"
says() { [ "$( (exec 3<>"/dev/tcp/127.0.0.1/$(proxy_port near)" && echo hello >&3 && timeout 5 head -n 1 <&3) 2>/dev/null)" = hello ]; }
eventually "it is let in again" says
proxy_stop near
proxy_stop far
