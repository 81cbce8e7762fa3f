#!/usr/bin/env bash
# Inside its sandbox a proxy finds servers by name, by DNS, and goes on when the name moves; and the hub's own name, when a certificate is due.
. "$(dirname "$0")/../lib.sh"
if [ -z "${NAMES_ALONE:-}" ]; then
  trap - EXIT
  rm -rf "$WORK"
  [ "$(id -u)" = 0 ] || skip "needs root, for namespaces of its own"
  unshare --net --mount true 2>/dev/null || skip "needs namespaces"
  NAMES_ALONE=1 exec unshare --net --mount --propagation private bash "$0" "$@"
fi
. "$ROOT/tests/proxy.sh"
require ip
ip link set lo up
mkdir "$WORK/etc"
echo 'nameserver 127.0.0.53' >"$WORK/etc/resolv.conf"
echo 'hosts: files dns' >"$WORK/etc/nsswitch.conf"
for file in resolv.conf nsswitch.conf; do
  mount --bind "$WORK/etc/$file" "$(realpath "/etc/$file")"
  mounted "$(realpath "/etc/$file")"
done
echo 127.0.0.2 >"$WORK/address"
python3 - "$WORK/address" >"$WORK/dns" <<'PY' &
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.53", 53))
while True:
    m, sender = s.recvfrom(4096)
    at, name = 12, []
    while m[at]:
        name.append(m[at + 1:at + 1 + m[at]])
        at += 1 + m[at]
    kind, = struct.unpack(">H", m[at + 1:at + 3])
    answer = b""
    if kind == 1:
        address = "127.0.0.1" if name[0] == b"hub" else open(sys.argv[1]).read().strip()
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
    s.sendto(m[:2] + struct.pack(">HHHHH", 0x8180, 1, 1 if answer else 0, 0, 0) + m[12:at + 5] + answer, sender)
PY
CHILDREN+=($!)

hub_start --host hub.example
python3 "$ROOT/tests/echo_service.py" "$WORK/echo.sock" &
CHILDREN+=($!)
eventually "the service" test -S "$WORK/echo.sock"
contains "the hub's address" "$KEY_VAULT_URL" hub.example
proxy_start far --listen 127.0.0.2:7001 --listen 127.0.0.3:7001 --to "$WORK/echo.sock" --name far.example --allow-any
proxy_start near --mode client --listen 127.0.0.1:0 --to far.example:7001 --name spiffe://example/near
near=$(proxy_port near)
says() { [ "$( (exec 3<>"/dev/tcp/127.0.0.1/$near" && echo hello >&3 && timeout 5 head -n 1 <&3) 2>/dev/null)" = hello ]; }
eventually "a server by its name" says
ended near 'd["end"] in ("done", "cut", "reset") and d["backend"] == "127.0.0.2:7001"'
checked=$(sr proxy check --mode client --listen 127.0.0.1:0 --to far.example:7001 --name spiffe://example/near --state "$WORK/near.state")
contains "check finds it, too" "$checked" "far.example:7001 takes connections"

note "the hub is asked by name, from inside"
sr ca revoke --name far.example >/dev/null
kill -HUP "${PROXIES[far]}"
renewed() { [ "$(admin far /status | json 'd["certificate"]["renewals"]')" -ge 1 ]; }
eventually "it got a new certificate" renewed

note "the name moves"
echo 127.0.0.3 >"$WORK/address"
moved() {
  says || true
  tail -n 1 "$WORK/near.access" | json 'd["backend"]' | grep -qx 127.0.0.3:7001
}
deadline=$((SECONDS + 45)) # names are looked up every 30 seconds
until moved; do
  [ $SECONDS -lt $deadline ] || fail "the old address is still asked"
  sleep 0.5
done
proxy_stop near
proxy_stop far
