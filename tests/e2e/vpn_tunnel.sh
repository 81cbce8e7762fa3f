#!/usr/bin/env bash
# Two sites and a hub: 'vpn up' on both sides gets certificates and a tunnel; hosts behind the gateways reach each other through it, and the
# Internet between them sees IKE and ESP only, also when one gateway is stopped, and when it starts anew while the hub is away.
. "$(dirname "$0")/../vpn.sh"

vpn_net 2
vpn_hub
vpn_site 1 -- 2 "subnets = 10.2.0.0/24"
vpn_site 2 -- 1 "subnets = 10.1.0.0/24"
wire_start
vpn_up 1
vpn_up 2
until_ 30 "the tunnel is up" reaches 1 2
check "the other way" reaches 2 1
# Another site file on the same machine touches nothing of the one that runs.
at g1 "$STRONGROOM" vpn init other.corp.example --subnet 10.8.0.0/24 --peer far.corp.example,198.51.100.99,10.9.0.0/24 \
  --config "$WORK/other.conf" --state "$WORK/other" >/dev/null
for words in up "down --open"; do
  ended=0
  # shellcheck disable=SC2086
  at g1 "$STRONGROOM" vpn $words --config "$WORK/other.conf" 2>"$WORK/said" || ended=$?
  same "status of another 'vpn $words' ($(cat "$WORK/said"))" 5 $ended
done
check "the tunnel still passes" reaches 1 2
vpn_down 1
check "without a tunnel" reaches_not 2 1
check "without a tunnel" reaches_not 1 2
note "the hub is away, and the gateway starts anew"
hub_stop
vpn_up 1
until_ 30 "the tunnel is up" reaches 1 2
vpn_down 1
vpn_down 2
wire_stop
wire_none "packets in clear" "$INNER"
wire_none "packets that are neither IKE nor ESP" "$OUTER"
[ "$(wire 'udp port 4500')" -gt 4 ] || fail "no ESP in UDP"
