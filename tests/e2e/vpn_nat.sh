#!/usr/bin/env bash
# One gateway is behind a router that translates addresses, and so dials; the other one waits for whoever it is. The tunnel comes up with ESP in UDP, traffic passes
# both ways, the Internet sees UDP ports 500 and 4500 of the router's address and nothing else, and the tunnel comes back when the gateway outside starts anew.
. "$(dirname "$0")/../vpn.sh"
require nft

vpn_net 2
# g2's link to the bridge becomes the router's: 172.16.2.0/24 is behind it.
ip link del o2
ip netns add srvpn-nat
ip link add o2 type veth peer name out
ip link set o2 master internet up
vpn_link nat out 192.0.2.2/24
ip link add in type veth peer name out
vpn_link g2 out 172.16.2.2/24
vpn_link nat in 172.16.2.1/24
at g2 ip route add default via 172.16.2.1
at nat sysctl -qw net.ipv4.ip_forward=1
# Ports are others outside, as with most routers.
at nat nft -f - 2>"$WORK/nft" <<'END' || skip "this kernel translates no addresses: $(head -1 "$WORK/nft")"
table ip nat {
  chain post {
    type nat hook postrouting priority 100;
    oif "out" meta l4proto udp masquerade to :20000-29999
    oif "out" masquerade
  }
}
END

vpn_hub
vpn_site 1 "dpd_seconds = 2" -- 2 "subnets = 10.2.0.0/24"
sed -i 's/^address = 192.0.2.2/address = %any/' "$WORK/g1/vpn.conf"
vpn_site 2 "dpd_seconds = 2" -- 1 "subnets = 10.1.0.0/24"
wire_start
vpn_up 1
vpn_up 2
until_ 30 "the tunnel is up" reaches 2 1
check "the other way" reaches 1 2
at h2 ping -q -c 20 -i 0.02 -s 1200 10.1.0.10 >/dev/null || fail "large packets"
contains "whom the gateway outside sees" "$(grep "g2.test is up" "$WORK/g1/log")" "from 192.0.2.2"
for n in 1 2; do
  vpn $n check --seconds 1 >"$WORK/check" || fail "the check of g$n: $(cat "$WORK/check")"
done

note "the gateway outside starts anew"
vpn_down 1
check "nobody passes" reaches_not 2 1
vpn_up 1
until_ 60 "the tunnel is back" reaches 1 2

vpn_down 1
vpn_down 2
hub_stop
wire_stop
wire_none "packets in clear" "$INNER"
wire_none "addresses from behind the router" 'net 172.16.0.0/12'
wire_none "packets that are neither IKE nor ESP" "$OUTER"
wire_none "ESP that is not in UDP" 'esp or ah'
[ "$(wire 'src host 192.0.2.2 and udp dst port 4500 and udp src portrange 20000-29999')" -gt 20 ] || fail "nothing was translated"
