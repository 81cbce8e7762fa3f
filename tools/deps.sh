#!/usr/bin/env bash
# Installs the Debian 12 packages that Strongroom needs, and only those that are missing.
# Usage: tools/deps.sh build|test|list
set -euo pipefail

build=(gcc make meson ninja-build pkg-config libssl-dev libjansson-dev libsqlite3-dev libseccomp-dev
  libcmocka-dev)
# Test clients and servers, sanitizers and fuzzing, static analysis, load generators.
test=(g++ clang libclang-rt-14-dev clang-tidy clang-format cppcheck shellcheck python3 python3-azure
  age
  curl openssl certbot sqlite3 strace gdb wrk nghttp2-client
  zlib1g-dev
  rsyslog systemd-journal-remote
  nginx libnginx-mod-stream haproxy hitch stunnel4 redis-tools sslscan
  charon-systemd strongswan-swanctl libcharon-extra-plugins iproute2 nftables iputils-ping iperf3 tcpdump
  postgresql-15 mariadb-server-core mariadb-client btrfs-progs)

# Any Node.js from 18 on will do, from wherever it comes.
node_missing() {
  local major
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || return 0
  [ "$major" -lt 18 ] || ! command -v npm >/dev/null
}

missing() {
  local name
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

case ${1:-} in
build) wanted=("${build[@]}") ;;
test)
  wanted=("${build[@]}" "${test[@]}")
  if node_missing; then wanted+=(nodejs npm); fi
  ;;
list)
  printf 'build: %s\ntest: %s nodejs npm\n' "${build[*]}" "${test[*]}"
  exit 0
  ;;
*)
  echo "usage: tools/deps.sh build|test|list" >&2
  exit 2
  ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "deps: this is not a Debian system; install the equivalents of: ${wanted[*]}" >&2
  exit 1
fi
mapfile -t packages < <(missing "${wanted[@]}")
[ ${#packages[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "deps: run this as root, or have an administrator install: ${packages[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
# Debian's PostgreSQL comes with a cluster that runs, if nobody says no before: the tests need the
# programs only.
cluster=/etc/postgresql-common/createcluster.conf
if [[ " ${packages[*]} " = *" postgresql-15 "* ]] && [ ! -e $cluster ]; then
  "${as_root[@]}" mkdir -p "${cluster%/*}"
  echo "create_main_cluster = false" | "${as_root[@]}" tee $cluster >/dev/null
fi
# And what comes as a service (nginx) is not to be started.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '"${as_root[@]}" rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod 755 $policy
fi
echo "deps: installing ${packages[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
