#!/usr/bin/env bash
# The hub's certificate authority, judged by openssl: chains, purposes and name constraints verify; revocation by serial and by name shows in the list
# and in OCSP, with and without nonce; grants bound names wherever a request hides them; the root's key goes offline and comes back; and whatever was handed
# out before a kill -9 is known afterwards.
. "$(dirname "$0")/../lib.sh"
require openssl curl

hub_start
ca=$HUB_DATA/ca.pem
pki=$KEY_VAULT_URL/pki
fetch() { curl -sf --cacert "$ca" "$@"; }
refuses() { # TEXT WORD...
  local text=$1 said
  shift
  said=$(sr "$@" 2>&1) && fail "'$*' was not refused"
  contains "what '$*' says" "$said" "$text"
}
authorities() { # the issuing authority's certificate and list, as PEM
  fetch "$pki/issuing.cer" | openssl x509 -inform DER -out "$WORK/issuing.pem"
  fetch "$pki/issuing.crl" | openssl crl -inform DER -out "$WORK/issuing-crl.pem" 2>/dev/null
  fetch "$pki/root.crl" | openssl crl -inform DER -out "$WORK/root-crl.pem" 2>/dev/null
  cat "$WORK/issuing-crl.pem" "$WORK/root-crl.pem" >"$WORK/crls.pem"
}
verifies() { # DIR [OPTION...]: under the root, with the strictest reading
  local dir=$1
  shift
  openssl verify -x509_strict -CAfile "$ca" -untrusted "$WORK/issuing.pem" "$@" "$dir/cert.pem" 2>&1
}
ocsp() { # DIR [OPTION...]: the state of a certificate, as openssl sees it after checking the signature
  local dir=$1
  shift
  openssl ocsp "$@" -issuer "$WORK/issuing.pem" -cert "$dir/cert.pem" -reqout "$WORK/rq.der" >/dev/null 2>&1
  fetch -H 'Content-Type: application/ocsp-request' --data-binary "@$WORK/rq.der" "$pki/ocsp" >"$WORK/rs.der"
  # -no_nonce: none beyond what the request has, which is compared
  openssl ocsp "$@" -reqin "$WORK/rq.der" -no_nonce -issuer "$WORK/issuing.pem" -cert "$dir/cert.pem" -respin "$WORK/rs.der" \
    -CAfile "$ca" -verify_other "$WORK/issuing.pem" 2>&1
}
serial_of() { openssl x509 -in "$1/cert.pem" -noout -serial | sed 's/serial=//' | tr '[:upper:]' '[:lower:]'; }

note "chains and purposes"
authorities
fetch "$pki/root.cer" | openssl x509 -inform DER | cmp - "$ca" || fail "/pki/root.cer is not the root"
sr ca issue --name web.example --name 10.1.2.3 --out "$WORK/web" >/dev/null
sr ca issue --profile client --subject "CN=alice" --out "$WORK/alice" >/dev/null
sr ca issue --profile vpn --name gw.example --out "$WORK/gw" >/dev/null
sr ca issue --profile workload --name spiffe://example/billing --out "$WORK/billing" >/dev/null
same "mode of a key" 600 "$(stat -c %a "$WORK/web/key.pem")"
contains "a server" "$(verifies "$WORK/web" -purpose sslserver -verify_hostname web.example -crl_check_all -CRLfile "$WORK/crls.pem")" OK
contains "an address" "$(verifies "$WORK/web" -verify_ip 10.1.2.3)" OK
contains "a client" "$(verifies "$WORK/alice" -purpose sslclient)" OK
! verifies "$WORK/alice" -purpose sslserver >/dev/null || fail "a client's certificate is good for a server"
! verifies "$WORK/web" -purpose sslclient >/dev/null || fail "a server's certificate is good for a client"
contains "a gateway" "$(openssl x509 -in "$WORK/gw/cert.pem" -noout -ext extendedKeyUsage)" "1.3.6.1.5.5.8.2.2"
contains "a workload" "$(openssl x509 -in "$WORK/billing/cert.pem" -noout -ext subjectAltName)" "URI:spiffe://example/billing"
openssl x509 -in "$WORK/billing/cert.pem" -noout -checkend 86500 >/dev/null && fail "a workload's certificate lives longer than a day"
openssl x509 -in "$WORK/billing/cert.pem" -noout -checkend 80000 >/dev/null || fail "a workload's certificate ends too early"
contains "the hub's own chain" "$(openssl s_client -connect "localhost:$HUB_PORT" -CAfile "$ca" -verify_return_error -verify_hostname localhost </dev/null 2>&1)" "Verification: OK"
contains "a list's address" "$(openssl x509 -in "$WORK/web/cert.pem" -noout -ext crlDistributionPoints)" "$pki/issuing-1.crl"
contains "where OCSP is" "$(openssl x509 -in "$WORK/web/cert.pem" -noout -ocsp_uri)" "$pki/ocsp"
same "the numbered list is the present one" "$(fetch "$pki/issuing.crl" | sha256sum)" "$(fetch "$pki/issuing-1.crl" | sha256sum)"

