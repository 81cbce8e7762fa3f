#!/usr/bin/env bash
# A secret's life on the command line: set from a file, a pipe or the terminal, shown, listed, changed, backed up, deleted, recovered, purged, restored; its
# value comes back byte for byte, is written only where it was asked for, and each failure has its exit code.
. "$(dirname "$0")/../lib.sh"
require python3
hub_start

ends() { # STATUS WORD...
  local expected=$1 status=0
  shift
  sr "$@" >/dev/null 2>&1 </dev/null || status=$?
  same "status of '$*'" "$expected" "$status"
}
field() { sed -n "s/^$1: *//p"; }
names() { awk 'NR > 1 { print $1 }' | xargs; }
stored() { # FILE: its bytes are the value, however they went in and however they come out
  sr secret set bytes --in "$1" >/dev/null
  sr secret show bytes --value | cmp - "$1" || fail "$1 through --in and stdout"
  sr secret set bytes <"$1" >/dev/null
  sr secret show bytes --value --out "$WORK/again"
  cmp "$WORK/again" "$1" || fail "$1 through stdin and --out"
}
refused() { # TEXT, the value on stdin
  local status=0 said
  said=$(sr secret set refused 2>&1 >/dev/null) || status=$?
  same "status of a value that $1" 2 "$status"
  contains "what is said of it" "$said" "$1"
}

# Properties.
printf 'grün & "leise"\n' >"$WORK/value"
made=$(sr secret set db --in "$WORK/value" --content-type text/plain --not-before 2020-02-01 --expires 2040-01-31 --tag team=payments --tag 'odd "name"=a=b')
first=$(field Version <<<"$made")
same "its name" db "$(field Name <<<"$made")"
same "its content type" text/plain "$(field 'Content type' <<<"$made")"
same "its times" "2020-02-01T00:00:00Z 2040-01-31T00:00:00Z" "$(field 'Not before' <<<"$made") $(field Expires <<<"$made")"
same "its tags" 'team=payments, odd "name"=a=b' "$(field Tags <<<"$made")"
same "its id" "$KEY_VAULT_URL/secrets/db/$first" "$(field Id <<<"$made")"
same "shown as it was made" "$made" "$(sr secret show db)"

# Values.
: >"$WORK/empty"
printf 'no line feed' >"$WORK/plain"
printf '\n\nline\r\n\n' >"$WORK/lines"
printf 'äöü ß €\t\xf0\x9f\x94\x91 \x01\x7f\xc2\x9b"\\/' >"$WORK/umlauts"
head -c 25600 /dev/zero | tr '\0' '\1' >"$WORK/largest"
for value in empty plain lines umlauts largest; do stored "$WORK/$value"; done
same "mode of --out" 600 "$(stat -c %a "$WORK/again")"
refused "at most 25600 bytes" < <(cat "$WORK/largest" "$WORK/plain")
refused "byte 3 is not UTF-8" < <(printf 'ab\xffc')
refused "byte 2 is not UTF-8" < <(printf 'a\0b')
refused "byte 1 is not UTF-8" < <(printf '\xed\xa0\x80')
ends 3 secret show refused

# The value is nowhere but where it was asked for.
silent() { # WORD...
  case $(sr "$@" 2>&1) in *"s3cr3t"*) fail "'$*' prints the value" ;; esac
}
printf 's3cr3t-one' >"$WORK/one"
silent secret set quiet --in "$WORK/one"
silent secret set quiet --in "$WORK/one" --json
silent secret show quiet
silent secret show quiet --json
silent secret show quiet --value --out "$WORK/again"
silent secret list --json
silent secret list --versions quiet --json
silent secret backup quiet
silent secret delete quiet --json
silent secret show quiet --deleted --json
silent secret recover quiet --json
silent audit show --json
same "JSON with the value" s3cr3t-one "$(sr secret show quiet --value --json | json 'd["value"]')"
same "JSON without it" False "$(sr secret show quiet --json | json '"value" in d')"
ends 2 secret set quiet s3cr3t-one
ends 2 secret set quiet --value s3cr3t-one
ends 2 secret show quiet --out "$WORK/again"
ends 2 secret show quiet --value --json --out "$WORK/again"
ends 2 secret show quiet --value --deleted

