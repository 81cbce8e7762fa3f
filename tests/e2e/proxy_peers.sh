#!/usr/bin/env bash
# Who is refused, on both sides, and the access log's word for it: expired, revoked, of another authority, for another use, of another name, without a
# certificate, with an old version, in plain text; and who is let in: by name, below a name, by SPIFFE ID, by an attribute of the subject.
. "$(dirname "$0")/../proxy.sh"
hub_start
python3 "$ROOT/tests/echo_service.py" "$WORK/echo.sock" &
CHILDREN+=($!)
eventually "the service" test -S "$WORK/echo.sock"
proxy_start web --listen 127.0.0.1:0 --to "$WORK/echo.sock" --name web.example --allow a.example --allow .svc.example --allow 'spiffe://example/team/*' \
  --allow OU=billing --allow 10.1.0.0/16
port=$(proxy_port web)
proxy_start old --listen 127.0.0.1:0 --to "$WORK/echo.sock" --name web.example --allow a.example --tls 1.2

shows() { # NAME: connects with that certificate
  tls_client "$port" as "$1" -servername web.example "${@:2}"
}
# What is refused has reached the service by no byte, and what passes comes back.
speaks() { # PORT NAME
  python3 - "$1" "$WORK/$2" "$SSL_CERT_FILE" <<'PY'
import socket, ssl, sys
c = ssl.create_default_context(cafile=sys.argv[3])
c.load_cert_chain(sys.argv[2] + "/cert.pem", sys.argv[2] + "/key.pem")
try:
    s = c.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30), server_hostname="web.example")
    s.sendall(b"hello")
    got = s.recv(5)
    s.unwrap()
    sys.exit(got != b"hello")
except (ssl.SSLError, OSError):
    sys.exit(1)
PY
}
enters() { # IDENTITY NAME
  speaks "$port" "$2" || fail "$2 was not let in"
  ended web "d['end'] == 'done' and d['identity'] == '$1' and d['received'] == 5 and d['sent'] == 5"
}
refused() { # EXPRESSION NAME
  ! speaks "$port" "$2" || fail "$2 was let in"
  ended web "$1"
}

note "who is let in"
peer a --profile client --name a.example
peer svc --profile client --name deep.below.svc.example
peer team --profile workload --name spiffe://example/team/one
peer billing --profile client --subject "CN=clerk, OU=billing"
peer address --profile client --name 10.1.2.3
enters a.example a
enters deep.below.svc.example svc
enters spiffe://example/team/one team
enters OU=billing billing
enters 10.1.2.3 address

note "good certificates that are not on the list"
peer b --profile client --name b.example
peer c --profile client --name svc.example
peer d --profile workload --name spiffe://example/teams
peer e --profile client --subject "CN=clerk, OU=billing department"
peer f --profile client --subject "CN=a.example"
for name in b c d e; do refused 'd["end"] == "denied"' $name; done
refused 'd["end"] == "denied"' f # a common name is no name
contains "who it was" "$(tail -n 1 "$WORK/web.access")" "a.example"

note "bad certificates"
peer expired --profile client --name a.example --lifetime 3s
peer purpose --profile server --name a.example
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/rogue.key" -out "$WORK/rogue.pem" -days 2 -subj "/CN=rogue" 2>/dev/null
rogue() { # NAME SAN EKU
  mkdir "$WORK/$1"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/$1/key.pem" -subj "/CN=$1" -out "$WORK/$1/csr" 2>/dev/null
  openssl x509 -req -in "$WORK/$1/csr" -CA "$WORK/rogue.pem" -CAkey "$WORK/rogue.key" -days 2 -out "$WORK/$1/cert.pem" \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$2" "$3") 2>/dev/null
}
rogue another DNS:a.example clientAuth
refused 'd.get("failure") == "untrusted"' another
refused 'd.get("failure") == "purpose"' purpose
peer revoked --profile client --name a.example --subject CN=revoked
speaks "$port" revoked || fail "it was not let in before"
sr ca revoke "$(openssl x509 -in "$WORK/revoked/cert.pem" -noout -serial | sed 's/serial=//' | tr '[:upper:]' '[:lower:]')" >/dev/null
kill -HUP "${PROXIES[web]}"
stays_outside() { ! speaks "$port" "$1"; }
eventually "the revocation" stays_outside revoked
ended web 'd.get("failure") == "revoked"'
until ! openssl x509 -in "$WORK/expired/cert.pem" -noout -checkend 0 >/dev/null; do sleep 0.2; done
refused 'd.get("failure") == "expired"' expired
enters a.example a

