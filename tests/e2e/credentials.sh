#!/usr/bin/env bash
# Each kind of credential gets an application in, and no other: a secret, a secret in a file, an assertion that somebody else signs, a certificate, a
# managed identity in both forms; a token is asked for in the clear on this machine only.
. "$(dirname "$0")/../lib.sh"
require openssl python3
hub_start
sr secret set greeting <<<hello >/dev/null
sr identity create app --secret --out "$WORK/app.env" >/dev/null
sr role assign secrets-user --to app --scope /secrets/greeting >/dev/null

# Nothing of the owner's is left but where the hub is.
secret=$(sed -n "s/^export AZURE_CLIENT_SECRET='\(.*\)'$/\1/p" "$WORK/app.env")
client_id=$(sed -n "s/^export AZURE_CLIENT_ID='\(.*\)'$/\1/p" "$WORK/app.env")
unset AZURE_CLIENT_SECRET AZURE_CLIENT_ID
as() { # [NAME=VALUE]... : what the application then reads, or the exit code
  local status=0 said
  said=$(env "$@" "$STRONGROOM" secret show greeting --value 2>"$WORK/stderr") || status=$?
  [ $status -eq 0 ] && echo "$said" || echo "exit $status"
}
me=AZURE_CLIENT_ID=$client_id

same "no credential" "exit 1" "$(as "$me")"
contains "what is missing" "$(cat "$WORK/stderr")" "no credentials"
same "a secret" hello "$(as "$me" AZURE_CLIENT_SECRET="$secret")"
same "a wrong secret" "exit 4" "$(as "$me" AZURE_CLIENT_SECRET=x)"

note "a secret in a file, as systemd's credentials are"
printf '%s\n' "$secret" >"$WORK/secret"
same "a secret in a file" hello "$(as "$me" AZURE_CLIENT_SECRET_FILE="$WORK/secret")"
same "no such file" "exit 1" "$(as "$me" AZURE_CLIENT_SECRET_FILE="$WORK/nothing")"
contains "which file" "$(cat "$WORK/stderr")" "$WORK/nothing"
mkdir "$WORK/dir"
sed "/SECRET/d" "$HUB_DATA/env" >"$WORK/dir/env"
printf "export AZURE_CLIENT_ID='%s'\nexport AZURE_CLIENT_SECRET_FILE='%s'\n" "$client_id" "$WORK/secret" >>"$WORK/dir/env"
same "a directory's file" hello "$(env -i "$STRONGROOM" secret show greeting --value --data "$WORK/dir")"

note "an assertion that somebody else signs"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key.pem" -out "$WORK/cert.pem" -subj /CN=app -days 30 2>/dev/null
sr_as_owner() { (
  # shellcheck disable=SC1091
  . "$HUB_DATA/env"
  sr "$@"
); }
sr_as_owner identity add-certificate app "$WORK/cert.pem" >/dev/null
cat "$WORK/key.pem" "$WORK/cert.pem" >"$WORK/both.pem"
assertion() { # AUDIENCE
  python3 - "$WORK" "$client_id" "$1" <<'END'
import base64, hashlib, json, os, subprocess, sys, time
work, client, audience = sys.argv[1:]
b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
der = subprocess.run(["openssl", "x509", "-in", work + "/cert.pem", "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout
header = {"alg": "PS256", "typ": "JWT", "x5t#S256": b64(hashlib.sha256(der).digest())}
now = int(time.time())
claims = {"aud": audience, "iss": client, "sub": client, "jti": os.urandom(16).hex(), "iat": now, "exp": now + 600}
text = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
signature = subprocess.run(["openssl", "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest",
                            "-sign", work + "/key.pem"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
print(text + "." + b64(signature))
END
}
endpoint=${AZURE_AUTHORITY_HOST%/}/$AZURE_TENANT_ID/oauth2/v2.0/token
assertion "$endpoint" >"$WORK/assertion"
same "an assertion" hello "$(as "$me" AZURE_FEDERATED_TOKEN_FILE="$WORK/assertion")"
same "the same again, which the hub takes once" "exit 4" "$(as "$me" AZURE_FEDERATED_TOKEN_FILE="$WORK/assertion")"
assertion https://elsewhere.example >"$WORK/assertion"
same "one for another service" "exit 4" "$(as "$me" AZURE_FEDERATED_TOKEN_FILE="$WORK/assertion")"
same "a certificate" hello "$(as "$me" AZURE_CLIENT_CERTIFICATE_PATH="$WORK/both.pem")"
# The first kind that is set is the one that counts.
same "a wrong secret and a right certificate" "exit 4" "$(as "$me" AZURE_CLIENT_SECRET=x AZURE_CLIENT_CERTIFICATE_PATH="$WORK/both.pem")"

note "managed identities"
TOKEN_TEXT=$(token "$client_id" "$secret")
python3 - "$WORK" 3<<<"$TOKEN_TEXT" <<'END' &
import http.server, json, os, sys, time, urllib.parse
work, token, parent = sys.argv[1], os.fdopen(3).read().strip(), os.getppid()
RESOURCE = "https://vault.azure.net"
class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        status, answer = 400, {"error": "invalid_request", "error_description": "no such thing"}
        if query.get("resource") != RESOURCE:
            pass
        elif url.path == "/msi/token" and query.get("api-version") == "2019-08-01":
            status, answer = 401, {"error": "unauthorized", "error_description": "no proof"}
            if self.headers.get("X-IDENTITY-HEADER") == "proof":
                status, answer = 200, {"access_token": token, "token_type": "Bearer", "expires_on": str(int(time.time()) + 600)}
        elif url.path == "/metadata/identity/oauth2/token/" and query.get("api-version") == "2018-02-01" and self.headers.get("Metadata") == "true":
            status, answer = 200, {"access_token": token, "token_type": "Bearer", "expires_in": "600"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Service)
with open(work + "/port.new", "w") as f:
    f.write(str(server.server_port))
os.rename(work + "/port.new", work + "/port")
server.timeout = 0.2
while os.getppid() == parent:  # it ends with the test, however that ends
    server.handle_request()
END
service=$!
for _ in $(seq 200); do
  [ ! -e "$WORK/port" ] || break
  sleep 0.05
done
at=127.0.0.1:$(cat "$WORK/port")
# Neither tenant nor authority are needed.
unset AZURE_TENANT_ID AZURE_AUTHORITY_HOST
same "App Service's form" hello "$(as IDENTITY_ENDPOINT="http://$at/msi/token" IDENTITY_HEADER=proof)"
same "by name" hello "$(as IDENTITY_ENDPOINT="http://localhost:${at#*:}/msi/token" IDENTITY_HEADER=proof)"
same "without the right proof" "exit 4" "$(as IDENTITY_ENDPOINT="http://$at/msi/token" IDENTITY_HEADER=x)"
contains "what the service said" "$(cat "$WORK/stderr")" "no proof [unauthorized]"
same "IMDS" hello "$(as AZURE_POD_IDENTITY_AUTHORITY_HOST="http://$at")"
same "not this machine" "exit 1" "$(as AZURE_POD_IDENTITY_AUTHORITY_HOST=http://192.0.2.1)"
contains "why not" "$(cat "$WORK/stderr")" "without TLS a token is only asked of this machine"
kill $service
wait $service 2>/dev/null || true
same "nobody there" "exit 6" "$(as AZURE_POD_IDENTITY_AUTHORITY_HOST="http://$at")"

note "no credential shows"
for text in "$secret" "$TOKEN_TEXT" proof; do
  if grep -qF -- "$text" "$WORK/stderr" "$WORK/hub.log"; then fail "a credential in a message"; fi
done
hub_stop
