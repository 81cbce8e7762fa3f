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
is_said(r"Session renegotiation not supported|Secure session renegotiation supported" if oldest == "1.2" else r"renegotiation")
is_said(r"Compression disabled")
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
for bad in ("vulnerable to heartbleed",):
    assert not re.search(r"^TLSv\S+ " + bad, text, re.M), bad
print("# %s: %s; groups %s" % (name, ", ".join("%s %s" % (v, s) for v, _, s in suites), ", ".join(g for _, g in groups) or "not shown"), file=sys.stderr)
PY
}
scan new "127.0.0.1:$(proxy_port new)" 1.3
scan old "127.0.0.1:$(proxy_port old)" 1.2
scan hub "127.0.0.1:$HUB_PORT" 1.2
proxy_stop old
proxy_stop new
