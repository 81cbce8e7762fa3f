#!/usr/bin/env bash
# A known private key is imported, used and deleted: it is then nowhere in the process's ordinary memory; nor is a secret's value that
# was set and read; and no secret of the whole run is in the database, the audit log or the log, in any usual encoding.
. "$(dirname "$0")/../lib.sh"
require python3 openssl
[ "$(id -u)" = 0 ] || skip "needs root to read another process's memory"

python3 - "$WORK" <<'PY'
import base64, json, secrets, subprocess, sys
work = sys.argv[1]
def b64(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
from cryptography.hazmat.primitives.asymmetric import ec, rsa
def number(n): return n.to_bytes((n.bit_length() + 7) // 8, "big")
k = rsa.generate_private_key(65537, 2048).private_numbers()
p = k.public_numbers
parts = {"n": p.n, "e": p.e, "d": k.d, "p": k.p, "q": k.q, "dp": k.dmp1, "dq": k.dmq1, "qi": k.iqmp}
jwk = {"kty": "RSA", **{name: b64(number(n)) for name, n in parts.items()}}
json.dump({"key": jwk}, open(work + "/rsa.json", "w"))
e = ec.generate_private_key(ec.SECP256R1()).private_numbers()
jwk = {"kty": "EC", "crv": "P-256", "x": b64(e.public_numbers.x.to_bytes(32, "big")), "y": b64(e.public_numbers.y.to_bytes(32, "big")),
       "d": b64(e.private_value.to_bytes(32, "big"))}
json.dump({"key": jwk}, open(work + "/ec.json", "w"))
oct_key = bytes(range(100, 132))
json.dump({"key": {"kty": "oct", "k": b64(oct_key)}}, open(work + "/oct.json", "w"))
with open(work + "/patterns", "w") as f:
    for name in ("d", "p", "q", "dp", "dq", "qi"):
        f.write(f"rsa-{name} {number(parts[name]).hex()}\n")
    f.write(f"ec-d {e.private_value.to_bytes(32, 'big').hex()}\noct-k {oct_key.hex()}\n")
value = f"value {secrets.token_hex(40)} of a secret"
json.dump({"value": value, "contentType": "text/plain"}, open(work + "/secret.json", "w"))
with open(work + "/value", "w") as f:
    f.write(f"secret {value.encode().hex()}\n")
PY

hub_start
SERVER=$(pgrep -P "$HUB_PID" | head -n 1)
for kind in rsa ec oct; do
  api PUT "/keys/known-$kind" "$(cat "$WORK/$kind.json")"
  same "importing the $kind key" 200 "$STATUS"
done
digest=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU
for i in 1 2 3; do
  api POST /keys/known-rsa//sign "{\"alg\":\"RS256\",\"value\":\"$digest\"}"
  same "signing with RSA, time $i" 200 "$STATUS"
  api POST /keys/known-ec//sign "{\"alg\":\"ES256\",\"value\":\"$digest\"}"
  same "signing with EC, time $i" 200 "$STATUS"
  api POST /keys/known-oct//wrapkey "{\"alg\":\"A256KW\",\"value\":\"$digest\"}"
  same "wrapping, time $i" 200 "$STATUS"
done

# While they are open they are in locked memory: this also shows that the search finds what is there.
found=$(python3 "$(dirname "$0")/scan_memory.py" "$SERVER" "$WORK/patterns")
contains "open keys are found in locked memory" "$found" "locked "
[ "$(sed -n 's/locked //p' <<<"$found")" -gt 0 ] || fail "the search found no open key at all: $found"

for kind in rsa ec oct; do
  api DELETE "/keys/known-$kind"
  same "deleting the $kind key" 200 "$STATUS"
done
found=$(python3 "$(dirname "$0")/scan_memory.py" "$SERVER" "$WORK/patterns")
same "finds after deletion" $'locked 0\nordinary 0' "$found"

# A secret's value is in memory only while it is on its way.
scan_value() {
  found=$(python3 "$(dirname "$0")/scan_memory.py" "$SERVER" "$WORK/value")
  same "finds of the value after $1" $'locked 0\nordinary 0' "$found"
}
value=$(json 'd["value"]' <"$WORK/secret.json")
api PUT /secrets/known-secret "$(cat "$WORK/secret.json")"
same "setting the secret" 200 "$STATUS"
scan_value "it was set"
for i in 1 2 3; do
  api GET /secrets/known-secret
  same "reading the secret, time $i" 200 "$STATUS"
  same "the value, time $i" "$value" "$(json 'd["value"]' <<<"$BODY")"
done
scan_value "it was read"
api PATCH /secrets/known-secret/ "{\"value\":\"$value\",\"tags\":{\"a\":\"b\"}}"
same "updating the secret" 200 "$STATUS"
api PUT /secrets/known-secret "{\"value\":\"$value\",\"tags\":5}"
same "a refused body with the value" 400 "$STATUS"
api POST /secrets/known-secret/backup
same "backing the secret up" 200 "$STATUS"
scan_value "update, refusal and backup"
for path in /secrets /deletedsecrets; do
  api DELETE "$path/known-secret"
  contains "deleting at $path" "200 204" "$STATUS"
done
scan_value "purge"

# A connection that is kept gives back what TLS read into when it has been idle for a moment. The
# client says the statuses of its answers and stays until it is told to go.
cat >"$WORK/kept.py" <<'PY'
import http.client, json, os, ssl, sys, urllib.parse
vault = urllib.parse.urlsplit(os.environ["KEY_VAULT_URL"])
trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
connection = http.client.HTTPSConnection(vault.hostname, vault.port, context=trust)
body = open(sys.argv[1]).read()
large = json.dumps({"value": json.loads(body)["value"] * 100})
headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"}
statuses = []
for method, sent in ("PUT", large), ("GET", None), ("PUT", body), ("GET", None), ("PUT", body):
    connection.request(method, "/secrets/known-stays?api-version=7.4", sent, headers)
    answer = connection.getresponse()
    answer.read()
    statuses.append(answer.status)
print(*statuses, flush=True)
sys.stdin.read()
PY
coproc KEPT { TOKEN=$TOKEN python3 "$WORK/kept.py" "$WORK/secret.json"; }
kept_pid=$!
read -r -t 30 statuses <&"${KEPT[0]}" || statuses=none
same "answers over a kept connection" "200 200 200 200 200" "$statuses"
sleep 4
scan_value "an idle moment of a kept connection"
eval "exec ${KEPT[1]}>&-"
wait "$kept_pid"

# Nothing secret on disk or in the log.
sr identity create witness --secret --json >"$WORK/witness.json"
secret=$(json 'd["secret"]' <"$WORK/witness.json")
owner_token
binding=$(sr acme create-key witness --json | json '__import__("base64").urlsafe_b64decode(d["key"] + "=").hex()')
echo "acme-key $binding" >"$WORK/binding"
cat "$WORK/binding" >>"$WORK/patterns"
sleep 2
found=$(python3 "$(dirname "$0")/scan_memory.py" "$SERVER" "$WORK/binding")
same "finds of an ACME binding key after it was shown" $'locked 0\nordinary 0' "$found"
hub_stop
python3 - "$HUB_DATA" "$WORK" "$secret" "$TOKEN" <<'PY'
import base64, os, sys
data, work, secret, token = sys.argv[1:]
needles = {"client secret": secret.encode(), "token": token.split(".")[2].encode(), "key name": b"known-rsa", "secret name": b"known-s", "host": b"localhost"}
for line in [*open(work + "/patterns"), *open(work + "/value")]:
    name, text = line.split()
    raw = bytes.fromhex(text)
    needles[name] = raw
    needles[name + " hex"] = text.encode()
    needles[name + " base64"] = base64.b64encode(raw)[:-4]
    needles[name + " base64url"] = base64.urlsafe_b64encode(raw).rstrip(b"=")[:-2]
bad = 0
paths = [os.path.join(d, f) for d, _, files in os.walk(data) for f in files if f not in ("env",)] + [work + "/hub.log"]
for path in paths:
    content = open(path, "rb").read()
    for name, needle in needles.items():
        if name == "host" and (path.endswith("hub.log") or "tls" in path):
            continue  # the address that it serves at is no secret there
        if needle in content:
            print(f"FAILED: {name} is in {path}")
            bad = 1
print(f"{len(paths)} files searched for {len(needles)} secrets")
sys.exit(bad)
PY
