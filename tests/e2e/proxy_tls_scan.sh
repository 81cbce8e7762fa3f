#!/usr/bin/env bash
# What a scanner finds at the proxy's and the hub's listeners: nothing below TLS 1.2, no suite without forward secrecy and AEAD, no weak group, no
# compression, no renegotiation.
. "$(dirname "$0")/../proxy.sh"
require sslscan
hub_start
python3 "$ROOT/tests/echo_service.py" "$WORK/echo.sock" &
CHILDREN+=($!)
eventually "the service" test -S "$WORK/echo.sock"
proxy_start new --listen 127.0.0.1:0 --to "$WORK/echo.sock" --name web.example --allow-any
proxy_start old --listen 127.0.0.1:0 --to "$WORK/echo.sock" --name web.example --allow-any --tls 1.2
peer scanner --profile client --name scanner.example

scan() { # NAME ADDRESS OLDEST
  sslscan --no-colour --show-sigs --certs="$WORK/scanner/cert.pem" --pk="$WORK/scanner/key.pem" --sni-name=web.example "$2" >"$WORK/$1.scan" 2>&1 ||
    fail "sslscan: $(cat "$WORK/$1.scan")"
  python3 - "$1" "$WORK/$1.scan" "$3" <<'PY' || fail "$(cat "$WORK/$1.scan")"
import re, sys
name, path, oldest = sys.argv[1:]
text = open(path).read()
def is_said(pattern):
    assert re.search(pattern, text, re.M), "%s: '%s' is not said" % (name, pattern)
for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1") + (() if oldest == "1.2" else ("TLSv1.2",)):
    is_said(r"^%s\s+disabled" % re.escape(version))
is_said(r"^TLSv1.3\s+enabled")
if oldest == "1.2":
    is_said(r"^TLSv1.2\s+enabled")
is_said(r"^Session renegotiation not supported")
is_said(r"^TLSv1.3 not vulnerable to heartbleed")
suites = re.findall(r"^(?:Preferred|Accepted)\s+(TLSv[\d.]+)\s+(\d+) bits\s+(\S+)", text, re.M)
assert suites, name + ": no suite was found"
for version, bits, suite in suites:
    assert int(bits) >= 128, suite
    assert version in ("TLSv1.3", "TLSv" + oldest), version
    if version == "TLSv1.2":
        assert suite.startswith("ECDHE-") and re.search("GCM|CHACHA20", suite), suite
groups = re.findall(r"^TLSv1\.\d\s+(\d+) bits\s+(\S+)", text[text.find("Key Exchange Group"):].split("Signature")[0], re.M)
for bits, group in groups:
    assert int(bits) >= 112, group
assert groups, name + ": no group was found"
signatures = re.findall(r"^TLSv1\.\d\s+(\S+)$", text[text.find("Signature Algorithm(s)"):].split("SSL Certificate")[0], re.M)
for signature in signatures:
    assert not re.search("sha1|md5|dsa_sha", signature), signature
print("# %s: %s; groups %s" % (name, ", ".join("%s %s" % (v, s) for v, _, s in suites), ", ".join(g for _, g in groups) or "not shown"), file=sys.stderr)
PY
}
uncompressed() { # PORT OPTION...
  contains "compression" "$(tls_client "$1" as scanner -comp "${@:2}")" "Compression: NONE"
}
# The scanner shows its certificate without its issuer's, which ends the older handshake: each suite that OpenSSL knows is tried here.
suites12() { # PORT
  local suite
  for suite in $(openssl ciphers -tls1_2 -s 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' | tr : ' '); do
    case $(tls_client "$1" as scanner -tls1_2 -cipher "$suite:@SECLEVEL=0") in *"Cipher is $suite"*) echo "$suite" ;; esac
  done
}
scan new "127.0.0.1:$(proxy_port new)" 1.3
scan old "127.0.0.1:$(proxy_port old)" 1.2
scan hub "127.0.0.1:$HUB_PORT" 1.2
uncompressed "$(proxy_port old)" -tls1_2
accepted=$(suites12 "$(proxy_port old)")
note "old: TLSv1.2" "$(tr '\n' ' ' <<<"$accepted")"
for suite in $accepted; do
  case $suite in ECDHE-*GCM* | ECDHE-*CHACHA20*) ;; *) fail "the proxy takes $suite" ;; esac
done
contains "the older version's suites" "$accepted" ECDHE-ECDSA-AES128-GCM-SHA256
uncompressed "$HUB_PORT" -tls1_2
proxy_stop old
proxy_stop new
