#!/usr/bin/env bash
# SIGHUP serves a new certificate to new connections and drops no open one; a wrong one is refused and the old one stays.
. "$(dirname "$0")/../lib.sh"
require openssl
make() { # NAME CN
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/$1.key" -out "$WORK/$1.pem" -days 2 \
    -subj "/CN=$2" -addext "subjectAltName=DNS:localhost" 2>/dev/null
}
make one first-certificate
make two second-certificate
cp "$WORK/one.pem" "$WORK/cert.pem" && cp "$WORK/one.key" "$WORK/cert.key"
chmod 600 "$WORK"/*.key
hub_start --tls-certificate "$WORK/cert.pem" --tls-key "$WORK/cert.key"
SERVER=$(pgrep -P "$HUB_PID" | head -n 1)
subject() { openssl s_client -connect "localhost:$HUB_PORT" </dev/null 2>/dev/null | openssl x509 -noout -subject; }
contains "at first" "$(subject)" first-certificate

python3 - "$HUB_PORT" "$WORK" "$SERVER" <<'PY'
import http.client, os, shutil, signal, ssl, sys, time
port, work, server = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
context = ssl.create_default_context(cafile=work + "/one.pem")
c = http.client.HTTPSConnection("localhost", port, context=context)
def ask():
    c.request("GET", "/hub/health")
    r = c.getresponse(); r.read()
    return r.status
assert ask() == 200
before = c.sock
shutil.copy(work + "/two.pem", work + "/cert.pem"); shutil.copy(work + "/two.key", work + "/cert.key")
os.kill(server, signal.SIGHUP)
time.sleep(1)
assert ask() == 200 and c.sock is before, "FAILED: the open connection was dropped"
PY
contains "after the reload" "$(subject)" second-certificate
cp "$WORK/one.key" "$WORK/cert.key"
kill -HUP "$SERVER"
sleep 0.5
contains "after a reload with a key that does not fit" "$(subject)" second-certificate
hub_stop
