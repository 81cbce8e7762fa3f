#!/usr/bin/env bash
# While another machine floods a sealed vault with wrong passphrases (and hangs up, or reads that it must wait), its operator unseals it.
. "$(dirname "$0")/../lib.sh"
printf 'correct horse battery staple\n' >"$WORK/pass"
health() { curl -s --cacert "$HUB_DATA/ca.pem" "https://localhost:$HUB_PORT/hub/health"; }

exec 7<"$WORK/pass"
hub_start --root passphrase --passphrase-fd 7
exec 7<&-
sr vault seal
for _ in $(seq 100); do
  case $(health) in *sealed*) break ;; esac
  sleep 0.1
done
contains "after sealing" "$(health)" '"sealed"'

python3 - "$HUB_PORT" "$SSL_CERT_FILE" "$STRONGROOM" "$WORK/pass" <<'PY'
import collections, http.client, ssl, subprocess, sys, threading, time
port, ca, program, passphrase = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=ca)
def connect():  # from another address
    return http.client.HTTPSConnection("localhost", port, context=context, timeout=60, source_address=("127.0.0.2", 0))
def attempt(c):
    c.request("POST", "/hub/unseal", b'{"passphrase":"wrong horse"}', {"Content-Type": "application/json"})
stop, seen = threading.Event(), collections.Counter()
def flood():
    while not stop.is_set():
        try:
            left = connect()
            attempt(left)
            left.close()
            c = connect()
            attempt(c)
            answer = c.getresponse()
            seen[answer.status] += 1
            if answer.status == 429:
                assert answer.msg.get_all("Retry-After") == ["1"]
            c.close()
        except (OSError, http.client.HTTPException):
            seen["broken"] += 1
threads = [threading.Thread(target=flood) for _ in range(20)]
for t in threads: t.start()
time.sleep(3)
begin = time.monotonic()
done = subprocess.run([program, "vault", "unseal", "--passphrase-stdin"], stdin=open(passphrase), timeout=60)
took = time.monotonic() - begin
stop.set()
for t in threads: t.join()
print(f"unsealed after {took:.1f} s; the others' answers: {dict(seen)}")
assert done.returncode == 0, "FAILED: the operator cannot unseal the vault"
assert took < 30, "FAILED: the operator waits behind those who guess"
assert seen[429] > seen[403], "FAILED: guesses wait for each other"
PY
contains "unsealed" "$(health)" '"ready"'
hub_stop
