#!/usr/bin/env bash
# Certificates roll, again and again, while traffic flows: the tunnel is never down, and a connection through it goes on. The hub may be away meanwhile.
# A gateway whose certificate is revoked loses its tunnel until it has another one, and for ever where it gets none; nothing leaves in clear.
. "$(dirname "$0")/../vpn.sh"
require python3

vpn_net 2
vpn_hub
# The next one is due after 12 s or so.
vpn_site 1 "revocation_seconds = 1" "certificate_seconds = 18" -- 2 "subnets = 10.2.0.0/24"
vpn_site 2 "revocation_seconds = 1" "certificate_seconds = 18" -- 1 "subnets = 10.1.0.0/24"
wire_start
vpn_up 1
vpn_up 2
until_ 30 "the tunnel is up" reaches 1 2

ends() { vpn "$1" status --json | json 'd["peers"][0]["certificateEnds"] or 0'; }
note "certificates roll"
head -c 4000000 /dev/urandom >"$WORK/sent"
(cd "$WORK" && exec ip netns exec srvpn-h2 python3 -c 'import socket, time
s = socket.create_server(("10.2.0.10", 7000)).accept()[0]
data = open("sent", "rb").read()
for i in range(0, len(data), 16000):  # 250 pieces
    s.sendall(data[i:i + 16000])
    time.sleep(0.1)') &
listens() { at h2 ss -Hltn 'sport = 7000' | grep -q .; }
until_ 10 "the sender listens" listens
talk 1 10.2.0.10
at h1 python3 -c 'import socket, sys
s = socket.create_connection(("10.2.0.10", 7000))
while chunk := s.recv(65536):
    sys.stdout.buffer.write(chunk)' >"$WORK/got"
hush
cmp "$WORK/sent" "$WORK/got" || fail "the connection broke"
rolls=$(grep -c "reauthenticating" "$WORK/g1/log" || true)
[ "$rolls" -ge 2 ] || fail "only $rolls certificates rolled"
note "$rolls rolls, $LOST of $SENT packets lost"
[ "$LOST" -le $((SENT / 50)) ] || fail "$LOST of $SENT packets are lost"
! grep -q "is down" "$WORK/g1/log" "$WORK/g2/log" || fail "the tunnel was down"

note "the hub is away"
hub_stop
until_ 30 "it is told" grep -q "could not be renewed" "$WORK/g1/log"
check "the tunnel goes on" reaches 1 2
hub_start --listen "192.0.2.254:$HUB_PORT" --host 192.0.2.254
check "the tunnel goes on" reaches 1 2

note "a certificate is revoked, and its gateway gets another one"
sr ca revoke --name g2.test --reason superseded >/dev/null
until_ 30 "the tunnel ends" grep -q "g2.test is refused: its certificate is revoked" "$WORK/g1/log"
until_ 40 "the tunnel is back" reaches 1 2

note "a gateway is revoked, and gets no other"
sr ca disallow g2 >/dev/null
refusals() { grep -c "its certificate is revoked" "$WORK/g1/log"; }
knew() { grep -c "the certificate in use was revoked" "$WORK/g2/log" || true; }
before=$(refusals) knew_before=$(knew)
sr ca revoke --name g2.test --reason keyCompromise >/dev/null
again() { [ "$(refusals)" -gt "$before" ]; }
it_knows() { [ "$(knew)" -gt "$knew_before" ]; }
until_ 30 "the tunnel ends" again
until_ 30 "the gateway knows itself" it_knows
sleep 1
dials() { grep -c "initiating IKE_SA" "$WORK/g$1/log" || true; }
before_1=$(dials 1) before_2=$(dials 2)
for _ in 1 2 3 4 5 6 7 8 9 10; do check "nobody passes" reaches_not 1 2; done
same "how often it has dialled, since it knows" "$before_2" "$(dials 2)"
[ "$(($(dials 1) - before_1))" -le 3 ] || fail "the other one goes on and on: $(dials 1) after $before_1"
down() { [ "$(vpn 1 status --json | json 'd["peers"][0]["state"]')" != up ]; }
check "there is no tunnel" down
vpn_down 1
vpn_down 2
hub_stop
wire_stop
wire_none "packets in clear" "$INNER"
wire_none "packets that are neither IKE nor ESP" "$OUTER"
