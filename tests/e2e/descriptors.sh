#!/usr/bin/env bash
# Few files may be open: connections leave what the hub needs itself, so that it goes on recording however many clients there are.
. "$(dirname "$0")/../lib.sh"
program=$STRONGROOM
STRONGROOM=$WORK/strongroom
limit() { printf '#!/bin/sh\nulimit -n %s\nexec "%s" "$@"\n' "$1" "$program" >"$STRONGROOM"; }
limit 250
chmod +x "$STRONGROOM"

hub_start --workers 2
contains "the log" "$(cat "$WORK/hub.log")" "max_connections is 118, not 16384"
owner_token
python3 - "$HUB_PORT" "$SSL_CERT_FILE" "$TOKEN" <<'PY'
import re, socket, ssl, sys, time
port, ca, token = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=ca)
kept = context.wrap_socket(socket.create_connection(("localhost", port), 20), server_hostname="localhost")
kept.sendall(b"POST ")
def create(name):
    """Begins the next request with this one: an idle connection would make room for others."""
    kept.sendall(f"/keys/{name}/create?api-version=7.4 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                 'Content-Type: application/json\r\nContent-Length: 13\r\n\r\n{"kty":"oct"}POST '.encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = kept.recv(65536)
        assert more, "FAILED: the hub closed a busy connection"
        answer += more
    head, body = answer.split(b"\r\n\r\n", 1)
    left = int(re.search(rb"Content-Length: (\d+)", head)[1]) - len(body)
    while left > 0:
        left -= len(kept.recv(left))
    return int(head.split(b" ")[1])
assert create("before") == 200
held = []
for _ in range(400):
    s = socket.create_connection(("localhost", port), 20)
    s.send(b"\x16\x03\x01")  # busy with its handshake
    held.append(s)
begin, n = time.monotonic(), 0
while time.monotonic() - begin < 7:  # longer than the audit log goes without writing its head file
    status = create(f"k{n}")
    assert status == 200, f"FAILED: {status} while clients hold all descriptors"
    n += 1
    time.sleep(0.1)
PY
! grep -q 'accept: Too many open files' "$WORK/hub.log" || fail "connections took the last descriptor"
hub_stop

limit 150
! "$STRONGROOM" vault serve --data "$HUB_DATA" --listen "127.0.0.1:$HUB_PORT" 2>"$WORK/refused" ||
  fail "a hub starts that has no descriptors for connections"
contains "what it says" "$(cat "$WORK/refused")" "only 150 files may be open at once"
