#!/usr/bin/env bash
# nginx behind the proxy, which sends names (SNI) to two servers, agrees on application protocols, tells nginx who came by the PROXY protocol, and
# believes a balancer that says so; large files come whole, and hundreds of requests a second without a failed one.
. "$(dirname "$0")/../proxy.sh"
require nginx wrk
mkdir "$WORK/www"
head -c 100000000 /dev/urandom >"$WORK/www/large"
cat >"$WORK/nginx.conf" <<CONF
user root;
daemon off;
worker_processes 1;
pid $WORK/nginx.pid;
error_log $WORK/nginx.log;
events { worker_connections 512; }
http {
  access_log off;
  client_max_body_size 0;
  server { listen unix:$WORK/a.sock; root $WORK/www; location = / { return 200 "server a\n"; } location = /up { proxy_pass http://unix:$WORK/sink.sock; } }
  server { listen unix:$WORK/b.sock proxy_protocol; location / { return 200 "server b for \$proxy_protocol_addr:\$proxy_protocol_port\n"; } }
  server { listen unix:$WORK/h2.sock http2; location / { return 200 "server h2\n"; } }
  server { listen unix:$WORK/sink.sock; location / { return 200 "taken\n"; } }
}
CONF
nginx -c "$WORK/nginx.conf" -e "$WORK/nginx.log" >"$WORK/nginx.out" 2>&1 &
nginx=$!
CHILDREN+=("$nginx")
eventually "nginx" test -S "$WORK/sink.sock"

hub_start
names=(--name a.example --name b.example --name x.y.example)
proxy_start web --listen 127.0.0.1:0 --route "a.example=$WORK/a.sock" --route ".y.example=$WORK/a.sock" "${names[@]}" --allow .client.example \
  --alpn http/1.1
proxy_start told --listen 127.0.0.1:0 --to "$WORK/b.sock" --name b.example --allow-any --proxy-protocol --proxy-protocol-from 127.0.0.9/32
proxy_start h2 --listen 127.0.0.1:0 --to "$WORK/h2.sock" --name a.example --allow-any --alpn h2
peer one --profile client --name one.client.example
ask() { # PROXY HOST PATH [OPTION...]
  local port
  port=$(proxy_port "$1")
  curl -sS --max-time 40 --cacert "$SSL_CERT_FILE" --cert "$WORK/one/cert.pem" --key "$WORK/one/key.pem" --connect-to "$2:443:127.0.0.1:$port" \
    "https://$2$3" "${@:4}"
}

note "names"
same "a route" "server a" "$(ask web a.example /)"
ended web 'd["end"] == "done" and d["sni"] == "a.example" and d["identity"] == "one.client.example"'
same "a route of all below a name" "server a" "$(ask web x.y.example /)"
said=$(ask web b.example / 2>&1) && fail "a name without a route was served"
contains "what curl says" "$said" "unrecognized name"
ended web 'd["end"] == "name"'
tls_client "$(proxy_port web)" as one -noservername >/dev/null
ended web 'd["end"] == "name"'

note "application protocols"
same "agreed on" "1.1" "$(ask web a.example / --http2 -o /dev/null -w '%{http_version}')"
ended web 'd["alpn"] == "http/1.1"'
same "HTTP/2" "server h2" "$(ask h2 a.example / --http2)"
ended h2 'd["alpn"] == "h2"'
contains "none in common" "$(tls_client "$(proxy_port h2)" as one -alpn http/1.1)" "no application protocol"
ended h2 'd.get("failure") == "protocol"'

note "large files"
same "down" "$(sha256sum <"$WORK/www/large")" "$(ask web a.example /large | sha256sum)"
same "up" "taken" "$(ask web a.example /up --data-binary "@$WORK/www/large" -H 'Expect:')"
ended web 'd["received"] > 100000000'

note "who came"
contains "the PROXY protocol, to nginx" "$(ask told b.example /)" "server b for 127.0.0.1:"
python3 - "$(proxy_port told)" "$WORK/one" "$SSL_CERT_FILE" <<'PY' || fail "a balancer is not believed"
import socket, ssl, struct, sys
port, own, ca = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def ask(source, header):
    s = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
    s.sendall(header)
    c = ssl.create_default_context(cafile=ca)
    c.load_cert_chain(own + "/cert.pem", own + "/key.pem")
    t = c.wrap_socket(s, server_hostname="b.example")
    t.sendall(b"GET / HTTP/1.0\r\nHost: b.example\r\n\r\n")
    answer = b""
    while data := t.recv(65536):
        answer += data
    return answer.decode()
addresses = socket.inet_aton("192.0.2.77") + socket.inet_aton("127.0.0.1") + struct.pack(">HH", 4711, port)
header = b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11]) + struct.pack(">H", len(addresses)) + addresses
assert "server b for 192.0.2.77:4711" in ask("127.0.0.9", header)
for source, lead in (("127.0.0.9", b""), ("127.0.0.1", header)):
    try:
        ask(source, lead)
        sys.exit("a connection from %s with %d bytes of a header was let in" % (source, len(lead)))
    except (ssl.SSLError, OSError):
        pass
PY
ended told 'd["from"] == "192.0.2.77:4711"'
ended told 'd["end"] == "header"'
ended told 'd.get("failure") == "not_tls" and d["from"].startswith("127.0.0.1:")'

note "many"
proxy_start near --mode client --listen 127.0.0.1:0 --to "127.0.0.1:$(proxy_port web)" --server-name a.example --name two.client.example --alpn http/1.1
wrk -t 2 -c 64 -d 3 "http://127.0.0.1:$(proxy_port near)/" >"$WORK/wrk" || fail "$(cat "$WORK/wrk")"
grep -E 'Socket errors|Non-2xx' "$WORK/wrk" && fail "requests failed: $(cat "$WORK/wrk")"
note "$(grep Requests/sec "$WORK/wrk") through two proxies"
wrk -t 2 -c 16 -d 2 -H 'Connection: close' "http://127.0.0.1:$(proxy_port near)/" >"$WORK/wrk" || fail "$(cat "$WORK/wrk")"
grep -E 'connect [1-9]|timeout [1-9]|Non-2xx' "$WORK/wrk" && fail "requests failed: $(cat "$WORK/wrk")"
note "$(grep Requests/sec "$WORK/wrk") with a connection each"
kill -QUIT $nginx
wait $nginx || true
for name in near h2 told web; do proxy_stop $name; done
