#!/usr/bin/env bash
# `strongroom cert issue`: enrols with the hub's authority, writes files that servers and clients take, follows renewals by the vault (with a moved clock)
# and asks for them where the vault does not, tells the hook of each, and leaves a matching pair whenever and however it is ended.
. "$(dirname "$0")/../lib.sh"
require openssl curl strace python3
HUB_PORT=$(free_port)
hub_start
cd "$WORK"

field() { sed -n "s/^$1: *//p"; }
# until WHAT COMMAND...: within some seconds it succeeds.
until_() {
  local what=$1 deadline=$((SECONDS + 20))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "$what: $(cat renew.log)"
    sleep 0.1
  done
}
ends() { # STATUS TEXT WORD...
  local expected=$1 text=$2 status=0 said
  shift 2
  said=$(sr cert issue "$@" 2>&1 >/dev/null) || status=$?
  same "status of '$*' ($said)" "$expected" "$status"
  contains "what '$*' says" "$said" "$text"
}
whole() { # DIR: five files, one pair
  same "files in $1" "ca.pem cert.pem chain.pem fullchain.pem key.pem" "$(cd "$1" && cat ca.pem cert.pem chain.pem fullchain.pem key.pem >/dev/null && echo *.pem)"
  same "the pair in $1" "$(openssl x509 -in "$1/fullchain.pem" -noout -pubkey)" "$(openssl pkey -in "$1/key.pem" -pubout)"
  cmp "$1/cert.pem" <(openssl x509 -in "$1/fullchain.pem")
}
live() { readlink "$1/live" | sed 's/^.versions\///; s/-.*//'; }
is_live() { [ "$(live "$1")" = "$2" ]; }
is_not_live() { [ "$(live "$1")" != "$2" ]; }

