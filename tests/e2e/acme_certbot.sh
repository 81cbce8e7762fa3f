#!/usr/bin/env bash
# certbot gets certificates by http-01 and, for a wildcard, by dns-01; renews, revokes, and is refused what its identity may not have, or when it can't show a name.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/acme.sh
. "$(dirname "$0")/../acme.sh"
require certbot openssl
acme_start
acme_identity web a.example.test b.example.test '*.example.test' none.example.test

# A key is shown once: it goes into a fresh file, or is shown when it can't.
ini=$WORK/cli.ini
sr acme create-key web --out "$ini" >"$WORK/out"
same "a file of an ACME key" "600 2" "$(stat -c %a "$ini") $(grep -c '^eab-' "$ini")"
before=$(sr acme list-keys --json; cat "$ini")
! sr acme create-key web --out "$ini" 2>"$WORK/err" || fail "an ACME key replaced a file"
contains "an ACME key for a file that is there" "$(cat "$WORK/err")" "is there already"
same "keys and file after that" "$before" "$(sr acme list-keys --json; cat "$ini")"
! sr acme create-key web --out "$WORK/none/cli.ini" >"$WORK/out" 2>"$WORK/err" ||
  fail "an ACME key went into no directory"
contains "an ACME key that can't be written" "$(cat "$WORK/out")" "HMAC key"
contains "why it can't be written" "$(cat "$WORK/err")" "$WORK/none/cli.ini"

bot() {
  certbot "$@" --non-interactive --server "$DIRECTORY" --config-dir "$WORK/bot" \
    --work-dir "$WORK/bot/work" --logs-dir "$WORK/bot/logs" --no-random-sleep-on-renew \
    >"$WORK/bot.out" 2>&1
}
works() { # WHAT ARGUMENTS...
  local what=$1
  shift
  bot "$@" || { cat "$WORK/bot.out" >&2; fail "$what"; }
}
register=(--agree-tos --register-unsafely-without-email)
bound=(--eab-kid "$EAB_KID" --eab-hmac-key "$EAB_KEY")
standalone=(--standalone --http-01-port "$HTTP_PORT" --http-01-address 127.0.0.1)
# certbot of Debian 12 loses some of a server's words on their way to its output: its log has them.
refused() { # WHAT TEXT COMMAND...
  local what=$1 text=$2
  shift 2
  ! "$@" || fail "$what"
  contains "$what" "$(cat "$WORK/bot.out" "$WORK/bot/logs/letsencrypt.log")" "$text"
}
got() { # NAME: the certificate is good
  local live=$WORK/bot/live/$1
  openssl verify -CAfile "$HUB_DATA/ca.pem" -untrusted "$live/chain.pem" "$live/cert.pem" >/dev/null ||
    fail "the certificate of $1 is not the authority's"
  same "the key of $1" "$(openssl pkey -in "$live/privkey.pem" -pubout)" \
    "$(openssl x509 -in "$live/cert.pem" -noout -pubkey)"
}
names() { openssl x509 -in "$WORK/bot/live/$1/cert.pem" -noout -ext subjectAltName | tail -n 1 | tr -d ' '; }
serial() { openssl x509 -in "$WORK/bot/live/$1/cert.pem" -noout -serial; }

refused "an account without a binding" "external" bot certonly "${standalone[@]}" "${register[@]}" -d a.example.test

note "http-01"
works "certbot certonly" certonly "${standalone[@]}" "${register[@]}" "${bound[@]}" --cert-name two \
  -d a.example.test -d b.example.test
got two
same "names" "DNS:a.example.test,DNS:b.example.test" "$(names two)"

note "refusals"
refused "a name of others" "may not have" bot certonly "${standalone[@]}" -d c.other.test
refused "a name without an address" "none.example.test" bot certonly "${standalone[@]}" -d none.example.test

note "dns-01"
cat >"$WORK/auth.sh" <<'EOF'
echo "_acme-challenge.$CERTBOT_DOMAIN $CERTBOT_VALIDATION" >>"$TXT_FILE"
EOF
works "certbot with dns-01" certonly --manual --preferred-challenges dns \
  --manual-auth-hook "bash $WORK/auth.sh" --cert-name wild -d '*.example.test' -d a.example.test
got wild
same "names" "DNS:*.example.test,DNS:a.example.test" "$(names wild)"

note "renewal"
before=$(serial two)
works "certbot renew" renew --cert-name two --force-renewal
got two
[ "$before" != "$(serial two)" ] || fail "the certificate was not renewed"

note "revocation"
works "certbot revoke" revoke --cert-path "$WORK/bot/live/two/cert.pem" --reason keycompromise --no-delete-after-revoke
works "by the certificate's own key" revoke --cert-path "$WORK/bot/live/wild/cert.pem" \
  --key-path "$WORK/bot/live/wild/privkey.pem" --no-delete-after-revoke

note "what was done, by whom"
trail=$(sr audit show --json)
for operation in AcmeNewAccount AcmeNewOrder AcmeChallenge AcmeValidate AcmeFinalize AcmeCertificate AcmeRevoke; do
  contains "the audit log" "$trail" "$operation"
done
contains "the audit log" "$trail" "$APP_OBJECT_ID"
contains "accounts" "$(sr acme accounts)" web
sr identity disable web >/dev/null
refused "an identity that is disabled" "disabled" bot renew --cert-name wild --force-renewal
hub_stop
