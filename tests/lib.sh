# shellcheck shell=bash
# For tests in shell: `. "$(dirname "$0")/../lib.sh"`. Starts hubs of their own in a directory of
# their own, and takes both away when the test ends.
#
# A test is a script that says what it checks in its first comment and ends with 0 (passed), 77
# (skipped; its last line is the reason) or anything else (failed).
#
#   hub_start [up's options]   starts a hub and takes over its environment (DATA/env)
#   hub_stop                   stops it cleanly; fails if it did not end with status 0
#   hub_kill                   kill -9, the hub and all its services
#   identity NAME [ROLE [SCOPE]]  sets APP_CLIENT_ID, APP_OBJECT_ID, APP_CLIENT_SECRET
#   sr VERB...                 the program under test
#   api METHOD PATH [BODY]     one request as the hub's owner; sets STATUS and BODY
#
# STRONGROOM names the program (default: build/strongroom), ROOT is the source tree, WORK the
# test's directory, HUB_DATA, HUB_PORT and HUB_PID belong to the running hub.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
STRONGROOM=${STRONGROOM:-$ROOT/build/strongroom}
case $STRONGROOM in /*) ;; *) STRONGROOM=$ROOT/$STRONGROOM ;; esac
WORK=$(mktemp -d "${TMPDIR:-/tmp}/strongroom-test.XXXXXX")
HUB_DATA=$WORK/data
HUB_PORT=
HUB_PID=
HUB_WAIT=${HUB_WAIT:-30} # seconds until a hub must be ready

# No settings of the machine's own reach a test.
unset "${!STRONGROOM_@}" "${!AZURE_@}" KEY_VAULT_URL http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

note() { echo "# $*" >&2; }
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
skip() {
  echo "$*"
  exit 77
}
require() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || skip "needs $tool"
  done
}
# check WHAT COMMAND...: the command must succeed.
check() {
  local what=$1
  shift
  "$@" || fail "$what"
}
same() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; }
contains() {
  case $2 in *"$3"*) ;; *) fail "$1: '$3' is not in: $2" ;; esac
}

# In the directory of a lockfile: its packages. Tests that run side by side install them once.
npm_packages() {
  flock package-lock.json bash -c '[ node_modules/.package-lock.json -nt package-lock.json ] ||
    npm ci --no-audit --no-fund --silent'
}

# A port below the range that the kernel takes for outgoing connections, so that only another test
# can take it in the meantime.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

hub_ready() {
  [ -f "$HUB_DATA/env" ] &&
    curl -sk -o /dev/null --max-time 10 "https://localhost:$HUB_PORT/keys?api-version=7.4"
}

# A sanitizer's report counts wherever it comes from, also from a service that the hub supervises.
hub_log_clean() {
  ! grep -E 'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$WORK/hub.log" \
    >/dev/null 2>&1
}

# The hub leads a process group of its own: hub_kill reaches all of it.
hub_start() {
  HUB_PORT=${HUB_PORT:-$(free_port)}
  set -m
  "$STRONGROOM" up --data "$HUB_DATA" --listen "127.0.0.1:$HUB_PORT" "$@" \
    >>"$WORK/hub.log" 2>&1 </dev/null &
  HUB_PID=$!
  set +m
  local deadline=$((SECONDS + HUB_WAIT))
  until hub_ready; do
    if ! kill -0 "$HUB_PID" 2>/dev/null || [ $SECONDS -ge $deadline ]; then
      sed 's/^/hub: /' "$WORK/hub.log" >&2
      fail "the hub did not come up"
    fi
    sleep 0.05
  done
  # shellcheck disable=SC1091
  . "$HUB_DATA/env"
  # Python's requests does not look at SSL_CERT_FILE.
  export REQUESTS_CA_BUNDLE=$SSL_CERT_FILE
}

hub_stop() {
  local status=0 deadline=$((SECONDS + HUB_WAIT))
  kill -TERM "$HUB_PID"
  while kill -0 "$HUB_PID" 2>/dev/null; do
    if [ $SECONDS -ge $deadline ]; then
      hub_kill
      fail "the hub did not stop within $HUB_WAIT s"
    fi
    sleep 0.02
  done
  wait "$HUB_PID" || status=$?
  HUB_PID=
  if [ $status -ne 0 ] || ! hub_log_clean; then
    sed 's/^/hub: /' "$WORK/hub.log" >&2
    fail "the hub ended with status $status"
  fi
}

hub_kill() {
  local deadline=$((SECONDS + 10))
  kill -KILL -- "-$HUB_PID"
  wait "$HUB_PID" 2>/dev/null || true
  # A service that waited for the disk goes later, and its locks with it.
  while kill -0 -- "-$HUB_PID" 2>/dev/null && [ $SECONDS -lt $deadline ]; do
    sleep 0.02
  done
  HUB_PID=
}

sr() { "$STRONGROOM" "$@"; }

# json EXPRESSION: the value of a Python expression over the document d that comes on stdin.
json() { python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# The owner's token, kept until the hub changes.
owner_token() {
  if [ "${TOKEN_OF:-}" != "$HUB_PID" ]; then
    TOKEN=$(token "$AZURE_CLIENT_ID" "$AZURE_CLIENT_SECRET")
    TOKEN_OF=$HUB_PID
  fi
}

# token CLIENT_ID SECRET: an access token for the vault.
token() {
  local resource
  resource=$(curl -s -o /dev/null -D - --cacert "$SSL_CERT_FILE" "$KEY_VAULT_URL/keys?api-version=7.4" |
    sed -n 's/.*resource="\([^"]*\)".*/\1/p')
  printf '%s' "$2" |
    curl -s --cacert "$SSL_CERT_FILE" --data-urlencode grant_type=client_credentials \
      --data-urlencode "client_id=$1" --data-urlencode client_secret@- \
      --data-urlencode "scope=$resource/.default" \
      "$AZURE_AUTHORITY_HOST/$AZURE_TENANT_ID/oauth2/v2.0/token" | json 'd["access_token"]'
}

