#!/usr/bin/env bash
# 2,000 idle connections, 200 that send a byte a second and 200 that flood headers: others are answered in time, and the slow ones are cut off.
. "$(dirname "$0")/../lib.sh"
hub_start
owner_token
api POST /keys/k/create '{"kty":"oct"}'
python3 - "$HUB_PORT" "$SSL_CERT_FILE" "$TOKEN" <<'PY'
import selectors, socket, ssl, sys, threading, time, http.client
port, ca, token = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=ca)
def connect():
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="localhost")
idle = [connect() for _ in range(2000)]
slow = [connect() for _ in range(200)]
half = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]  # never begin their handshake
stop = threading.Event()
cut = set()
def drip():
    text, at = b"POST /keys/k/create?api-version=7.4 HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 1000, 0
    while not stop.wait(0.3):
        for i, s in enumerate(slow):
            if i in cut: continue
            try: s.send(text[at:at + 1])
            except OSError: cut.add(i)
        at += 1
def flood():
    while not stop.is_set():
        try:
            s = connect()
            s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 2000)
            answer = s.recv(100)
            assert not answer or b" 431 " in answer, answer
        except OSError: pass
threads = [threading.Thread(target=drip)] + [threading.Thread(target=flood) for _ in range(4)]
for t in threads: t.start()
worst, begin, n = 0, time.monotonic(), 0
c = http.client.HTTPSConnection("localhost", port, context=context, timeout=20)
while time.monotonic() - begin < 14:
    before = time.monotonic()
    c.request("GET", "/keys/k?api-version=7.4", headers={"Authorization": "Bearer " + token})
    r = c.getresponse(); r.read()
    assert r.status == 200, r.status
    worst, n = max(worst, time.monotonic() - before), n + 1
    time.sleep(0.005)
stop.set()
for t in threads: t.join()
print(f"{n} requests answered, the slowest in {worst * 1000:.0f} ms; {len(cut)} of {len(slow)} slow senders were cut off")
assert n > 200, "FAILED: others were hardly served"
assert len(cut) == len(slow), "FAILED: slow senders may go on for ever"
idle[-1].sendall(f"GET /keys/k?api-version=7.4 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
assert b" 200 " in idle[-1].recv(100), "FAILED: an idle connection was not kept"
PY
hub_stop