note "what is refused whoever asks"
refuses "exactly one URI" ca issue --profile workload --name a.example --out "$WORK/no"
refuses "exactly one URI" ca issue --profile workload --name spiffe://example/a --name spiffe://example/b --out "$WORK/no"
refuses "lives 7 days at most" ca issue --profile workload --name spiffe://example/a --lifetime 30d --out "$WORK/no"
refuses "lives 398 days at most" ca issue --name a.example --lifetime 2y --out "$WORK/no"
openssl req -new -newkey rsa:1024 -nodes -keyout /dev/null -subj /CN=weak.example -out "$WORK/weak.csr" 2>/dev/null
refuses "key size (1024)" ca issue --csr "$WORK/weak.csr"
openssl req -new -newkey rsa:2048 -nodes -keyout "$WORK/rsa.key" -subj /CN=weak.example -sha1 -out "$WORK/weak.csr" 2>/dev/null
refuses "weak hash" ca issue --csr "$WORK/weak.csr"
openssl req -new -key "$WORK/rsa.key" -subj /CN=sub.example -addext basicConstraints=critical,CA:TRUE -out "$WORK/ca.csr"
refuses "issues no authorities" ca issue --csr "$WORK/ca.csr"
openssl req -new -key "$WORK/rsa.key" -subj /CN=rsa.example -addext extendedKeyUsage=OCSPSigning -out "$WORK/rsa.csr"
mkdir "$WORK/rsa"
sr ca issue --csr "$WORK/rsa.csr" >"$WORK/rsa/cert.pem"
contains "a server that names itself in the subject only" "$(verifies "$WORK/rsa" -purpose sslserver -verify_hostname rsa.example)" OK
contains "usages are the profile's" "$(openssl x509 -in "$WORK/rsa/cert.pem" -noout -ext extendedKeyUsage | tail -n 1)" "TLS Web Server Authentication"

