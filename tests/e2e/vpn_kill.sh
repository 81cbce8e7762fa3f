#!/usr/bin/env bash
# Nothing leaves in clear while a gateway is broken: strongSwan killed, 'vpn up' killed, both at once, the other gateway gone; and each time the tunnel
# comes back by itself, or with the next 'vpn up'. 'vpn down' keeps the kill switch, 'vpn down --open' removes it.
. "$(dirname "$0")/../vpn.sh"

vpn_net 2
vpn_hub
vpn_site 1 "dpd_seconds = 2" -- 2 "subnets = 10.2.0.0/24"
vpn_site 2 "dpd_seconds = 2" -- 1 "subnets = 10.1.0.0/24"
charon_of() { pgrep -P "${UP[$1]}" -x charon-systemd; }
wire_start
vpn_up 1
vpn_up 2
until_ 30 "the tunnel is up" reaches 1 2

# All the while a host talks, from its own address and through its gateway; so does the gateway itself.
at h1 ping -q -i 0.05 10.2.0.10 >/dev/null 2>&1 &
talks=$!
at g1 ping -q -i 0.05 10.2.0.1 >/dev/null 2>&1 &
talks_too=$!

note "strongSwan is killed"
was=$(charon_of 1)
kill -KILL "$was"
other() { [ -n "$(charon_of 1)" ] && [ "$(charon_of 1)" != "$was" ]; }
until_ 20 "another strongSwan" other
until_ 40 "the tunnel is back" reaches 1 2
contains "it is told" "$(cat "$WORK/g1/log")" "strongSwan was ended by signal 9: all tunnels are down"

note "'vpn up' is killed"
was=$(charon_of 1)
kill -KILL "${UP[1]}"
wait "${UP[1]}" 2>/dev/null || true
gone() { ! kill -0 "$was" 2>/dev/null; }
until_ 20 "strongSwan ends with it" gone
check "nobody passes" reaches_not 1 2
drops g1 || fail "the kill switch went"
vpn_up 1
until_ 40 "the tunnel is back" reaches 1 2

note "both are killed at once"
was=$(charon_of 1)
kill -KILL "${UP[1]}" "$was"
wait "${UP[1]}" 2>/dev/null || true
check "nobody passes" reaches_not 1 2
drops g1 || fail "the kill switch went"
vpn_up 1
until_ 40 "the tunnel is back" reaches 1 2

note "down, and open"
vpn 2 down >/dev/null
wait "${UP[2]}" || fail "the gateway g2 ended with status $?"
unset "UP[2]"
check "nobody passes" reaches_not 2 1
check "nobody passes" reaches_not 1 2
drops g2 || fail "the kill switch went"
kill $talks $talks_too
wire_stop
wire_none "packets in clear" "$INNER"
wire_none "packets that are neither IKE nor ESP" "$OUTER"
[ "$(wire 'udp port 4500')" -gt 100 ] || fail "nobody talked"

contains "what is said" "$(vpn 2 down --open)" "removed"
! drops g2 || fail "the kill switch stays"
same "rules" "0 local 32766 main 32767 default" "$(at g2 ip -4 rule | sed 's/:.*lookup//' | xargs)"
vpn_down 1
hub_stop