# api METHOD PATH [BODY]: PATH may have a query; api-version is added. As the owner, or with the
# token in API_TOKEN.
# shellcheck disable=SC2034  # STATUS is for the caller
api() {
  local method=$1 path=$2 body=${3-} join='?' answer
  case $path in *\?*) join='&' ;; esac
  owner_token
  local request=(-s --path-as-is --cacert "$SSL_CERT_FILE" -X "$method" -w '\n%{http_code}'
    -H "Authorization: Bearer ${API_TOKEN:-$TOKEN}")
  [ -z "$body" ] || request+=(-H 'Content-Type: application/json' --data-binary "$body")
  answer=$(curl "${request[@]}" "${KEY_VAULT_URL%/}$path${join}api-version=2025-07-01") || return 1
  STATUS=${answer##*$'\n'}
  BODY=${answer%$'\n'*}
}

# identity NAME [ROLE [SCOPE]]: a new application, with a role if one is named.
identity() {
  local made
  made=$(sr identity create "$1" --secret --json)
  APP_CLIENT_ID=$(json 'd["appId"]' <<<"$made")
  APP_OBJECT_ID=$(json 'd["objectId"]' <<<"$made")
  APP_CLIENT_SECRET=$(json 'd["secret"]' <<<"$made")
  export APP_CLIENT_ID APP_OBJECT_ID APP_CLIENT_SECRET
  [ $# -lt 2 ] || sr role assign "$2" --to "$1" --scope "${3:-/}" >/dev/null
}

# flip FILE OFFSET: turns a byte of a file into another one.
flip() {
  python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    was = f.read(1)[0]
    f.seek(-1, 1)
    f.write(bytes([was ^ 0x55]))' "$1" "$2"
}

# mounted DIR: it is unmounted at the end.
MOUNTED=()
mounted() { MOUNTED+=("$1"); }

lib_end() {
  local status=$? dir
  trap - EXIT
  if [ -n "$HUB_PID" ] && kill -0 "$HUB_PID" 2>/dev/null; then
    kill -KILL -- "-$HUB_PID" 2>/dev/null || true
    wait "$HUB_PID" 2>/dev/null || true
  fi
  hub_log_clean || status=1
  for dir in "${MOUNTED[@]}"; do umount -l "$dir" || status=1; done
  if [ $status -ne 0 ] && [ $status -ne 77 ] && [ -s "$WORK/hub.log" ]; then
    tail -n 60 "$WORK/hub.log" | sed 's/^/hub: /' >&2
  fi
  rm -rf "$WORK"
  exit $status
}
trap lib_end EXIT
trap 'exit 130' INT TERM
