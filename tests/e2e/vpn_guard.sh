#!/usr/bin/env bash
# Somebody takes the kill switch of a running gateway away, as a network manager does that tidies up: it is put back at once and it is told, the tunnel goes on,
# and nothing leaves in clear from then on; also while the gateway has no certificate yet and waits for the hub. That it waits it says, and ends when it is told to.
. "$(dirname "$0")/../vpn.sh"

vpn_net 2
vpn_hub
vpn_site 1 "dpd_seconds = 2" -- 2 "subnets = 10.2.0.0/24"
vpn_site 2 "dpd_seconds = 2" -- 1 "subnets = 10.1.0.0/24"

# What they do: each leaves a way into the Internet for what the tunnel is for.
tidy_rules() {
  at g1 ip -4 rule flush
  at g1 ip -4 rule add pref 32766 lookup main
  at g1 ip -6 rule flush
  at g1 ip -6 rule add pref 32766 lookup main
}
tidy_gates() { at g1 ip -4 route flush table 7219; }
lead_around() { at g1 ip route replace 10.2.0.0/24 via 192.0.2.254 table 7219; }
tidy_one() { at g1 ip -4 rule del pref 221; }
tidy_gate() { at g1 ip -4 rule del pref 219; }
whole() { # with rules for both families
  local family
  drops g1 || return 1
  for family in -4 -6; do
    [ "$(at g1 ip $family rule | sed -n 's/.*lookup \(72[0-9]*\).*/\1/p' | xargs)" = "7219 7220" ] || return 1
  done
  case $(at g1 ip route show table 7219) in *via*) return 1 ;; esac
}
told() { grep -c "the kill switch was taken away" "$WORK/g1/log" || true; }
# put_back WHAT COMMAND: while a host talks; nothing leaves after that. (The log has a line a second.)
put_back() {
  local before
  note "$1"
  before=$(told)
  wire_start
  "$2"
  until_ 10 "the kill switch is back" whole
  told_now() { [ "$(told)" -gt "$before" ]; }
  until_ 10 "it is told" told_now
  wire_stop
  note "$(wire "$INNER") packets left in clear until then"
  wire_start
  sleep 1.2
  wire_stop
  wire_none "packets in clear" "$INNER"
}

note "the hub is away, and there is no certificate"
hub_stop
cp "$WORK/g1/env" "$WORK/env.good"
sed -i 's/192\.0\.2\.254/192.0.2.77/' "$WORK/g1/env" # nobody answers there
vpn_up 1
until_ 10 "what it waits for" grep -q "asking the hub (https://192.0.2.77:.* for a certificate" "$WORK/g1/log"
ping_away() { ip netns exec srvpn-h1 ping -q -i 0.02 10.2.0.10 >/dev/null 2>&1 & }
ping_away
talks=$!
put_back "rules, while it waits" tidy_rules
until_ 20 "why" grep -q "waiting for the hub" "$WORK/g1/log"
vpn_down 1
drops g1 || fail "the kill switch went with the gateway"
! grep -q "strongSwan" "$WORK/g1/log" || fail "it did not end at once"
cp "$WORK/env.good" "$WORK/g1/env"
hub_start --listen "192.0.2.254:$HUB_PORT" --host 192.0.2.254

note "a tunnel"
vpn_up 1
vpn_up 2
until_ 30 "the tunnel is up" reaches 1 2
for what in tidy_rules tidy_one lead_around; do
  put_back "$what, with a tunnel" $what
  until_ 10 "the tunnel goes on" reaches 1 2
done
! grep -q "is down" "$WORK/g1/log" || fail "the tunnel was down"
note "the routes into the tunnel"
wire_start
at g1 ip route flush table 7220
until_ 40 "it is told" grep -q "somebody removed the routes into the tunnel to g2.test" "$WORK/g1/log"
until_ 40 "the tunnel is back" reaches 1 2
wire_stop
wire_none "packets in clear" "$INNER"

note "a rule that is asked first, since the kernel chooses its rank"
at g1 ip rule add to 10.2.0.0/24 lookup main
until_ 10 "it is told" grep -q "a rule of routing of rank 218 is asked before the kill switch" "$WORK/g1/log"
ended=0
said=$(vpn 1 check --seconds 1 2>&1) || ended=$?
same "status of 'vpn check'" 1 $ended
contains "what 'vpn check' says" "$said" "a rule of rank 218 is asked first"
contains "what 'vpn status' says" "$(vpn 1 status 2>&1)" "a rule of rank 218 is asked first"
same "what it says as JSON" "False 218" "$(vpn 1 status --json | json 'd["killSwitch"], d["ruleBefore"]' | tr -d '(),')"
at g1 ip rule del pref 218
until_ 10 "it is told" grep -q "no rule of routing is asked before" "$WORK/g1/log"
same "how often it was told" 1 "$(grep -c "rank 218" "$WORK/g1/log")"

note "strongSwan's interface is removed"
kill -STOP "${UP[1]}" # it does not look yet
at g1 ip link del ipsec0
contains "what 'vpn check' says" "$(vpn 1 check --seconds 1 2>/dev/null)" "the interface ipsec0 is missing"
kill -CONT "${UP[1]}"
until_ 20 "it is told" grep -q "strongSwan has lost its interface ipsec0" "$WORK/g1/log"
until_ 40 "the tunnel is back" reaches 1 2

note "no tunnel"
vpn_down 2
until_ 30 "it is gone" grep -q "is down" "$WORK/g1/log"
for what in tidy_rules tidy_one tidy_gate tidy_gates lead_around; do put_back "$what, without a tunnel" $what; done
kill $talks
vpn_down 1
hub_stop
