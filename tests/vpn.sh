# shellcheck shell=bash
# For tests of tunnels: `. "$(dirname "$0")/../vpn.sh"` in the place of lib.sh, which it brings along.
# The test runs in a network of its own, with sites and a hub in it; nothing of it is left when it ends:
#
#   hosts h1 h2 ..    gateways g1 g2 ..   "the Internet": a bridge, 192.0.2.0/24
#   10.N.0.10     --  10.N.0.1, 192.0.2.N  --  192.0.2.254, where the hub is
#
#   vpn_net COUNT            makes that many sites
#   vpn_hub                  starts the hub, and grants gN.test to an identity gN for each site
#   vpn_site N LINES... -- PEER LINES... [-- PEER LINES...]  writes the site file of gN: lines of its
#                            own, then each peer's number and lines
#   vpn_up N, vpn_down N     `vpn up` of gN in the background, with its kill switch in place; its pid
#                            is in UP[N]
#   at NAME COMMAND...       in the namespace of a host or gateway
#   vpn N VERB...            `strongroom vpn` on gateway gN
#   talk N ADDRESS           pings from the host hN in the background, 50 times a second, until hush;
#   hush                     sets SENT and LOST
#   until_ SECONDS WHAT COMMAND...  it succeeds within so many seconds
#   wire_start, wire_stop    records what passes the bridge; wire FILTER counts packets of it, wire_none
#                            WHAT FILTER fails if there are any
if [ -z "${VPN_INSIDE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
  for tool in ip tcpdump unshare; do
    command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
  done
  [ -x /usr/sbin/charon-systemd ] || { echo "needs charon-systemd"; exit 77; }
  [ -c /dev/net/tun ] || { echo "needs TUN devices"; exit 77; }
  export VPN_INSIDE=1
  exec unshare --net --mount --pid --fork --mount-proc --kill-child bash "$0" "$@"
fi
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mkdir -p /run/netns
mount -t tmpfs srvpn /run/netns

declare -A UP=()
WIRE=
at() {
  local name=$1
  shift
  ip netns exec "srvpn-$name" "$@"
}
# A link between a namespace and another one, or the bridge.
vpn_link() { # NAME DEVICE ADDRESS
  ip link set "$2" netns "srvpn-$1"
  at "$1" ip link set "$2" up
  at "$1" ip address add "$3" dev "$2"
}
vpn_net() {
  local n
  ip link set lo up
  ip link add internet type bridge
  ip link set internet up
  ip address add 192.0.2.254/24 dev internet
  for ((n = 1; n <= $1; n++)); do
    ip netns add "srvpn-g$n"
    ip netns add "srvpn-h$n"
    at "g$n" ip link set lo up
    ip link add "o$n" type veth peer name out
    ip link set "o$n" master internet up
    vpn_link "g$n" out "192.0.2.$n/24"
    ip link add lan type veth peer name eth
    vpn_link "g$n" lan "10.$n.0.1/24"
    vpn_link "h$n" eth "10.$n.0.10/24"
    at "h$n" ip route add default via "10.$n.0.1"
    at "g$n" ip route add default via 192.0.2.254
    at "g$n" sysctl -qw net.ipv4.ip_forward=1
  done
  VPN_SITES=$1
}
vpn_hub() {
  local n
  HUB_PORT=28443
  hub_start --listen "192.0.2.254:$HUB_PORT" --host 192.0.2.254
  for ((n = 1; n <= VPN_SITES; n++)); do
    identity "g$n" strongroom-certificate-requester
    sr ca allow "g$n" --profile vpn --name "g$n.test" >/dev/null
    mkdir -p "$WORK/g$n"
    sed -e "s/localhost/192.0.2.254/; s/^\(export AZURE_CLIENT_ID=\).*/\1'$APP_CLIENT_ID'/" \
      -e "s/^\(export AZURE_CLIENT_SECRET=\).*/\1'$APP_CLIENT_SECRET'/" "$HUB_DATA/env" >"$WORK/g$n/env"
  done
}
vpn_site() {
  local n=$1 file=$WORK/g$1/vpn.conf peer=
  shift
  printf '%s\n' "name = g$n.test" "subnets = 10.$n.0.0/24" "state = $WORK/g$n/state" >"$file"
  while [ $# -gt 0 ]; do
    if [ "$1" = -- ]; then
      peer=$2
      printf '%s\n' "[peer g$peer.test]" "address = 192.0.2.$peer" >>"$file"
      shift
    else
      echo "$1" >>"$file"
    fi
    shift
  done
}
vpn() {
  local n=$1 verb=$2
  shift 2
  at "g$n" "$STRONGROOM" vpn "$verb" --config "$WORK/g$n/vpn.conf" "$@"
}
vpn_up() {
  # As doc/strongroom-vpn.service.in has it.
  ip netns exec "srvpn-g$1" setpriv --no-new-privs --inh-caps=-all \
    --bounding-set=-all,+net_admin,+net_bind_service,+net_raw "$STRONGROOM" vpn up --config "$WORK/g$1/vpn.conf" --data "$WORK/g$1" \
    >>"$WORK/g$1/log" 2>&1 </dev/null &
  UP[$1]=$!
  vpn_guarded "$1"
}
vpn_down() {
  local status=0
  kill -TERM "${UP[$1]}"
  wait "${UP[$1]}" || status=$?
  unset "UP[$1]"
  same "status of the gateway g$1" 0 $status
}
until_() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "not in time: $what"
    sleep 0.1
  done
}
# Until then hosts that have begun to talk are not protected.
drops() { case $(at "$1" ip -4 rule) in *"221:"*blackhole*) ;; *) return 1 ;; esac; }
vpn_guarded() { until_ 10 "the kill switch of g$1" drops "g$1"; }
# From a host behind one gateway to one behind another.
reaches() { at "h$1" ping -c 1 -W 1 "10.$2.0.10" >/dev/null 2>&1; }
reaches_not() { ! reaches "$@"; }

