#!/usr/bin/env bash
# Who is let in: a plain strongSwan, set up as 'vpn export' says, with a certificate of the profile vpn for its name. With any other certificate the same
# gateway is refused: of another profile, for another name, of another authority, expired, revoked; and no host's packet goes to it.
. "$(dirname "$0")/../vpn.sh"
require swanctl openssl

vpn_net 2
vpn_hub
vpn_site 1 "revocation_seconds = 1" "dpd_seconds = 2" -- 2 "subnets = 10.2.0.0/24"
export SWANCTL_DIR=$WORK/plain STRONGSWAN_CONF=$WORK/plain/strongswan.conf
for dir in x509 x509ca private; do mkdir -p "$SWANCTL_DIR/$dir"; done
vpn 1 export --for strongswan | sed "s/OUR-PUBLIC-ADDRESS/192.0.2.1/; s/strict/no/" >"$SWANCTL_DIR/swanctl.conf"
cat >"$STRONGSWAN_CONF" <<END
charon-systemd {
  load_modular = no
  load = pem kdf hmac sha1 sha2 aes gcm pkcs1 pkcs8 x509 pubkey openssl random nonce kernel-libipsec kernel-netlink socket-default vici
  filelog {
    stderr {
      default = 1
      flush_line = yes
    }
  }
  plugins {
    vici {
      socket = unix://$WORK/plain/vici
    }
  }
}
swanctl {
  load = pem pkcs1 x509 pubkey openssl random
}
END
curl -s --cacert "$HUB_DATA/ca.pem" "$KEY_VAULT_URL/pki/issuing.cer" -o "$SWANCTL_DIR/x509ca/issuing.der"
cp "$HUB_DATA/ca.pem" "$SWANCTL_DIR/x509ca/root.pem"

# with DIR [ID]: the plain gateway runs with that certificate and key, under that identity.
with() {
  sed -i "s/id = g[23].test/id = g1.test/; 0,/id = g1.test/s//id = ${2:-g2.test}/" "$SWANCTL_DIR/swanctl.conf"
  openssl x509 -in "$1/cert.pem" -out "$SWANCTL_DIR/x509/site.pem"
  cp "$1/key.pem" "$SWANCTL_DIR/private/site.pem"
  ip netns exec srvpn-g2 /usr/sbin/charon-systemd >>"$WORK/g2/log" 2>&1 </dev/null &
  UP[2]=$!
  until_ 10 "plain strongSwan answers" at g2 swanctl --stats --uri "unix://$WORK/plain/vici"
  at g2 swanctl --load-all --uri "unix://$WORK/plain/vici" >>"$WORK/g2/log" 2>&1
}
without() {
  kill "${UP[2]}"
  wait "${UP[2]}" || true
  unset "UP[2]"
}
refused() { # WHAT DIR WORDS of our log [ID]
  note "$1"
  : >"$WORK/g1/log"
  with "$2" "${4:-g2.test}"
  until_ 20 "it is refused" grep -q "$3" "$WORK/g1/log"
  for _ in 1 2 3; do check "$1: nobody passes" reaches_not 1 2; done
  ! grep -q "is up" "$WORK/g1/log" || fail "$1: it was let in"
  without
}

sr ca issue --profile vpn --name g2.test --out "$WORK/good" >/dev/null
sr ca issue --profile vpn --name g2.test --lifetime 1s --out "$WORK/expired" >/dev/null
sr ca issue --profile vpn --name g2.test --out "$WORK/revoked" >/dev/null
sr ca issue --profile server --name g2.test --out "$WORK/server" >/dev/null
sr ca issue --profile vpn --name g3.test --out "$WORK/other" >/dev/null
sr ca revoke "$(openssl x509 -in "$WORK/revoked/cert.pem" -noout -serial | sed 's/serial=//' | tr '[:upper:]' '[:lower:]')" >/dev/null
mkdir "$WORK/foreign"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/foreign/key.pem" -subj /CN=g2.test \
  -addext subjectAltName=DNS:g2.test -addext extendedKeyUsage=1.3.6.1.5.5.7.3.17 -out "$WORK/foreign/cert.pem" 2>/dev/null

wire_start
vpn_up 1
note "as it should be"
with "$WORK/good"
until_ 30 "the tunnel is up" reaches 1 2
without
until_ 20 "the tunnel is down" grep -q "is down" "$WORK/g1/log"
refused "a web server of that name" "$WORK/server" "g2.test is refused: its certificate is not one for gateways"
refused "a gateway of another name" "$WORK/other" "no matching peer config found" g3.test
refused "another authority" "$WORK/foreign" "is not trusted"
ended() { ! openssl x509 -in "$WORK/expired/cert.pem" -noout -checkend 0; }
until_ 10 "it has expired" ended
refused "an expired certificate" "$WORK/expired" "subject certificate invalid"
refused "a revoked certificate" "$WORK/revoked" "certificate was revoked on"
note "as it should be, again"
with "$WORK/good"
until_ 60 "the tunnel is up" reaches 1 2
without
vpn_down 1
wire_stop
wire_none "packets in clear" "$INNER"
hub_stop