note "no certificate, old versions, plain text"
tls_client "$port" -servername web.example >/dev/null
ended web 'd.get("failure") == "no_certificate"'
shows a -tls1_2 >/dev/null
ended web 'd.get("failure") == "version"'
shows a -tls1_1 -cipher DEFAULT@SECLEVEL=0 >/dev/null
ended web 'd.get("failure") == "version"'
curl -s --max-time 20 "http://127.0.0.1:$port/" >/dev/null && fail "plain text was answered"
ended web 'd.get("failure") == "not_tls"'
(exec 3<>"/dev/tcp/127.0.0.1/$port")
ended web 'd.get("failure") == "closed"'

note "TLS 1.2, where it was asked for"
old=$(proxy_port old)
said=$(tls_client "$old" as a -servername web.example -tls1_2)
contains "its version" "$said" "Protocol  : TLSv1.2"
ended old 'd["end"] == "done" and d["tls"] == "TLSv1.2"'
tls_client "$old" as a -tls1_1 -cipher DEFAULT@SECLEVEL=0 >/dev/null
ended old 'd.get("failure") == "version"'
said=$( (echo R; sleep 1; echo still there) | timeout 20 openssl s_client -connect "127.0.0.1:$old" -servername web.example -CAfile "$SSL_CERT_FILE" -tls1_2 \
  -cert "$WORK/a/cert.pem" -cert_chain "$WORK/a/cert.pem" -key "$WORK/a/key.pem" 2>&1) || true
contains "renegotiation" "$said" "RENEGOTIATING"
case $said in *"verify return"*RENEGOTIATING*"verify return"*) fail "it renegotiated" ;; esac

note "client proxies: whom they refuse"
near() { # NAME OPTION...
  local name=$1
  shift
  proxy_start "$name" --mode client --listen 127.0.0.1:0 --name spiffe://example/team/near "$@"
}
says() { # NAME: a text through it, back
  (exec 3<>"/dev/tcp/127.0.0.1/$(proxy_port "$1")" && echo hello >&3 && timeout 20 head -n 1 <&3) 2>/dev/null || true
}
near good --to "localhost:$port" --server-name web.example
same "through both" hello "$(says good)"
ended good 'd["end"] == "done" and d["identity"] == "web.example"'
near other --to "localhost:$port" --server-name other.example
same "another name" "" "$(says other)"
ended other 'd.get("failure") == "wrong_name"'
near workload --to "localhost:$port" --server-name spiffe://example/team/web
same "a SPIFFE ID that it has not" "" "$(says workload)"
ended workload 'd["end"] == "denied"'
rogue thief DNS:web.example serverAuth
peer client.purpose --profile client --name web.example
peer aged --name web.example --lifetime 3s
for row in thief:untrusted client.purpose:purpose aged:expired; do
  at=$(free_port)
  [ ${row%%:*} != aged ] || until ! openssl x509 -in "$WORK/aged/cert.pem" -noout -checkend 0 >/dev/null; do sleep 0.2; done
  openssl s_server -accept "127.0.0.1:$at" -cert "$WORK/${row%%:*}/cert.pem" -cert_chain "$WORK/${row%%:*}/cert.pem" -key "$WORK/${row%%:*}/key.pem" -www \
    >/dev/null 2>&1 </dev/null &
  CHILDREN+=($!)
  eventually "the server ${row%%:*}" bash -c "exec 3<>/dev/tcp/127.0.0.1/$at" 2>/dev/null
  near "${row%%:*}.near" --to "localhost:$at" --server-name web.example
  same "a server that is ${row##*:}" "" "$(says "${row%%:*}.near")"
  ended "${row%%:*}.near" "d.get('failure') == '${row##*:}'"
done
proxy_start identified --listen 127.0.0.1:0 --to "$WORK/echo.sock" --name spiffe://example/team/web --allow-any
near known --to "localhost:$(proxy_port identified)" --server-name spiffe://example/team/web
same "a SPIFFE ID that it has" hello "$(says known)"
ended known 'd["end"] == "done" and d["identity"] == "spiffe://example/team/web"'
proxy_stop known
proxy_stop web