note "OCSP"
contains "good, with nonce" "$(ocsp "$WORK/web")" "web/cert.pem: good"
same "the response's signature" "Response verify OK" "$(ocsp "$WORK/web" -no_nonce | head -n 1)"
contains "asked by openssl itself" "$(openssl ocsp -issuer "$WORK/issuing.pem" -cert "$WORK/web/cert.pem" -url "$pki/ocsp" -CAfile "$ca" -verify_other "$WORK/issuing.pem" 2>&1)" "web/cert.pem: good"
contains "good, without nonce" "$(ocsp "$WORK/web" -no_nonce)" "web/cert.pem: good"
contains "by SHA-256" "$(ocsp "$WORK/web" -no_nonce -sha256)" "good"
case $(ocsp "$WORK/web") in *WARNING*) fail "the nonce was not echoed" ;; esac
openssl ocsp -issuer "$WORK/issuing.pem" -serial 0x1234 -no_nonce -reqout "$WORK/rq.der" >/dev/null 2>&1
fetch --data-binary "@$WORK/rq.der" "$pki/ocsp" >"$WORK/rs.der"
contains "unknown" "$(openssl ocsp -issuer "$WORK/issuing.pem" -serial 0x1234 -respin "$WORK/rs.der" -CAfile "$ca" -verify_other "$WORK/issuing.pem" 2>&1)" "0x1234: unknown"
openssl ocsp -issuer "$WORK/issuing.pem" -cert "$WORK/web/cert.pem" -no_nonce -reqout "$WORK/rq.der" >/dev/null 2>&1
escaped=$(python3 -c 'import base64, sys, urllib.parse
print(urllib.parse.quote(base64.b64encode(open(sys.argv[1], "rb").read()).decode(), safe=""))' "$WORK/rq.der")
fetch -D "$WORK/head" "$pki/ocsp/$escaped" >"$WORK/get.der"
contains "by GET" "$(openssl ocsp -respin "$WORK/get.der" -noverify -resp_text)" "Cert Status: good"
contains "its type" "$(cat "$WORK/head")" "Content-Type: application/ocsp-response"
contains "it may be kept" "$(cat "$WORK/head")" "Cache-Control: public, max-age=300"
printf junk | fetch --data-binary @- "$pki/ocsp" >"$WORK/junk.der"
contains "malformed" "$(openssl ocsp -respin "$WORK/junk.der" -noverify 2>&1)" "malformedrequest (1)"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=other -out "$WORK/other.pem" 2>/dev/null
openssl ocsp -issuer "$WORK/other.pem" -serial 1 -reqout "$WORK/rq.der" >/dev/null 2>&1
fetch --data-binary "@$WORK/rq.der" "$pki/ocsp" >"$WORK/rs.der"
contains "another's" "$(openssl ocsp -respin "$WORK/rs.der" -noverify 2>&1)" "unauthorized (6)"

note "revocation"
sr ca issue --name web.example --out "$WORK/web2" >/dev/null
sr ca revoke "$(serial_of "$WORK/gw")" --reason superseded >/dev/null
contains "revoked" "$(ocsp "$WORK/gw" -no_nonce)" "gw/cert.pem: revoked"
contains "its reason" "$(ocsp "$WORK/gw")" "Reason: superseded"
contains "two at once" "$(sr ca revoke --name WEB.example --reason keyCompromise)" "Revoked: 2"
contains "an answer that was kept is not given any more" "$(ocsp "$WORK/web" -no_nonce)" "web/cert.pem: revoked"
contains "the other one, too" "$(ocsp "$WORK/web2" -no_nonce)" "web2/cert.pem: revoked"
authorities
contains "the list's verdict" "$(verifies "$WORK/web2" -crl_check -CRLfile "$WORK/issuing-crl.pem")" "certificate revoked"
contains "and of others" "$(verifies "$WORK/alice" -crl_check -CRLfile "$WORK/issuing-crl.pem")" OK
same "entries of the list" 3 "$(openssl crl -in "$WORK/issuing-crl.pem" -noout -text | grep -c 'Serial Number')"
contains "the list's signature" "$(openssl crl -in "$WORK/issuing-crl.pem" -noout -CAfile "$WORK/issuing.pem" 2>&1)" "verify OK"
refuses "revoked already" ca revoke "$(serial_of "$WORK/web")"
refuses "issued no certificate" ca revoke 00ff
refuses "still good" ca revoke --name web.example
same "what the list of certificates says" "revoked" "$(sr ca list --name gw.example --json | json 'd["value"][0].get("revokedAt") and "revoked"')"

note "grants"
identity app strongroom-certificate-requester
as_app() {
  AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET "$@"
}
as_app refuses "ca allow" ca issue --name app.example --out "$WORK/no"
sr ca allow app --profile server --profile client --name app.example --name '.svc.example' --name '*.app.example' --name 10.1.0.0/16 --name 'spiffe://x/*' >/dev/null
as_app sr ca issue --name app.example --name a.b.svc.example --name '*.app.example' --name www.app.example --name 10.1.9.9 --out "$WORK/app" >/dev/null
as_app sr ca issue --profile client --name spiffe://x/app --out "$WORK/app2" >/dev/null
for name in other.example svc.example '*.svc.example' a.b.app.example app.example.evil.example 10.2.0.1 spiffe://y/app spiffe://x/../y/app root@app.example; do
  as_app refuses "may not have" ca issue --name app.example --name "$name" --out "$WORK/no"
done
as_app refuses "subject 'CN=admin.example'" ca issue --name app.example --subject "CN=admin.example" --out "$WORK/no"
as_app refuses "subject 'CN=10.9.9.9'" ca issue --name app.example --subject "CN=app.example, CN=10.9.9.9" --out "$WORK/no"
as_app refuses "subject 'O=system:masters'" ca issue --name app.example --subject "CN=app.example, O=system:masters" --out "$WORK/no"
openssl req -new -key "$WORK/rsa.key" -subj /CN=app.example -addext subjectAltName=DNS:app.example,DNS:evil.example -out "$WORK/evil.csr"
as_app refuses "evil.example" ca issue --csr "$WORK/evil.csr"
as_app refuses "profile workload" ca issue --profile workload --name spiffe://x/app --out "$WORK/no"
as_app refuses "not authorized" ca revoke "$(serial_of "$WORK/app")"
as_app refuses "not authorized" ca allow app --profile server --name '.example'
sr ca disallow app
as_app refuses "ca allow" ca issue --name app.example --out "$WORK/no"
[ ! -e "$WORK/no" ] || fail "a refused request left files"

note "kill -9 in the middle of issuing"
mkdir "$WORK/many"
for i in 1 2 3 4; do
  (n=0; while sr ca issue --name "k$i-$n.example" --out "$WORK/many/$i-$n" >/dev/null 2>&1; do n=$((n + 1)); done) &
done
sleep 1.5
hub_kill
wait
hub_start
handed=0
for dir in "$WORK"/many/*; do
  [ -s "$dir/cert.pem" ] || continue
  handed=$((handed + 1))
  contains "after the kill" "$(ocsp "$dir" -no_nonce)" "cert.pem: good"
done
[ $handed -gt 4 ] || fail "only $handed certificates were handed out before the kill"
contains "what was revoked stays so" "$(ocsp "$WORK/web" -no_nonce)" "web/cert.pem: revoked"

note "the root's key goes offline"
hub_stop
before=$(openssl x509 -in "$ca" -noout -fingerprint)
key_passphrase=(--key-passphrase-fd 3)
sr ca take-offline --data "$HUB_DATA" --out "$WORK/root.sealed" "${key_passphrase[@]}" 3<<<'correct horse' >/dev/null
same "mode of the sealed key" 600 "$(stat -c %a "$WORK/root.sealed")"
sr ca take-offline --data "$HUB_DATA" --out "$WORK/root2" "${key_passphrase[@]}" 3<<<'correct horse' >/dev/null 2>&1 && fail "it was taken twice"
hub_start
contains "it is gone" "$(sr ca show)" "offline"
sr ca issue --name later.example --out "$WORK/later" >/dev/null
contains "issuing goes on" "$(verifies "$WORK/later")" OK
hub_stop
sr ca renew-issuing --data "$HUB_DATA" >/dev/null 2>&1 && fail "an issuing authority without the root's key"
said=$(sr ca renew-issuing --data "$HUB_DATA" --root-key "$WORK/root.sealed" "${key_passphrase[@]}" 3<<<'wrong horse' 2>&1) && fail "a wrong passphrase"
contains "a wrong passphrase" "$said" "not the passphrase"

note "name constraints"
sr ca renew-issuing --data "$HUB_DATA" --root-key "$WORK/root.sealed" "${key_passphrase[@]}" --permit dns:corp.example --permit ip:10.0.0.0/8 \
  --permit uri:corp.example 3<<<'correct horse' >/dev/null
hub_start
same "the root is what it was" "$before" "$(openssl x509 -in "$ca" -noout -fingerprint)"
cp "$WORK/issuing.pem" "$WORK/first.pem"
authorities
contains "critical constraints" "$(openssl x509 -in "$WORK/issuing.pem" -noout -ext nameConstraints)" "critical"
sr ca issue --name a.corp.example --name 10.9.9.9 --out "$WORK/corp" >/dev/null
sr ca issue --profile workload --name spiffe://corp.example/a --out "$WORK/corp2" >/dev/null
contains "inside" "$(verifies "$WORK/corp" -purpose sslserver -crl_check_all -CRLfile "$WORK/crls.pem")" OK
contains "a workload inside" "$(verifies "$WORK/corp2")" OK
for name in web.example corp.example.evil 11.0.0.1 fd00::1 spiffe://other.example/a a@corp.example; do
  refuses "name constraints" ca issue --name "$name" --out "$WORK/no"
done
refuses "name constraints" ca issue --name a.corp.example --subject CN=evil.example --out "$WORK/no"
contains "the earlier authority still answers" "$(cp "$WORK/first.pem" "$WORK/issuing.pem"; ocsp "$WORK/later")" "later/cert.pem: good"
contains "its list is there" "$(fetch "$pki/issuing-1.crl" | openssl crl -inform DER -noout -nextupdate)" "nextUpdate"

note "the earlier authorities are revoked"
hub_stop
said=$(timeout 20 "$STRONGROOM" vault serve --data "$HUB_DATA" --listen 127.0.0.1:0 --host other.example 2>&1) && fail "the hub serves under a name that it may not have"
contains "what helps" "$said" "ca renew-issuing --permit"
said=$(timeout 20 "$STRONGROOM" vault serve --data "$HUB_DATA" --listen 127.0.0.1:0 --ca-url 'ftp://x y' 2>&1) && fail "an address that is none was taken"
contains "what an address is" "$said" "ca-url takes an address"
sr ca renew-issuing --data "$HUB_DATA" --root-key "$WORK/root.sealed" "${key_passphrase[@]}" --revoke 3<<<'correct horse' >/dev/null
hub_start
cp "$WORK/first.pem" "$WORK/issuing.pem"
fetch "$pki/root.crl" | openssl crl -inform DER -out "$WORK/root-crl.pem"
fetch "$pki/issuing-1.crl" | openssl crl -inform DER >>"$WORK/root-crl.pem"
contains "what they issued" "$(verifies "$WORK/later" -crl_check_all -CRLfile "$WORK/root-crl.pem")" "certificate revoked"
authorities
contains "the hub has a new certificate" "$(openssl verify -crl_check_all -CRLfile "$WORK/crls.pem" -CAfile "$ca" -untrusted "$WORK/issuing.pem" "$HUB_DATA/tls/server.pem" 2>&1)" OK
contains "constraints stay" "$(openssl x509 -in "$WORK/issuing.pem" -noout -ext nameConstraints)" "corp.example"
hub_stop
sr audit verify --data "$HUB_DATA" >/dev/null || fail "the audit log"
