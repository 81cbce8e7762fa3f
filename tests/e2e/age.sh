#!/usr/bin/env bash
# age, as Debian has it, and strongroom read each other's files: X25519, passphrases, armor; and keys of the vault through age-plugin-strongroom, which
# says what the vault said when it may not, cannot, or is not there.
. "$(dirname "$0")/../lib.sh"
require age age-keygen python3
here=$(cd "$(dirname "$0")" && pwd)
PATH=$(dirname "$STRONGROOM"):$PATH # where age-plugin-strongroom is
require age-plugin-strongroom
cd "$WORK"
hub_start
head -c 300000 /dev/urandom >plain
age-keygen -o key.txt 2>/dev/null
age-keygen -o other.txt 2>/dev/null
public=$(age-keygen -y key.txt)

refused() { # WHAT TEXT COMMAND...: it must fail, and say TEXT.
  local what=$1 text=$2 said
  shift 2
  said=$("$@" 2>&1 >out) && fail "$what: '$*' did not fail"
  contains "$what" "$said" "$text"
}
opens() { # WHAT COMMAND...: it prints the plaintext.
  local what=$1
  shift
  "$@" 2>said | cmp - plain || fail "$what: $(cat said)"
}

# X25519, in each direction; armor is read; not every key opens.
sr seal --age --recipient "$public" --out ours.age plain
opens "ours by age" age -d -i key.txt ours.age
refused "another identity, by age" "no identity matched" age -d -i other.txt ours.age
age -r "$public" -o theirs.age plain
age -a -r "$public" -o armor.age plain
for file in ours.age theirs.age armor.age; do
  opens "$file" sr open --identity key.txt "$file"
  opens "$file from a pipe" sr open --identity key.txt <"$file"
  refused "another identity" "none of the identities opens it" sr open --identity other.txt "$file"
done
same "a piece of it" "$(tail -c +65500 plain | head -c 100 | xxd -p)" "$(sr open --identity key.txt --range 65499:100 theirs.age | xxd -p)"

# Passphrases: mostly scrypt, so beside the rest.
passphrases() {
  python3 "$here/age_pty.py" "open sesame" age -p -o pass.age plain
  sr open --passphrase-fd 3 pass.age 3<<<"open sesame" | cmp - plain || fail "theirs under a passphrase"
  sr seal --age --passphrase-fd 3 --out ourpass.age plain 3<<<"open sesame"
  python3 "$here/age_pty.py" "open sesame" age -d -o back ourpass.age
  cmp back plain || fail "ours under a passphrase"
}
passphrases &
passphrases=$!

# Keys of the vault, through the plugin: RSA and oct, several at once, and beside a key that is not the vault's.
sr key create backups --type oct --size 256 >/dev/null
sr key create small --type oct --size 128 >/dev/null
sr key create rsa --size 2048 >/dev/null
sr key create signing --curve P-256 >/dev/null
sr age identity >vault.txt
contains "an identity is no secret, and says so" "$(cat vault.txt)" "$KEY_VAULT_URL"
for key in backups small rsa; do
  to=$(sr age recipient "$key")
  same "prefix of a recipient" age1strongroom1 "${to:0:15}"
  age -r "$to" -o "$key.age" plain
  opens "$key by age" age -d -i vault.txt "$key.age"
  opens "$key by strongroom" sr open "$key.age"
  sr seal --age --key "$key" --out sealed.age --force plain
  opens "sealed to $key by age" age -d -i vault.txt sealed.age
  sr seal --age --recipient "$to" --out sealed.age --force plain
  opens "sealed to $key's recipient" age -d -i vault.txt sealed.age
done
refused "a key that can't wrap" "can't wrap" sr age recipient signing
refused "a key that is not there" "not found" sr age recipient nowhere
backups=$(sr age recipient backups)
age -r "$public" -r "$backups" -r "$(sr age recipient rsa)" -o three.age plain
opens "one of three by the vault" age -d -i vault.txt three.age
opens "one of three by a key" age -d -i key.txt three.age
opens "no identity but the plugin's name" age -d -j strongroom rsa.age
opens "two kinds of identities" age -d -i other.txt -i vault.txt three.age
sr seal --age --key backups --recipient "$public" --out both.age plain
opens "break-glass" age -d -i key.txt both.age

# After a rotation new files are under the new version, and old ones still open; a recipient may name a version.
version=$(sr key show backups --json | json 'd["key"]["kid"].split("/")[-1]')
sr key rotate backups >/dev/null
age -r "$backups" -o rotated.age plain
contains "the version of an old file" "$(head -c 200 backups.age)" "$version"
case $(head -c 200 rotated.age) in *"$version"*) fail "a new file is under the old version" ;; esac
age -r "$(sr age recipient backups "$version")" -o pinned.age plain
contains "a named version" "$(head -c 200 pinned.age)" "$version"
for file in backups rotated pinned; do opens "$file.age" age -d -i vault.txt "$file.age"; done

# An application with no other credentials than its own, and no more rights than it needs; or with a data directory.
identity sealer "Key Vault Crypto Service Encryption User" /keys/backups
as_app() { env AZURE_CLIENT_ID="$APP_CLIENT_ID" AZURE_CLIENT_SECRET="$APP_CLIENT_SECRET" "$@"; }
opens "an application" as_app age -d -i vault.txt backups.age
refused "a key of others" "not authorized" as_app age -d -i vault.txt rsa.age
opens "a key of its own of three" as_app age -d -i vault.txt three.age
refused "sealing to a key of others" "not authorized" as_app age -r "$(sr age recipient rsa)" -o no.age plain
refused "a wrong secret" "No token for this client" env AZURE_CLIENT_SECRET=wrong age -d -i vault.txt backups.age
refused "no settings" "KEY_VAULT_URL is not set" env -u KEY_VAULT_URL age -d -i vault.txt backups.age
opens "a data directory" env -u KEY_VAULT_URL -u AZURE_CLIENT_SECRET STRONGROOM_DATA="$HUB_DATA" age -d -i vault.txt backups.age

# The plugin asks the vault that is configured, whatever a file, recipient or identity says.
refused "an identity of another vault" "but the one that is asked is https://localhost:1" env KEY_VAULT_URL=https://localhost:1 age -d -i vault.txt backups.age
refused "a recipient of another vault" "but the one that is asked is https://localhost:1" env KEY_VAULT_URL=https://localhost:1 age -r "$backups" -o no.age plain
sr age identity | sed 's/1.*/1QQQQQQ/' >broken.txt
refused "an identity that is none" "" age -d -i broken.txt backups.age
refused "what is not for it" "is started by age" age-plugin-strongroom --help

# A version that is disabled, a key that is deleted, a vault that is away.
sr key set backups "$version" --disabled >/dev/null
refused "a disabled version" "disabled" age -d -i vault.txt backups.age
opens "the version after it" age -d -i vault.txt rotated.age
sr key delete small >/dev/null
refused "a deleted key" "not found" age -d -i vault.txt small.age
sr key delete backups >/dev/null
refused "sealing to a deleted key" "not found" age -r "$backups" -o no.age plain
opens "break-glass, with the key deleted" age -d -i key.txt both.age
[ ! -s no.age ] || fail "a file was written that nobody could open"
hub_stop
refused "no vault" "No answer" age -d -i vault.txt rsa.age
opens "break-glass, with the vault away" sr open --identity key.txt both.age
wait "$passphrases" || fail "passphrases"
