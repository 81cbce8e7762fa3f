#!/usr/bin/env bash
# `strongroom cert` against a hub: every verb, its exit codes, and what openssl says of what it wrote.
. "$(dirname "$0")/../lib.sh"
require openssl
hub_start
cd "$WORK"

field() { sed -n "s/^$1: *//p"; }
names() { awk 'NR > 1 { print $1 }' | sort | xargs; }
ends() { # STATUS WORD...
  local expected=$1 status=0
  shift
  SAID=$(sr "$@" 2>&1 >/dev/null) || status=$?
  same "status of '$*' ($SAID)" "$expected" "$status"
}
subject() { openssl x509 -in "$1" -noout -subject -nameopt RFC2253; }
pair() { # DIR: the key is the certificate's
  same "the pair in $1" "$(openssl x509 -in "$1/cert.pem" -noout -pubkey)" "$(openssl pkey -in "$1/key.pem" -pubout)"
}

# Made by the vault, shown, downloaded.
made=$(sr cert create web --subject "CN=web.example,O=Contoso" --dns web.example --dns www.example --ip 10.0.0.1 \
  --uri spiffe://example/web --email web@example.com --type EC --months 3 --pem --eku serverAuth --tag team=web)
first=$(field Version <<<"$made")
contains "the names" "$(xargs <<<"$made")" "DNS names: web.example www.example IP addresses: 10.0.0.1 URIs: spiffe://example/web E-mail: web@example.com"
same "the key" "EC P-256" "$(field Key <<<"$made")"
same "the tags" team=web "$(field Tags <<<"$made")"
sr cert show web --pem >web.pem
same "thumbprint" "$(openssl x509 -in web.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)" "$(field SHA-256 <<<"$made")"
same "serial" "$(openssl x509 -in web.pem -noout -serial | sed 's/.*=//' | tr A-F a-f)" "$(field Serial <<<"$made")"
contains "subject" "$(subject web.pem)" CN=web.example
contains "usage" "$(openssl x509 -in web.pem -noout -ext extendedKeyUsage)" "TLS Web Server Authentication"
sr cert download web --out web
same "modes" "600 644 644 644 644" "$(stat -c %a web/key.pem web/cert.pem web/chain.pem web/fullchain.pem web/ca.pem | xargs)"
pair web
cmp web/cert.pem web.pem
openssl verify -CAfile web/ca.pem web/fullchain.pem >/dev/null
ends 2 cert download web
ends 1 cert download web --out web/cert.pem
ends 2 cert show web --out x

# Policies.
policy=$(sr cert policy web)
same "months" "3 months" "$(field 'Valid for' <<<"$policy")"
same "action" "AutoRenew 80 % into its life" "$(field Action <<<"$policy")"
same "days before" "AutoRenew 20 days before it expires" "$(sr cert policy web --renew-days 20 --reuse-key | field Action)"
sr cert policy web --dns new.example >/dev/null
second=$(sr cert create web)
contains "as the policy says now" "$second" new.example
grep -q www.example <<<"$second" && fail "names are replaced as a whole"
same "the same key" "$(openssl pkey -in web/key.pem -pubout)" "$(sr cert show web --pem | openssl x509 -noout -pubkey)"
same "versions" "$(printf '%s\n' "$first" "$(field Version <<<"$second")" | sort | xargs)" "$(sr cert list --versions web | names)"
same "an old version" "$first" "$(sr cert show web "$first" | field Version)"
same "no renewal" "EmailContacts 80 % into its life" "$(sr cert policy web --no-renew | field Action)"
ends 2 cert policy web --renew-at 80 --renew-days 3
ends 2 cert policy web --pem --pfx
ends 2 cert policy web --exportable --not-exportable
ends 2 cert policy web --type RSA --curve P-256
ends 2 cert policy web --usage digitalSignature,flying
ends 3 cert policy nobody

# PKCS#12 is opened, a key that may not leave does not.
sr cert create rsa --subject CN=rsa --size 2048 >/dev/null
sr cert download rsa --out rsa
pair rsa
sr cert create inside --type EC --subject CN=inside --not-exportable >/dev/null
ends 5 cert download inside --out inside
contains "why not" "$SAID" "not exportable"
sr cert download inside --out inside --public
same "the certificate alone" cert.pem "$(ls inside)"
ends 5 cert issue inside --out issued

# Signed elsewhere.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj "/CN=Other CA" -days 9 2>/dev/null
sr cert create shop --issuer Unknown --type EC --subject CN=shop.example --out shop.csr 2>note
contains "what comes next" "$(cat note)" "strongroom cert merge shop"
contains "the request" "$(openssl req -in shop.csr -noout -verify -subject 2>&1)" CN
cmp <(sr cert pending shop --csr) shop.csr
same "pending" inProgress "$(sr cert pending shop | field Status)"
same "not issued" "not issued yet" "$(sr cert show shop | field State)"
same "listed" "inside rsa web" "$(sr cert list | names)"
same "listed with what is pending" "inside rsa shop web" "$(sr cert list --pending | names)"
ends 5 cert show shop --pem
ends 5 cert download shop --out shop
ends 5 cert create shop
openssl x509 -req -in shop.csr -CA ca.pem -CAkey ca.key -days 5 -out shop.pem 2>/dev/null
ends 1 cert merge shop ca.pem
ends 2 cert merge shop shop.csr
contains "who signed" "$(sr cert merge shop ca.pem shop.pem | field Issuer)" "Other CA"
sr cert download shop --out shop
pair shop
cmp shop/ca.pem ca.pem
same "the chain without its root" 0 "$(stat -c %s shop/chain.pem)"
ends 3 cert merge nobody shop.pem

# An operation is ended.
sr cert create gone --issuer Unknown --type EC --subject CN=gone >gone.csr 2>/dev/null
contains "on stdout" "$(cat gone.csr)" "BEGIN CERTIFICATE REQUEST"
same "cancelled" "asked for" "$(sr cert pending gone --cancel | field Cancelled)"
sr cert pending gone --forget >/dev/null
ends 3 cert pending gone
ends 2 cert pending gone --cancel --forget

# Brought.
cat shop/key.pem shop/cert.pem ca.pem >all.pem
same "imported" "$(field SHA-256 <<<"$(sr cert show shop)")" "$(sr cert import copy all.pem | field SHA-256)"
openssl pkcs12 -export -inkey shop/key.pem -in shop/cert.pem -out all.pfx -passout pass:geheim
openssl pkcs12 -export -inkey shop/key.pem -in shop/cert.pem -out open.pfx -passout pass:
printf 'geheim\n' >password
same "PKCS#12" "$(sr cert show copy | field SHA-1)" "$(sr cert import pfx all.pfx --password-file password | field SHA-1)"
sr cert import open open.pfx >/dev/null
sr cert download pfx --out pfx
pair pfx
printf wrong >password
ends 1 cert import pfx all.pfx --password-file password
contains "the wrong password" "$SAID" "password"
ends 2 cert import copy all.pem --password-file password
ends 1 cert import copy shop.csr
ends 1 cert import copy nowhere.pem
ends 1 cert import copy web.pem
python3 - "$STRONGROOM" <<'PY'
import os, pty, sys
def typed(text):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], [sys.argv[1], "cert", "import", "typed", "all.pfx"])
    shown = b""
    while True:
        try:
            part = os.read(fd, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
        if shown.endswith(b"Password of the file: "):
            os.write(fd, text)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown
code, shown = typed(b"geheim\n")
assert code == 0 and b"geheim" not in shown, (code, shown)
assert typed(b"falsch\n")[0] == 1
PY
setsid -w "$STRONGROOM" cert import typed all.pfx </dev/null >/dev/null 2>note && fail "a password was not needed"
contains "without a terminal" "$(cat note)" "--password-file"

# Changes, deletion, backups.
same "disabled" no "$(sr cert update web --disabled --tag a=b | field Enabled)"
ends 4 cert download web --out web2
same "enabled" yes "$(sr cert update web --enabled | field Enabled)"
sr cert backup web --out web.backup
same "mode of the backup" 600 "$(stat -c %a web.backup)"
contains "deleted" "$(sr cert delete web | field 'Purged on')" Z
same "deleted certificates" web "$(sr cert list --deleted | names)"
sr cert show web --deleted >/dev/null
ends 3 secret show web
ends 3 cert show web
ends 5 cert create web
ends 5 cert restore web.backup
sr cert recover web >/dev/null
sr secret show web --value >/dev/null
sr cert delete web >/dev/null
ends 2 cert purge web
sr cert purge web --yes
ends 3 cert recover web
sr cert restore web.backup >/dev/null
same "all versions are back" 2 "$(sr cert list --versions web --json | json 'len(d["value"])')"

# Issuers and contacts.
ends 2 cert issuer-set corp
same "an issuer" Unknown "$(sr cert issuer-set corp --provider Unknown --organization corp | field Provider)"
same "the list" corp "$(sr cert issuers | names)"
same "its organization" corp "$(sr cert issuers corp | field Organization)"
sr cert create named --issuer corp --type EC --subject CN=named 2>/dev/null | openssl req -noout
sr cert issuer-delete corp >/dev/null
ends 3 cert issuers corp
ends 3 cert contacts
sr cert contact-add a@example.com --name 'A B' >/dev/null
sr cert contact-add c@example.com --phone 123 >/dev/null
sr cert contact-add A@example.com --name 'New' >/dev/null
same "contacts" "A@example.com c@example.com" "$(sr cert contacts | names)"
contains "replaced" "$(sr cert contacts)" New
sr cert contact-remove a@example.com >/dev/null
same "removed" c@example.com "$(sr cert contacts | names)"
ends 3 cert contact-remove a@example.com
sr cert contact-remove c@example.com >/dev/null
ends 3 cert contacts

# Who may see certificates may not see their keys, and the other way round; nor make one.
identity looker reader
as_app() { AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET "$@"; }
as_app ends 0 cert show web
as_app ends 4 cert download web --out looked
contains "which right it takes" "$SAID" secrets-user
as_app sr cert download web --out looked --public
same "the certificate alone" cert.pem "$(ls looked)"
for verb in "create mine --subject CN=mine" "delete web" "policy web --pem" "update web --disabled" "import mine all.pem" \
  "backup web" "issue web --out looked2" "issuer-set x --provider Self" "contact-add x@example.com"; do
  # shellcheck disable=SC2086
  as_app ends 4 cert $verb
done
[ ! -e looked2/key.pem ] || fail "a key without the right to it"
ends 1 cert create a_b --subject CN=a
ends 1 cert create nothing
ends 3 cert show nobody
KEY_VAULT_URL=https://localhost:1 ends 6 cert list
hub_stop
