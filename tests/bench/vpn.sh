#!/usr/bin/env bash
# Tunnels: iperf3 between hosts of two sites, through 'strongroom vpn up' and, in the same run, through a strongSwan that is configured by hand. The ratio is
# what counts: ours is to be at least 0.9 of the other. Both do ESP where this kernel can: in the kernel, or in user space.
# Usage: tests/bench/vpn.sh [SECONDS of one measurement] (default 5; each is done three times, in turn)
. "$(dirname "$0")/../vpn.sh"
require iperf3 swanctl python3
seconds=${1:-5}
limit=0.9

vpn_net 2
vpn_hub
vpn_site 1 -- 2 "subnets = 10.2.0.0/24"
vpn_site 2 -- 1 "subnets = 10.1.0.0/24"

declare -A OTHER=()
plain_prepare() { # N OTHER
  local dir=$WORK/plain$1
  mkdir -p "$dir/x509" "$dir/x509ca" "$dir/private"
  sr ca issue --profile vpn --name "g$1.test" --out "$WORK/cert$1" >/dev/null
  openssl x509 -in "$WORK/cert$1/cert.pem" -out "$dir/x509/site.pem"
  cp "$WORK/cert$1/key.pem" "$dir/private/site.pem"
  cp "$HUB_DATA/ca.pem" "$dir/x509ca/root.pem"
  curl -s --cacert "$HUB_DATA/ca.pem" "$KEY_VAULT_URL/pki/issuing.cer" -o "$dir/x509ca/issuing.der"
  cat >"$dir/strongswan.conf" <<END
charon-systemd {
  load_modular = no
  load = pem kdf hmac sha1 sha2 aes gcm pkcs1 pkcs8 x509 pubkey openssl random nonce $USER_ESP kernel-netlink socket-default vici
  filelog {
    stderr {
      default = 0
    }
  }
  plugins {
    vici {
      socket = unix://$dir/vici
    }
  }
}
END
  cat >"$dir/swanctl.conf" <<END
connections {
  hand {
    version = 2
    local_addrs = 192.0.2.$1
    remote_addrs = 192.0.2.$2
    proposals = aes256gcm16-prfsha384-ecp384
    local {
      auth = pubkey
      certs = site.pem
      id = g$1.test
    }
    remote {
      auth = pubkey
      id = g$2.test
    }
    children {
      net {
        local_ts = 10.$1.0.0/24
        remote_ts = 10.$2.0.0/24
        esp_proposals = aes256gcm16-ecp384
        start_action = none
      }
    }
  }
}
END
}
plain() { # N WORD...
  local dir=$WORK/plain$1
  shift
  SWANCTL_DIR=$dir STRONGSWAN_CONF=$dir/strongswan.conf at "g${dir##*plain}" swanctl "$@" --uri "unix://$dir/vici" >/dev/null 2>&1
}
plain_start() {
  local n
  for n in 1 2; do
    STRONGSWAN_CONF=$WORK/plain$n/strongswan.conf ip netns exec "srvpn-g$n" /usr/sbin/charon-systemd 2>>"$WORK/plain$n/log" &
    OTHER[$n]=$!
    until_ 10 "strongSwan answers" plain $n --stats
    plain $n --load-all
  done
  plain 1 --initiate --child net
}
plain_stop() {
  local n
  for n in 1 2; do
    kill "${OTHER[$n]}"
    wait "${OTHER[$n]}" || true
  done
}
ours_start() {
  vpn_up 1
  vpn_up 2
}
ours_stop() {
  vpn_down 1
  vpn_down 2
  vpn 1 down --open >/dev/null
  vpn 2 down --open >/dev/null
}
# Megabits a second.
measure() {
  until_ 30 "the tunnel is up" reaches 1 2
  ip netns exec srvpn-h2 iperf3 -s -1 -B 10.2.0.10 >/dev/null &
  until_ 10 "iperf3 listens" eval 'at h2 ss -Hltn "sport = 5201" | grep . >/dev/null'
  at h1 iperf3 -c 10.2.0.10 -t "$seconds" -J | json 'round(d["end"]["sum_received"]["bits_per_second"] / 1e6, 1)'
}

USER_ESP=
ours_start
until_ 30 "the tunnel is up" reaches 1 2
grep -q "ESP: .*user space" "$WORK/g1/log" && USER_ESP=kernel-libipsec
ours_stop
plain_prepare 1 2
plain_prepare 2 1
ours=() theirs=()
for _ in 1 2 3; do
  plain_start
  theirs+=("$(measure)")
  plain_stop
  ours_start
  ours+=("$(measure)")
  ours_stop
done
hub_stop
python3 - "$limit" "${USER_ESP:+in user space}" "${ours[*]}" "${theirs[*]}" <<'END'
import statistics, sys
limit, where, ours, theirs = float(sys.argv[1]), sys.argv[2] or "in the kernel", *([float(x) for x in a.split()] for a in sys.argv[3:])
ratio = statistics.median(ours) / statistics.median(theirs)
print(f"ESP {where}: strongroom vpn {ours} Mbit/s, strongSwan by hand {theirs} Mbit/s: {ratio:.2f} x (limit {limit} x)")
sys.exit(ratio < limit)
END
