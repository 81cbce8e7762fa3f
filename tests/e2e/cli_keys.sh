#!/usr/bin/env bash
# A key's life on the command line: created, listed, changed, rotated, backed up, deleted, recovered, purged, restored; each failure with its exit code.
. "$(dirname "$0")/../lib.sh"
hub_start

ends() { # STATUS WORD...
  local expected=$1 status=0
  shift
  sr "$@" >/dev/null 2>&1 </dev/null || status=$?
  same "status of '$*'" "$expected" "$status"
}
field() { sed -n "s/^$1: *//p"; }

made=$(sr key create app --size 3072 --ops sign,verify --expires 2040-01-31 --tag team=payments --tag 'odd "name"=a=b')
same "its type" "RSA 3072" "$(field Type <<<"$made")"
same "its operations" "sign, verify" "$(field Operations <<<"$made")"
same "its end" "2040-01-31T00:00:00Z" "$(field Expires <<<"$made")"
same "its tags" 'team=payments, odd "name"=a=b' "$(field Tags <<<"$made")"
first=$(field Version <<<"$made")
same "the curve alone makes an EC key" "EC P-521" "$(sr key create curve --curve P-521 | field Type)"
same "JSON" "oct-HSM" "$(sr key create disks --type oct-HSM --size=128 --json | json 'd["key"]["kty"]')"

same "the list" "app curve disks" "$(sr key list | awk 'NR > 1 { print $1 }' | xargs)"
for i in $(seq 26); do sr key create "page-$i" --curve P-256 >/dev/null; done
same "more than a page" 29 "$(sr key list --json | json 'len(d["value"])')"

same "disabling" "no" "$(sr key set app --disabled | field Enabled)"
same "what was not given stays" "sign, verify" "$(sr key set app "$first" --enabled --tag only=this | field Operations)"
same "tags are replaced" "only=this" "$(sr key show app | field Tags)"

second=$(sr key rotate app | field Version)
same "versions" "$(printf '%s\n' "$first" "$second" | sort)" "$(sr key list --versions app | awk 'NR > 1 { print $1 }')"
same "the old version" "$first" "$(sr key show app "$first" | field Version)"
sr key policy app --rotate-after 90d --notify-before 2w --expire-after 1y >/dev/null
same "the policy" "P90D P14D P1Y" "$(sr key policy app | awk 'NR <= 3 { print $NF }' | xargs)"

sr key backup app --out "$WORK/app.backup"
same "mode of the backup" 600 "$(stat -c %a "$WORK/app.backup")"
ends 5 key restore "$WORK/app.backup"
sr key delete app >/dev/null
ends 3 key show app
ends 5 key create app
same "deleted keys" app "$(sr key list --deleted | awk 'NR > 1 { print $1 }')"
same "a deleted key" "$second" "$(sr key show app --deleted | field Version)"
same "recovered" "$second" "$(sr key recover app | field Version)"
sr key delete app >/dev/null
ends 2 key purge app
sr key purge app --yes
ends 3 key recover app
same "restored" "$second" "$(sr key restore <"$WORK/app.backup" | field Version)"
echo "not a backup" >"$WORK/bad.backup"
ends 1 key restore "$WORK/bad.backup"
ends 1 key create a_b
ends 3 key show nobody
ends 2 key create late --expires tomorrow
ends 1 key list --data "$WORK"
KEY_VAULT_URL=https://localhost:1 ends 6 key list
hub_stop
ends 6 status
