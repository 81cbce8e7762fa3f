#!/usr/bin/env bash
# 'vpn init' writes a site file that the other verbs take and says what the other side needs, whose own 'vpn init' gives the tunnel's other end; networks that
# overlap, bad addresses and names are refused in words, and nothing is written then. 'vpn export' knows peers by name.
. "$(dirname "$0")/../lib.sh"
require openssl
cd "$WORK"
files=0

refuses() { # STATUS TEXT WORD...
  local expected=$1 text=$2 status=0 said
  shift 2
  said=$(sr vpn "$@" 2>&1) || status=$?
  same "status of '$*' ($said)" "$expected" "$status"
  contains "what '$*' says" "$said" "$text"
}

said=$(sr vpn init gw-a.corp.example --address 192.0.2.1 --subnet 10.1.0.0/24 --subnet fd00:1::/64 --peer gw-b.corp.example,192.0.2.2,10.2.0.0/24,10.4.0.0/24 --config a.conf)
same "its mode" 600 "$(stat -c %a a.conf)"
contains "the grant" "$said" "strongroom ca allow IDENTITY --profile vpn --name gw-a.corp.example"
other=$(sed -n 's/^Other side: *strongroom //p' <<<"$said")
same "the other side" "vpn init gw-b.corp.example --address 192.0.2.2 --subnet 10.2.0.0/24 --subnet 10.4.0.0/24 --peer gw-a.corp.example,192.0.2.1,10.1.0.0/24,fd00:1::/64" "$other"
# shellcheck disable=SC2086  # words
sr $other --config b.conf >/dev/null
ends() { sr vpn export --for strongswan --config "$1" | sed -n 's/^ *\(local\|remote\)_\(ts\|addrs\) = //p' | tr -d ' '; }
same "both ends of one tunnel" "$(ends a.conf)" "$(ends b.conf | awk 'NR % 2 { local = $0; next } { print; print local }')"

sr vpn init hub.example --subnet 10.1.0.0/24 --peer s1.example,192.0.2.2,10.2.0.0/24 --peer s2.example,%any,10.3.0.0/24 --policy azure --config hub.conf >/dev/null
refuses 2 "there are 2 peers: say which" export --for text --config hub.conf
refuses 3 "no peer s3.example" export s3.example --for text --config hub.conf
refuses 2 "--for is missing" export --config hub.conf
contains "an export" "$(sr vpn export S2.example --for text --config hub.conf)" "identity (DNS name) s2.example"
contains "for Azure" "$(sr vpn export s2.example --for azure --config hub.conf 2>&1)" "--sa-lifetime 27000"
same "what is remarked on" "" "$(sr vpn export s2.example --for azure --config hub.conf 2>&1 >/dev/null)"
contains "for Azure, of a strict peer" "$(sr vpn export --for azure --config a.conf 2>&1 >/dev/null)" "set policy = azure in its section"

note "whom the other side is to trust"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -subj /CN=root -out root.pem 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=x -addext basicConstraints=critical,CA:FALSE -out leaf.pem 2>/dev/null
cat key.pem root.pem >both.pem
printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' >damaged.pem
for kind in azure strongswan text; do
  for file in a.conf key.pem leaf.pem damaged.pem /dev/null; do
    refuses 2 "$file holds no certificate of an authority" export --for $kind --ca $file --config a.conf
  done
  refuses 2 "cannot read none.pem" export --for $kind --ca none.pem --config a.conf
  said=$(sr vpn export --for $kind --ca both.pem --config a.conf 2>/dev/null)
  contains "the root for $kind" "$said" "$(sed -n 2p root.pem)"
  case $said in *PRIVATE*) fail "a private key for $kind" ;; esac
done

refuses 5 "a.conf is there already" init x.example --subnet 10.1.0.0/24 --peer y.example,%any,10.2.0.0/24 --config a.conf
refuses 2 "--peer is missing" init x.example --subnet 10.1.0.0/24 --config no.conf
refuses 2 "--peer takes NAME,ADDRESS,SUBNET" init x.example --subnet 10.1.0.0/24 --peer y.example --config no.conf
refuses 2 "10.1.0.0/16 of this site and 10.1.2.0/24 of y.example overlap" init x.example --subnet 10.1.0.0/16 --peer y.example,%any,10.1.2.0/24 --config no.conf
refuses 2 "overlap" init x.example --subnet 10.1.0.0/24 --peer y.example,%any,10.2.0.0/24 --peer z.example,%any,10.2.0.0/16 --config no.conf
refuses 2 "is no network" init x.example --subnet 10.1.0.1/24 --peer y.example,%any,10.2.0.0/24 --config no.conf
refuses 2 "is no IP address or DNS name" init x.example --subnet 10.1.0.0/24 --peer "y.example,a b,10.2.0.0/24" --config no.conf
refuses 2 "is no DNS name" init "x y" --subnet 10.1.0.0/24 --peer y.example,%any,10.2.0.0/24 --config no.conf
refuses 2 "not '*.example'" init x.example --subnet 10.1.0.0/24 --peer "*.example,%any,10.2.0.0/24" --config no.conf
refuses 2 "control character" init $'x.example\nstate = /tmp' --subnet 10.1.0.0/24 --peer y.example,%any,10.2.0.0/24 --config no.conf
refuses 2 "holds the address of the peer" init x.example --subnet 10.1.0.0/24 --peer y.example,10.2.0.9,10.2.0.0/24 --config no.conf
refuses 2 "holds this site's own address" init x.example --address 10.2.0.1 --subnet 10.1.0.0/24 --peer y.example,%any,10.2.0.0/24 --config no.conf
[ ! -e no.conf ] || fail "a file was written all the same"
refuses 2 "cannot read no.conf" status --config no.conf
note "a state directory that is not fit for secrets"
mkdir -m 755 state
for where in state away/state state/../a.conf; do
  sr vpn init x.example --subnet 10.1.0.0/24 --peer y.example,%any,10.2.0.0/24 --state "$PWD/$where" --config "state$((++files)).conf" >/dev/null
done
refuses 2 "state has the mode 755, so others may use it: 'chmod 700 " up --config state1.conf
refuses 2 "away/state: 'mkdir -p' what it is in first" up --config state2.conf
refuses 2 "a.conf is no directory" up --config state3.conf
if [ "$(id -u)" -eq 0 ]; then
  chown 65534 state
  refuses 2 "belongs to the user 65534: 'chown 0 " up --config state1.conf
fi
echo "nat = sometimes" >>a.conf
refuses 2 "a.conf line" status --config a.conf
