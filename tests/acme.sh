# shellcheck shell=bash
# For tests of ACME, after lib.sh: a name server and a hub that serves ACME and asks where tests can
# answer.
#
#   acme_start [up's options]  starts both; sets HTTP_PORT, TLS_PORT, TXT_FILE, DIRECTORY and
#                              ACME_OPTIONS, to start the hub again
#   acme_identity NAME HOST... an identity that may have those names; sets EAB_KID and EAB_KEY

# shellcheck disable=SC2120
acme_start() {
  local dns
  dns=$(free_port)
  HTTP_PORT=$(free_port)
  TLS_PORT=$(free_port)
  TXT_FILE=$WORK/txt
  : >"$TXT_FILE"
  coproc NAME_SERVER { exec "$ROOT/tests/acme_dns.py" "$dns" "$TXT_FILE"; }
  DNS_PID=$NAME_SERVER_PID
  read -r _ <&"${NAME_SERVER[0]}"
  ACME_OPTIONS=(--acme-enabled --acme-http-port "$HTTP_PORT" --acme-tls-port "$TLS_PORT"
    --acme-resolver "127.0.0.1:$dns" "$@")
  hub_start "${ACME_OPTIONS[@]}"
  # shellcheck disable=SC2034  # for the caller
  DIRECTORY=https://localhost:$HUB_PORT/acme/directory
  export HTTP_PORT TLS_PORT TXT_FILE DIRECTORY
}

acme_identity() {
  local name=$1 host made names=()
  shift
  for host in "$@"; do names+=(--name "$host"); done
  identity "$name" strongroom-certificate-requester
  sr ca allow "$name" --profile server "${names[@]}" >/dev/null
  made=$(sr acme create-key "$name" --json)
  EAB_KID=$(json 'd["kid"]' <<<"$made")
  EAB_KEY=$(json 'd["key"]' <<<"$made")
  export EAB_KID EAB_KEY
}

acme_end() {
  [ -z "${DNS_PID-}" ] || kill "$DNS_PID" 2>/dev/null || true
}
trap 'acme_end; lib_end' EXIT
