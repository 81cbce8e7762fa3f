#!/usr/bin/env bash
# Identities and roles on the command line: an application signs in with its secret or its certificate, may do what its role says where it says so and
# nothing else (exit code 4), and is shut out at once.
. "$(dirname "$0")/../lib.sh"
require openssl
hub_start
head -c 32 /dev/urandom >"$WORK/dek"
sr key create app --type oct-HSM >/dev/null
sr key create other --type oct-HSM >/dev/null

sr identity create billing --secret --lifetime 30d --out "$WORK/billing.env" >/dev/null
same "mode of the secret's file" 600 "$(stat -c %a "$WORK/billing.env")"
sr role assign crypto-service-encryption-user --to billing --scope /keys/app >/dev/null
owner=$(env)
as_billing() {
  (
    # shellcheck disable=SC1091
    . "$WORK/billing.env"
    sr "$@"
  )
}
ends() { # STATUS COMMAND...
  local expected=$1 status=0
  shift
  "$@" >/dev/null 2>&1 </dev/null || status=$?
  same "status of '$*'" "$expected" "$status"
}
ends 0 as_billing key wrap app --in "$WORK/dek"
ends 4 as_billing key wrap other --in "$WORK/dek"
ends 4 as_billing key list
for verb in "rotate app" "delete app" "set app --disabled" "create new" "backup app"; do
  # shellcheck disable=SC2086
  ends 4 as_billing key $verb
done
ends 4 as_billing identity list
ends 4 as_billing role assign administrator --to billing
ends 4 as_billing audit show

# A certificate instead of a secret: RSA and P-256.
for kind in rsa:2048 ec; do
  more=()
  [ $kind = ec ] && more=(-pkeyopt ec_paramgen_curve:P-256)
  openssl req -x509 -newkey $kind "${more[@]}" -nodes -keyout "$WORK/key.pem" -out "$WORK/cert.pem" \
    -subj /CN=billing -days 30 2>/dev/null
  cat "$WORK/key.pem" "$WORK/cert.pem" >"$WORK/both.pem"
  with_certificate() {
    # shellcheck disable=SC1091
    (
      . "$WORK/billing.env"
      unset AZURE_CLIENT_SECRET
      AZURE_CLIENT_CERTIFICATE_PATH=$WORK/both.pem sr "$@"
    )
  }
  ends 4 with_certificate key show app
  credential=$(sr identity add-certificate billing "$WORK/cert.pem" --json | json 'd["certificateId"]')
  ends 0 with_certificate key show app
  sr identity remove-credential billing "$credential"
  ends 4 with_certificate key show app
done

same "the assignment" "crypto-service-encryption-user billing /keys/app" \
  "$(sr role assignments --of billing | awk 'NR > 1 { print $1, $2, $3 }')"
sr role assign user-access-administrator --to billing >/dev/null
said=$(as_billing role assign crypto-user --to owner 2>&1) && fail "a name was found by one who may not look it up"
contains "what to do without the name" "$said" "give the object id"
contains "a role that there is not" "$(sr role show crypto-usr 2>&1 || true)" "did you mean 'crypto-user'?"
sr role create signer --action 'Microsoft.KeyVault/vaults/keys/sign/action' --description "signs" >/dev/null
contains "a role of one's own" "$(sr role show signer)" "keys/sign/action"
assignment=$(sr role assign signer --to billing --json | json 'd["name"]')
ends 5 sr role delete signer
sr role unassign "$assignment"
sr role delete signer
ends 3 sr role show signer
ends 3 sr role unassign "$assignment"
ends 3 sr role assign reader --to nobody

second=$(sr identity add-secret billing 2>/dev/null)
ends 0 env AZURE_CLIENT_ID="$(json 'd["appId"]' < <(sr identity show billing --json))" AZURE_CLIENT_SECRET="$second" "$STRONGROOM" key show app
sr identity rollover
ends 0 as_billing key show app
sr identity disable billing >/dev/null
ends 4 as_billing key show app
sr identity enable billing >/dev/null
ends 0 as_billing key show app
sr identity delete billing
ends 4 as_billing key show app
ends 3 sr identity show billing
same "who is left" owner "$(sr identity list | awk 'NR > 1 { print $1 }')"
same "the owner's environment is untouched" "$owner" "$(env)"
hub_stop