# The first time, and the second.
made=$(sr cert issue web --out tls --dns localhost --ip 127.0.0.1 --uri spiffe://example/web --months 3)
first=$(field Version <<<"$made")
same "written" written "$(field Files <<<"$made")"
whole tls
same "modes" "600 644 644 644 644 755" "$(stat -Lc %a tls/key.pem tls/cert.pem tls/chain.pem tls/fullchain.pem tls/ca.pem tls | xargs)"
openssl verify -CAfile tls/ca.pem -untrusted tls/chain.pem -verify_ip 127.0.0.1 tls/cert.pem >/dev/null
contains "a URI" "$(openssl x509 -in tls/cert.pem -noout -ext subjectAltName)" URI:spiffe://example/web
contains "the key" "$(openssl pkey -in tls/key.pem -noout -text)" prime256v1
contains "renewed by the vault" "$(sr cert policy web | field Action)" AutoRenew
same "nothing new" '{"name":"web","changed":false}' \
  "$(sr cert issue web --out tls --json | json '"{\"name\":\"%s\",\"changed\":%s}" % (d["name"], str(d["changed"]).lower())')"
same "one version" "$first" "$(live tls)"

# A server that serves them, a client that trusts them.
port=$(free_port)
openssl s_server -accept "127.0.0.1:$port" -cert tls/cert.pem -cert_chain tls/chain.pem -key tls/key.pem -www >/dev/null 2>&1 &
server=$!
served() { curl -s --max-time 5 --cacert tls/ca.pem -o /dev/null "https://localhost:$port/"; }
until_ "a client connects" served
kill $server

# What is not ours stays; what is wrong is said.
mkdir foreign && echo mine >foreign/key.pem
ends 5 "is not ours" web --out foreign
same "left alone" mine "$(cat foreign/key.pem)"
ends 2 "say what it is for" new --out new
ends 2 "--out DIR is missing" web
ends 2 "cannot run" web --out tls --hook "$WORK/nowhere"
ends 2 "may be run" web --out tls --hook "$WORK"
ends 2 "--interval is for --renew" web --out tls --interval 5
ends 5 "not for other.example" web --out tls --dns other.example
ends 1 "nowhere/tls" web --out nowhere/tls
ends 1 "invalid name" ../web --out tls2 --dns a
identity plain reader
AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET ends 4 secrets-user web --out plain

# Who may read a certificate with its key has the files of one that is there.
identity machine certificate-user /certificates/web
sr role assign certificate-user --to machine --scope /secrets/web >/dev/null
AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET sr cert issue web --out machine >/dev/null
whole machine

# Whoever may have a name gets its certificate with these rights, and no other.
identity node certificates-officer /certificates/node
sr role assign secrets-user --to node --scope /secrets/node >/dev/null
sr role assign strongroom-certificate-requester --to node >/dev/null
sr ca allow node --profile server --name node.example >/dev/null
as_node() { AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET "$@"; }
as_node ends 4 other.example node --out node --dns other.example
as_node ends 4 "not authorized" web2 --out node --dns node.example
as_node sr cert issue node --out node --dns node.example >/dev/null
whole node
openssl verify -CAfile node/ca.pem -untrusted node/chain.pem -verify_hostname node.example node/cert.pem >/dev/null

rm tls/live/key.pem
same "what is damaged is written again" written "$(sr cert issue web --out tls | field Files)"
whole tls
if mkdir small && mount -t tmpfs -o size=64k,mode=0755 tmpfs small 2>/dev/null; then
  (
    trap 'umount -l "$WORK/small"' EXIT
    sr cert issue web --out small/tls >/dev/null
    sr cert create web >/dev/null
    dd if=/dev/zero of=small/filler bs=4k 2>/dev/null || true
    ends 1 "No space left" web --out small/tls
    whole small/tls
    same "the old files" "$first" "$(live small/tls)"
    rm small/filler
    sr cert issue web --out small/tls >/dev/null
    is_not_live small/tls "$first" || fail "there is room again"
    same "no remains" 2 "$(find small/tls/.versions -mindepth 1 -maxdepth 1 | wc -l)"
  )
fi

# Killed at each of its steps: a pair is there, and the next run goes on.
killed_at() { # SYSCALL:N
  sr cert create web >/dev/null
  if { strace -f -qq -o strace.log -e "trace=${1%:*}" -e "inject=${1%:*}:signal=KILL:when=${1#*:}" "$STRONGROOM" cert issue web --out tls; } >/dev/null 2>&1; then
    note "$1 is not a step"
  else
    kills=$((kills + 1))
  fi
  whole tls
  sr cert issue web --out tls >/dev/null
  whole tls
}
sr cert issue web --out tls >/dev/null
kills=0
if strace -qq -o /dev/null true 2>/dev/null; then
  for step in mkdirat:1 fsync:1 fsync:3 fsync:5 fsync:6 fsync:7 symlinkat:1 renameat:1 unlinkat:2 fsync:8; do killed_at $step; done
  [ $kills -ge 9 ] || fail "only $kills of the kills hit"
else
  note "no system calls can be watched here: nothing was killed"
fi

# Goes on: the vault renews, the hook is told, until it ends well.
cat >hook <<'SH'
#!/bin/sh
echo "$STRONGROOM_CERT_NAME $STRONGROOM_CERT_DIR $(openssl x509 -in "$STRONGROOM_CERT_DIR/cert.pem" -noout -serial)" >>"$STRONGROOM_CERT_DIR/../told"
env >"$STRONGROOM_CERT_DIR/../hook.env"
[ -e "$STRONGROOM_CERT_DIR/../ready" ]
SH
chmod +x hook
sr cert issue web --out tls >/dev/null
was=$(live tls)
"$STRONGROOM" cert issue web --out tls --renew --interval 1 --hook "$WORK/hook" >renew.log 2>&1 &
renewing=$!
until_ "the hook's failure is told" grep -q "ended with status 1" renew.log
ends 5 "another 'strongroom cert issue'" web --out tls
touch ready
until_ "the hook ends well" grep -q "all is well again" renew.log
calls=$(wc -l <told)
contains "what the hook is told" "$(cat told)" "web $WORK/tls serial="
if grep -q "AZURE\|KEY_VAULT" hook.env; then fail "the hook has our credentials"; fi
hub_stop
until_ "the outage is told" grep -q "No answer" renew.log
hub_start --test-clock-shift $((80 * 86400))
until_ "the renewed version" is_not_live tls "$was"
well() { [ "$(grep -c 'all is well again' renew.log)" -ge 2 ]; }
until_ "the end of the outage is told" well
told() { [ "$(wc -l <told)" -gt "$calls" ]; }
until_ "the hook is told" told
same "an outage is told once" 1 "$(grep -c 'No answer' renew.log)"
whole tls
openssl verify -CAfile tls/ca.pem -untrusted tls/chain.pem -attime $(($(date +%s) + 80 * 86400)) tls/cert.pem >/dev/null
kill -TERM $renewing
wait $renewing || fail "it ended with status $?"
same "told once for a version" $((calls + 1)) "$(wc -l <told)"
hub_stop
hub_start

# Without renewal by the vault: it asks for a version when 80 % of the life are over, once.
python3 - <<'PY'
import datetime
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old")])
begin = datetime.datetime.utcnow() - datetime.timedelta(days=90)
made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=100))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("old.example")]), False).sign(key, hashes.SHA256()))
with open("old.pem", "wb") as f:
    f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    f.write(made.public_bytes(serialization.Encoding.PEM))
PY
old=$(sr cert import old old.pem | field Version)
ends 5 "its issuer is not the vault" old --out old
is_live old "$old" || fail "its files are written all the same"
sr cert policy old --issuer Self --no-renew >/dev/null
sr cert issue old --out old >/dev/null
is_not_live old "$old" || fail "no new version was asked for"
whole old
openssl verify -CAfile old/ca.pem old/cert.pem >/dev/null
again=$(live old)
sr cert issue old --out old >/dev/null
is_live old "$again" || fail "a version was asked for without need"
hub_stop
