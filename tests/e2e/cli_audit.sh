#!/usr/bin/env bash
# The audit log on the command line: what was done is shown, with --follow as it happens; verify needs no vault, names the first broken record and ends with 1.
. "$(dirname "$0")/../lib.sh"
hub_start
sr key create app --type oct >/dev/null
sr key show nobody >/dev/null 2>&1 || true

contains "an operation" "$(sr audit show)" "/keys/app/"
same "a refusal" 404 "$(sr audit show --json | grep "\"KeyGet\"" | json 'd["httpStatusCode"]')"
same "count" 2 "$(sr audit show --from 2 --count 2 --json | wc -l)"
same "from" 2 "$(sr audit show --from 2 --count 2 --json | head -n 1 | json 'd["number"]')"

timeout 20 "$STRONGROOM" audit show --follow --json >"$WORK/followed" &
follower=$!
sr key create later --type oct >/dev/null
for _ in $(seq 100); do
  grep -q '/keys/later/' "$WORK/followed" && break
  sleep 0.1
done
kill "$follower" 2>/dev/null || true
wait "$follower" 2>/dev/null || true
grep -q '/keys/later/' "$WORK/followed" || fail "what happened later was not followed"

# A name that would steer a terminal is shown without its control characters.
api GET '/keys/%1b%5b31mred'
sr audit show | grep -q $'\033' && fail "a control character reached the terminal"

hub_stop
sr audit verify --data "$HUB_DATA" >/dev/null || fail "the log does not verify"
cp "$HUB_DATA/audit/public.pem" "$WORK/public.pem"
sr audit verify --data "$HUB_DATA" --key "$WORK/public.pem" >/dev/null || fail "the key that was kept"
cp "$HUB_DATA/audit/head" "$WORK/head"
sr audit verify --data "$HUB_DATA" --head "$WORK/head" >/dev/null || fail "the head that was kept"
same "JSON" 0 "$(sr audit verify --data "$HUB_DATA" --json | json 'd["broken"]')"
openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl ec -pubout -out "$WORK/other.pem" 2>/dev/null
sr audit verify --data "$HUB_DATA" --key "$WORK/other.pem" >/dev/null 2>&1 && fail "another key verifies"

log=$(ls "$HUB_DATA"/audit/*.log)
size=$(stat -c %s "$log")
flip "$log" $((size / 2))
status=0
said=$(sr audit verify --data "$HUB_DATA" 2>&1) || status=$?
same "status with a changed record" 1 "$status"
contains "what it says" "$said" "is not intact: record"
status=0
sr audit verify --data "$WORK/nowhere" >/dev/null 2>&1 || status=$?
same "status without a log" 1 "$status"
