# shellcheck shell=bash
# For tests of the proxy: `. "$(dirname "$0")/../proxy.sh"` instead of lib.sh. The proxies that a
# test starts end with it, and leave no report of a sanitizer behind.
#
#   proxy_start NAME OPTION...   starts one that serves when this returns; its state, admin socket,
#                                log and access log are $WORK/NAME.state, .admin, .log and .access
#   proxy_stop NAME              by SIGTERM; fails unless it ends with status 0
#   proxy_kill NAME              kill -9
#   proxy_port NAME [N]          the port of its first, or N-th, listener
#   admin NAME PATH              a page of its admin socket
#   ended NAME EXPRESSION        waits for a line of the access log, behind the one that was found
#                                last, for whose document d the Python expression is true
#   peer NAME [OPTION...]        `ca issue` into $WORK/NAME
#   tls_client PORT [as NAME] [OPTION...]  openssl s_client, with a peer's certificate: what it says
#   eventually WHAT COMMAND...   waits until the command succeeds
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
require curl openssl python3

declare -A PROXIES=() SEEN=()
CHILDREN=() # other programs that end with the test

proxy_ready() { curl -sf -o /dev/null --max-time 5 --unix-socket "$WORK/$1.admin" http://localhost/readyz; }
admin() { curl -s --max-time 5 --unix-socket "$WORK/$1.admin" "http://localhost$2"; }

eventually() { # WHAT COMMAND...
  local what=$1 begin=$SECONDS pause=0.05
  shift
  until "$@"; do
    [ $((SECONDS - begin)) -lt 30 ] || fail "$what"
    [ $((SECONDS - begin)) -lt 2 ] || pause=0.5 # what takes so long is no sooner there for being asked
    sleep "$pause"
  done
}

proxy_show() { sed "s/^/proxy $1: /" "$WORK/$1.log" >&2; }
proxy_start() { # NAME OPTION...
  local name=$1 deadline=$((SECONDS + HUB_WAIT))
  shift
  "$STRONGROOM" proxy serve --service "$name" --state "$WORK/$name.state" --admin "$WORK/$name.admin" --access-log "$WORK/$name.access" "$@" \
    >>"$WORK/$name.log" 2>&1 </dev/null &
  PROXIES[$name]=$!
  until proxy_ready "$name"; do
    if ! kill -0 "${PROXIES[$name]}" 2>/dev/null || [ $SECONDS -ge $deadline ]; then
      proxy_show "$name"
      fail "the proxy $name did not come up"
    fi
    sleep 0.05
  done
}

proxy_log_clean() {
  ! grep -E 'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$WORK/$1.log" >/dev/null 2>&1
}

proxy_stop() { # NAME
  local status=0 pid=${PROXIES[$1]}
  kill -TERM "$pid"
  wait "$pid" || status=$?
  unset "PROXIES[$1]"
  if [ $status -ne 0 ] || ! proxy_log_clean "$1"; then
    proxy_show "$1"
    fail "the proxy $1 ended with status $status"
  fi
}

proxy_kill() { # NAME
  kill -KILL "${PROXIES[$1]}"
  wait "${PROXIES[$1]}" 2>/dev/null || true
  unset "PROXIES[$1]"
}

proxy_port() { admin "$1" /status | json "d['listen'][${2:-1} - 1].rsplit(':', 1)[1]"; }

ended() { # NAME EXPRESSION
  local found
  found=$(python3 - "$WORK/$1.access" "${SEEN[$1]:-0}" "$2" <<'PY'
import json, sys, time
path, seen, expression = sys.argv[1], int(sys.argv[2]), sys.argv[3]
deadline = time.monotonic() + 30
lines = []
while time.monotonic() < deadline:
    with open(path) as f:
        text = f.read()
    lines = text[:text.rfind("\n") + 1].splitlines()
    for i, line in enumerate(lines[seen:]):
        d = json.loads(line)
        if eval(expression):
            print(seen + i + 1)
            sys.exit(0)
    time.sleep(0.05)
print("\n".join(lines[seen:]), file=sys.stderr)
sys.exit(1)
PY
  ) || fail "the access log of $1 has no line with $2"
  SEEN[$1]=$found
}

peer() { # NAME OPTION...
  local name=$1
  shift
  sr ca issue --out "$WORK/$name" "$@" >/dev/null
}

tls_client() { # PORT [as NAME] OPTION...
  local port=$1 own=()
  shift
  if [ "${1:-}" = as ]; then
    own=(-cert "$WORK/$2/cert.pem" -cert_chain "$WORK/$2/cert.pem" -key "$WORK/$2/key.pem")
    shift 2
  fi
  timeout 20 openssl s_client -connect "127.0.0.1:$port" -CAfile "$SSL_CERT_FILE" -verify_return_error "${own[@]}" "$@" </dev/null 2>&1 || true
}

# shellcheck disable=SC2317,SC2329 # it is called by the trap
proxies_end() {
  local status=$? name
  for name in "${CHILDREN[@]}" "${PROXIES[@]}"; do
    kill -KILL "$name" 2>/dev/null || true
    wait "$name" 2>/dev/null || true
  done
  for name in "$WORK"/*.state; do
    name=${name%.state}
    name=${name##*/}
    [ -e "$WORK/$name.log" ] || continue
    proxy_log_clean "$name" || status=1
    if [ $status -ne 0 ] && [ $status -ne 77 ]; then
      tail -n 40 "$WORK/$name.log" | sed "s/^/proxy $name: /" >&2
      tail -n 10 "$WORK/$name.access" 2>/dev/null | sed "s/^/access $name: /" >&2
    fi
  done
  if (exit $status); then lib_end; else lib_end; fi # it looks at the status
}
trap proxies_end EXIT
