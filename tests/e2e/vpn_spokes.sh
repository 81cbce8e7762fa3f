#!/usr/bin/env bash
# Three sites: a hub in the middle offers each spoke the networks of the other one, and they reach each other through it, by two tunnels. One spoke goes: the
# other tunnel is as it was. A file and many bytes pass, and the Internet sees IKE and ESP only.
. "$(dirname "$0")/../vpn.sh"
require iperf3 curl python3

vpn_net 3
vpn_hub
vpn_site 1 -- 2 "subnets = 10.2.0.0/24" "local = 10.1.0.0/24, 10.3.0.0/24" -- 3 "subnets = 10.3.0.0/24" "local = 10.1.0.0/24, 10.2.0.0/24"
vpn_site 2 -- 1 "subnets = 10.1.0.0/24, 10.3.0.0/24"
vpn_site 3 -- 1 "subnets = 10.1.0.0/24, 10.2.0.0/24"
sed -i 's/^address = 192.0.2.3/address = %any/' "$WORK/g1/vpn.conf" # the third dials

said=$(vpn 1 up --data "$WORK/g1" 2>&1) && fail "it runs without addresses"
contains "what user-space ESP lacks" "$said" "ip address add 10.3.0.0/32 dev lo"
contains "what 'vpn check' says" "$(vpn 1 check --seconds 1 2>&1)" "ip address add 10.3.0.0/32 dev lo"
at g2 ip address del 10.2.0.1/24 dev lan
contains "in a network of its own" "$(vpn 2 up --data "$WORK/g2" 2>&1)" "ip address add 10.2.0.1/32 dev lo"
at g2 ip address add 10.2.0.1/24 dev lan
at g1 ip address add 10.3.0.0/32 dev lo
at g1 ip address add 10.2.0.0/32 dev lo

wire_start
for n in 1 2 3; do vpn_up $n; done
until_ 40 "hub and spoke" reaches 1 2
until_ 40 "hub and the spoke that dials" reaches 1 3
until_ 40 "spoke and spoke" reaches 2 3
check "the other way" reaches 3 2
same "peers that are up" "up up" "$(vpn 1 status --json | json '" ".join(p["state"] for p in d["peers"])')"

note "a file and many bytes from spoke to spoke"
head -c 3000000 /dev/urandom >"$WORK/file"
# (http.server's own server looks its name up first.)
(cd "$WORK" && exec ip netns exec srvpn-h3 python3 -c 'import http.server, socketserver
socketserver.TCPServer(("10.3.0.10", 8000), http.server.SimpleHTTPRequestHandler).serve_forever()' >/dev/null 2>&1) &
listens() { at h3 ss -Hltn "sport = $1" | grep . >/dev/null; }
until_ 10 "the web server listens" listens 8000
at h2 curl -sf http://10.3.0.10:8000/file | cmp - "$WORK/file" || fail "the file is another one"
ip netns exec srvpn-h3 iperf3 -s -1 -B 10.3.0.10 >/dev/null &
until_ 10 "iperf3 listens" listens 5201
bytes=$(at h2 iperf3 -c 10.3.0.10 -t 3 -J | json 'd["end"]["sum_received"]["bytes"]')
[ "$bytes" -gt 1000000 ] || fail "only $bytes bytes passed"

note "'vpn check' on all of them"
for n in 1 2 3; do
  vpn $n check --seconds 1 >"$WORK/check" || fail "the check of g$n: $(cat "$WORK/check")"
done

note "a spoke goes"
vpn_down 3
until_ 20 "the hub knows" grep -q "g3.test is down" "$WORK/g1/log"
check "nobody passes" reaches_not 2 3
check "the other tunnel is as it was" reaches 2 1
said=$(vpn 1 check --seconds 1 --json 2>/dev/null) && fail "the check holds without a tunnel"
same "what it says of each" "g2.test True only, g3.test False absent:" \
  "$(json '", ".join(f"{p['"'name'"']} {p['"'holds'"']} " + p['"'finding'"'].split()[0] for p in d["peers"])' <<<"$said")"
at g1 sysctl -qw net.ipv4.ip_forward=0
contains "what it says without forwarding" "$(vpn 1 check g2.test --seconds 1 2>&1)" "'sysctl -w net.ipv4.ip_forward=1'"
at g1 sysctl -qw net.ipv4.ip_forward=1
vpn_down 2
vpn_down 1
wire_stop
wire_none "packets in clear" "$INNER"
wire_none "packets that are neither IKE nor ESP" "$OUTER"
hub_stop
