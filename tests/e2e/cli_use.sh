#!/usr/bin/env bash
# Keys used on the command line: what is wrapped or encrypted comes back as it was, for each kind of key; signatures are those that openssl accepts;
# --data, --in, --out, pipes and --json agree.
. "$(dirname "$0")/../lib.sh"
require openssl
hub_start
head -c 32 /dev/urandom >"$WORK/dek"
head -c 5000 /dev/urandom >"$WORK/text"
printf 'bound' >"$WORK/aad"

there_and_back() { # VERB VERB NAME OPTION...
  local there=$1 back=$2 name=$3
  shift 3
  sr key "$there" "$name" "$@" --in "$WORK/dek" --out "$WORK/secret" 2>/dev/null
  cmp -s "$WORK/dek" "$WORK/secret" && fail "$there $name $* changes nothing"
  sr key "$back" "$name" "$@" <"$WORK/secret" | cmp - "$WORK/dek" || fail "$there and $back $name $*"
}
sr key create rsa --size 2048 >/dev/null
sr key create aes --type oct-HSM --size 256 >/dev/null
there_and_back wrap unwrap rsa
there_and_back wrap unwrap rsa --alg RSA-OAEP
there_and_back wrap unwrap aes
there_and_back encrypt decrypt rsa
for alg in A256GCM A128GCM A256CBC A256CBCPAD A192CBCPAD; do
  case $alg in *256*) name=aes ;; *128*) name=aes128 ;; *) name=aes192 ;; esac
  [ $name = aes ] || sr key create $name --type oct --size ${name#aes} >/dev/null
  there_and_back encrypt decrypt $name --alg $alg
done
there_and_back encrypt decrypt aes --aad "$WORK/aad"
same "mode of --out" 600 "$(stat -c %a "$WORK/secret")"
sr key decrypt aes --in "$WORK/secret" >/dev/null 2>&1 && fail "the bound data did not matter"

# After a rotation the version that wrapped is needed, and was named.
version=$(sr key wrap rsa --in "$WORK/dek" --out "$WORK/wrapped" 2>&1 | awk '{ print $2 }')
version=${version%,}
sr key rotate rsa >/dev/null
said=$(sr key unwrap rsa --in "$WORK/wrapped" 2>&1 >/dev/null) && fail "the latest version unwraps what an earlier one wrapped"
contains "the hint" "$said" "latest version"
sr key unwrap rsa "$version" --in "$WORK/wrapped" | cmp - "$WORK/dek" || fail "unwrapping with the earlier version"
same "JSON" "$version" "$(sr key unwrap rsa "$version" --alg RSA-OAEP-256 --in "$WORK/wrapped" --json | json 'd["kid"].split("/")[-1]')"

# A signature of an imported key, checked by openssl; and one by openssl, checked here.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/web.pem" 2>/dev/null
openssl pkey -in "$WORK/web.pem" -pubout -out "$WORK/web.pub"
sr key import web --in "$WORK/web.pem" >/dev/null
sr key sign web --in "$WORK/text" --out "$WORK/sig" 2>/dev/null
openssl dgst -sha256 -verify "$WORK/web.pub" -signature "$WORK/sig" "$WORK/text" >/dev/null || fail "openssl does not take the signature"
openssl dgst -sha384 -binary "$WORK/text" >"$WORK/digest"
sr key sign web --alg PS384 --digest --in "$WORK/digest" --out "$WORK/pss" 2>/dev/null
openssl dgst -sha384 -sigopt rsa_padding_mode:pss -verify "$WORK/web.pub" -signature "$WORK/pss" "$WORK/text" >/dev/null || fail "PS384"
openssl dgst -sha256 -sign "$WORK/web.pem" "$WORK/text" >"$WORK/theirs"
contains "verify" "$(sr key verify web --signature "$WORK/theirs" <"$WORK/text")" valid
status=0
sr key verify web --signature "$WORK/theirs" --in "$WORK/dek" 2>/dev/null || status=$?
same "a signature of something else" 1 "$status"
for curve in P-256 P-256K; do
  sr key create "ec-$curve" --curve "$curve" >/dev/null
  sr key sign "ec-$curve" --in "$WORK/text" --out "$WORK/sig" 2>/dev/null
  same "size of r and s" 64 "$(stat -c %s "$WORK/sig")"
  sr key verify "ec-$curve" --in "$WORK/text" --signature "$WORK/sig" >/dev/null || fail "$curve"
done

same "random bytes" 100 "$(sr key random --count 100 | wc -c)"
same "a key that can't" 2 "$(sr key wrap ec-P-256 --in "$WORK/dek" >/dev/null 2>&1 || echo $?)"
hub_stop
