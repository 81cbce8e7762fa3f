#!/usr/bin/env bash
# Records that the kernel makes: a GiB each way through two proxies, compared by checksum; --ktls off beside it.
# FAKE_KTLS=build/tests/unit/transit/proxy/libfake-ktls.so runs it over an emulation instead (not with sanitizers).
. "$(dirname "$0")/../proxy.sh"
SIZE=${SIZE:-1073741824}
if [ -n "${FAKE_KTLS:-}" ]; then
  FAKE_KTLS=$(realpath "$FAKE_KTLS")
else
  python3 - <<'PY' || skip "this kernel has no TLS (tcp_available_ulp)"
import errno, socket, sys
try:
    socket.socket().setsockopt(socket.IPPROTO_TCP, 31, b"tls\0") # TCP_ULP
except OSError as e:
    sys.exit(e.errno != errno.ENOTCONN)
PY
fi
# What comes is hashed; as much of other bytes goes back, behind its own hash, and the end.
cat >"$WORK/far.py" <<'PY'
import hashlib, os, random, socket, sys
path, size = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_UNIX)
s.bind(path)
s.listen()
while True:
    c, _ = s.accept()
    hash = hashlib.sha256()
    while piece := c.recv(1 << 16):
        hash.update(piece)
    block = random.randbytes(1 << 20)
    back = hashlib.sha256()
    for at in range(0, size, len(block)):
        back.update(block[at % 4093:])
    c.sendall(hash.hexdigest().encode() + back.hexdigest().encode())
    for at in range(0, size, len(block)):
        c.sendall(block[at % 4093:])
    c.close()
PY
cat >"$WORK/near.py" <<'PY'
import hashlib, random, socket, sys
port, size = int(sys.argv[1]), int(sys.argv[2])
c = socket.create_connection(("127.0.0.1", port))
block = random.randbytes(1 << 20)
sent, got, head, n = hashlib.sha256(), hashlib.sha256(), b"", 0
for at in range(0, size, len(block)):
    c.sendall(block[at % 4093:])
    sent.update(block[at % 4093:])
c.shutdown(socket.SHUT_WR)
while len(head) < 128:
    piece = c.recv(128 - len(head))
    if not piece:
        sys.exit("it ended early")
    head += piece
while piece := c.recv(1 << 16):
    got.update(piece)
    n += len(piece)
if head[:64].decode() != sent.hexdigest():
    sys.exit("what was sent is not what arrived")
if head[64:].decode() != got.hexdigest():
    sys.exit("what was answered is not what arrived")
PY
python3 "$WORK/far.py" "$WORK/far.sock" "$SIZE" &
CHILDREN+=($!)
eventually "the server" test -S "$WORK/far.sock"

hub_start
by_kernel() { admin "$1" /status | json "d['connections']['kernelTls']"; }
ends() { # FAR NEAR: both connections ended well
  ended "$1" 'd["end"] == "done"'
  ended "$2" 'd["end"] == "done"'
}
[ -z "${FAKE_KTLS:-}" ] || export LD_PRELOAD=$FAKE_KTLS
proxy_start far --listen 127.0.0.1:0 --to "$WORK/far.sock" --name far.example --allow spiffe://example/near
proxy_start near --mode client --listen 127.0.0.1:0 --to "127.0.0.1:$(proxy_port far)" --server-name far.example --name spiffe://example/near
proxy_start off --mode client --listen 127.0.0.1:0 --to "127.0.0.1:$(proxy_port far)" --server-name far.example --name spiffe://example/near --ktls off
unset LD_PRELOAD
contains "the line at the start" "$(cat "$WORK/far.log")" "kernel TLS: on"
same "the status" on "$(admin near /status | json "d['ktls']")"
same "where it is off" off "$(admin off /status | json "d['ktls']")"

note "both proxies by the kernel"
python3 "$WORK/near.py" "$(proxy_port near)" "$SIZE" || fail "between two kernels"
same "the near one's records" 1 "$(by_kernel near)"
same "the far one's records" 1 "$(by_kernel far)"
ends far near

note "one of them by OpenSSL"
python3 "$WORK/near.py" "$(proxy_port off)" "$SIZE" || fail "between OpenSSL and the kernel"
same "none of the near one's" 0 "$(by_kernel off)"
same "the far one's records" 2 "$(by_kernel far)"
ends far off
for name in off near far; do proxy_stop $name; done