# A terminal is asked for one line, shows none of it, and gets a value that can't steer it.
printf 'red\x1b[31m\nsecond\n' | sr secret set steering >/dev/null
python3 - "$STRONGROOM" <<'PY' || fail "at a terminal"
import os, pty, sys
def run(typed, *words):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], ["strongroom", *words])
    shown = b""
    while True:
        try:
            part = os.read(fd, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
        if typed and shown.endswith(b"Value: "):
            os.write(fd, typed)
            typed = None
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, shown.replace(b"\r\n", b"\n")
code, shown = run("tippe ä1\n".encode(), "secret", "set", "typed")
assert code == 0 and b"tippe" not in shown, (code, shown)
assert run(b"\n", "secret", "set", "typed")[0] == 2, "an empty line"
assert run(b"half\x03", "secret", "set", "typed")[0] == 2, "Ctrl-C"
code, shown = run(b"x" * 5000 + b"\n", "secret", "set", "typed")
assert code == 2 and b"longer than 4094" in shown, (code, shown)
assert run(None, "secret", "show", "typed", "--value") == (0, "tippe ä1\n".encode())
assert run(None, "secret", "show", "steering", "--value") == (0, b"red?[31m\nsecond\n")
PY
same "the line's end is no part of it" "tippe ä1" "$(sr secret show typed --value)"
same "its size" 9 "$(sr secret show typed --value | wc -c)"

# Lists and versions.
same "the list" "bytes db quiet steering typed" "$(sr secret list | names)"
for i in $(seq 26); do sr secret set "page-$i" --in "$WORK/plain" >/dev/null; done
same "more than a page" 31 "$(sr secret list --json | json 'len(d["value"])')"
second=$(sr secret set db --in "$WORK/lines" | field Version)
same "versions" "$(printf '%s\n' "$first" "$second" | sort | xargs)" "$(sr secret list --versions db | names)"
sr secret show db "$first" --value | cmp - "$WORK/value" || fail "the first version's value"
ends 2 secret list --versions db --deleted

# Changes.
same "what was not given stays" text/plain "$(sr secret update db "$first" --tag only=this | field 'Content type')"
same "tags are replaced" "only=this" "$(sr secret show db "$first" | field Tags)"
same "the latest version" "$second" "$(sr secret update db --content-type text/csv | field Version)"
same "disabling" no "$(sr secret update db --disabled | field Enabled)"
ends 4 secret show db --value
same "a list shows it" no "$(sr secret list | awk '$1 == "db" { print $2 }')"
same "enabling" yes "$(sr secret update db --enabled | field Enabled)"
same "made disabled" no "$(sr secret set off --disabled --in "$WORK/plain" | field Enabled)"

# Backup, deletion, recovery.
sr secret backup db --out "$WORK/db.backup"
same "mode of the backup" 600 "$(stat -c %a "$WORK/db.backup")"
grep -q leise "$WORK/db.backup" && fail "the backup is not sealed"
ends 5 secret restore "$WORK/db.backup"
contains "deleted" "$(sr secret delete db | field 'Purged on')" Z
ends 3 secret show db
ends 5 secret set db --in "$WORK/plain"
same "deleted secrets" db "$(sr secret list --deleted | names)"
same "a deleted secret" "$second" "$(sr secret show db --deleted | field Version)"
ends 2 secret show db "$first" --deleted
same "recovered" "$second" "$(sr secret recover db | field Version)"
sr secret show db --value | cmp - "$WORK/lines" || fail "the recovered value"
sr secret delete db >/dev/null
ends 2 secret purge db
sr secret purge db --yes
ends 3 secret recover db
ends 3 secret purge db --yes
same "restored" "$second" "$(sr secret restore <"$WORK/db.backup" | field Version)"
sr secret show db --value | cmp - "$WORK/lines" || fail "the restored value"
sr secret show db "$first" --value | cmp - "$WORK/value" || fail "the restored first version's value"
echo "not a backup" >"$WORK/bad.backup"
ends 1 secret restore "$WORK/bad.backup"
ends 1 key restore "$WORK/db.backup"

# Names that are words of an address are names.
same "a secret called secrets" secrets "$(sr secret set secrets --in "$WORK/plain" | field Name)"
same "a key called keys" keys "$(sr key create keys --type oct | field Name)"
contains "both are listed" "$(sr secret list | names) $(sr key list | names)" "quiet secrets steering typed keys"

# Who may read the values of one secret may do nothing else.
identity reader secrets-user /secrets/db
as_reader() { AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET ends "$@"; }
as_reader 0 secret show db --value
as_reader 4 secret show off
as_reader 4 secret list
as_reader 4 secret set db --in "$WORK/plain"
for verb in "update db --disabled" "delete db" "backup db" "recover db" "purge db --yes"; do
  # shellcheck disable=SC2086
  as_reader 4 secret $verb
done

identity auditor reader
as_reader 0 secret list --versions db
as_reader 4 secret show db

ends 1 secret set a_b --in "$WORK/plain"
ends 1 secret set db --in "$WORK/nowhere"
ends 1 secret set db --in "$WORK/plain" --content-type "$(printf '%300s' x)"
ends 3 secret show nobody
ends 2 secret set late --in "$WORK/plain" --expires tomorrow
ends 2 secret set both --in "$WORK/plain" --enabled --disabled
ends 2 secret set
KEY_VAULT_URL=https://localhost:1 ends 6 secret list
hub_stop
ends 6 secret list
! grep -rqF s3cr3t-one "$HUB_DATA" "$WORK/hub.log" || fail "the value is in the open"