talk() {
  ip netns exec "srvpn-h$1" ping -i 0.02 "$2" >"$WORK/talk" 2>&1 &
  TALK_PID=$!
}
# shellcheck disable=SC2034  # for the caller
hush() {
  kill "$TALK_PID"
  wait "$TALK_PID" 2>/dev/null || true
  read -r SENT LOST < <(sed -n 's/.*icmp_seq=\([0-9]*\) ttl.*/\1/p' "$WORK/talk" |
    awk '{ n++; last = $1 } END { print last, last - n }')
}

wire_start() {
  WIRE=$WORK/wire.pcap
  tcpdump -i internet -w "$WIRE" -U --immediate-mode >/dev/null 2>"$WORK/wire.log" &
  WIRE_PID=$!
  until_ 10 "tcpdump listens" grep -q "listening on" "$WORK/wire.log"
}
wire_stop() {
  sleep 0.3
  kill -INT "$WIRE_PID"
  wait "$WIRE_PID" || true
}
wire() { tcpdump -n -r "$WIRE" "$@" 2>/dev/null | wc -l; }
wire_none() { # WHAT FILTER
  local seen
  seen=$(tcpdump -n -r "$WIRE" "$2" 2>/dev/null | head -5)
  [ -z "$seen" ] || fail "$1: $seen"
}
# What the Internet may see of the sites: IKE, ESP, that nobody listens for them, the hub's HTTPS, and what
# the link needs.
# shellcheck disable=SC2034  # for the caller
INNER='net 10.0.0.0/8'
# shellcheck disable=SC2034
OUTER='not port 28443 and not arp and not (ip6 and dst net ff00::/8) and not icmp6 and not (udp port 500 or udp port 4500 or esp)
  and not (icmp[icmptype] = icmp-unreach and icmp[17] = 17)'

vpn_end() {
  local status=$? n
  trap - EXIT
  set +e
  for n in "${!UP[@]}"; do
    kill -TERM "${UP[$n]}"
    wait "${UP[$n]}"
  done 2>/dev/null
  if [ $status -ne 0 ] && [ $status -ne 77 ]; then
    for n in "$WORK"/g*/log; do
      [ ! -f "$n" ] || tail -n 40 "$n" | sed "s|^|$(basename "$(dirname "$n")"): |" >&2
    done
  fi
  if grep -hE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$WORK"/g*/log 2>/dev/null; then status=1; fi
  (exit $status)
  lib_end
}
trap vpn_end EXIT
