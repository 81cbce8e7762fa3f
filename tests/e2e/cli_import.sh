#!/usr/bin/env bash
# Keys that exist are imported from PEM in its forms and from JWKs; what is no key, or none that fits together, is refused; no key's text shows anywhere.
. "$(dirname "$0")/../lib.sh"
require openssl
hub_start

# The public part that the vault shows is the file's.
imports() { # NAME FILE CURVE
  sr key import "$1" --in "$2" --json >"$WORK/shown"
  same "curve of $1" "$3" "$(json 'd["key"]["crv"]' <"$WORK/shown")"
  same "point of $1" "$(openssl pkey -in "$2" -pubout -outform DER 2>/dev/null | tail -c 16 | xxd -p)" \
    "$(python3 -c 'import base64, json, sys; y = json.load(sys.stdin)["key"]["y"]; print(base64.urlsafe_b64decode(y + "==")[-16:].hex())' <"$WORK/shown")"
}
require xxd
for curve in prime256v1:P-256 secp384r1:P-384 secp521r1:P-521 secp256k1:P-256K; do
  openssl ecparam -name "${curve%:*}" -genkey -noout -out "$WORK/ec.pem"
  openssl pkcs8 -topk8 -nocrypt -in "$WORK/ec.pem" -out "$WORK/ec.p8"
  imports "sec1-${curve#*:}" "$WORK/ec.pem" "${curve#*:}"
  imports "pkcs8-${curve#*:}" "$WORK/ec.p8" "${curve#*:}"
done

openssl genrsa -traditional -out "$WORK/rsa.pem" 2048 2>/dev/null
contains "PKCS#1" "$(head -n 1 "$WORK/rsa.pem")" "BEGIN RSA PRIVATE KEY"
sr key import rsa --hsm --ops sign,verify --in "$WORK/rsa.pem" --json >"$WORK/shown"
same "kind and operations" "RSA-HSM sign verify" "$(json '" ".join([d["key"]["kty"]] + d["key"]["key_ops"])' <"$WORK/shown")"
same "modulus" "$(openssl rsa -in "$WORK/rsa.pem" -noout -modulus | sed 's/.*=//')" \
  "$(python3 -c 'import base64, json, sys; n = json.load(sys.stdin)["key"]["n"]; print(base64.urlsafe_b64decode(n + "==").hex().upper())' <"$WORK/shown")"

printf '{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw"}' | sr key import aes --tag from=jwk >/dev/null
# RFC 3394, 4.1: the key 000102..0F wraps 00112233..FF to these bytes.
printf '\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff' >"$WORK/plain"
same "the key is the one given" 1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5 \
  "$(sr key wrap aes --alg A128KW --in "$WORK/plain" 2>/dev/null | xxd -p -c 48)"

refused() { # WHAT STATUS, the text on stdin
  local status=0
  sr key import bad >/dev/null 2>&1 || status=$?
  same "$1" "$2" "$status"
}
refused "no key at all" 2 <<<"hello"
refused "nothing" 2 </dev/null
refused "a half JWK" 2 <<<'{"kty":"oct"'
refused "a JWK without private part" 1 <<<'{"kty":"RSA","n":"AQAB","e":"AQAB"}'
refused "a key of 1024 bits" 2 < <(openssl genrsa 1024 2>/dev/null)
refused "a key of another kind" 2 < <(openssl genpkey -algorithm ED25519)
refused "a public key" 2 < <(openssl pkey -in "$WORK/rsa.pem" -pubout)
head -c 900 "$WORK/rsa.pem" | refused "a cut-off key" 2
hub_stop
! grep -rqF "$(sed -n 3p "$WORK/rsa.pem")" "$HUB_DATA" "$WORK/hub.log" || fail "the key is in the open"
