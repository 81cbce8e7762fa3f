#!/usr/bin/env bash
# libstrongroom when the vault is away, and when it says no: within the data keys' lifetime sealing and opening go on without it, after
# it they end; a role that was taken away, and a key that was disabled, end them within the lifetime; and all comes back.
. "$(dirname "$0")/../lib.sh"
HUB_PORT=$(free_port)
hub_start
sr key create app --type oct --size 256 >/dev/null
printf value | sr secret set known >/dev/null
identity sealer crypto-service-encryption-user /keys/app
assignment=$(sr role assignments --json | json '[a["name"] for a in d["value"] if a["properties"]["principalId"] == "'"$APP_OBJECT_ID"'"][0]')

# Two of them: data keys of one live for ten minutes, those of the other for a second.
driver() {
  AZURE_CLIENT_ID=$APP_CLIENT_ID AZURE_CLIENT_SECRET=$APP_CLIENT_SECRET \
    exec "$(dirname "$STRONGROOM")/tests/lib/lib-driver" "$1" 2000 1
}
mkfifo "$WORK/long" "$WORK/short" "$WORK/long.said" "$WORK/short.said"
exec 7<>"$WORK/long" 8<>"$WORK/short"
driver 600 <"$WORK/long" >"$WORK/long.said" 7>&- 8>&- &
driver 1 <"$WORK/short" >"$WORK/short.said" 7>&- 8>&- &
exec 5<"$WORK/long.said" 6<"$WORK/short.said"
# tell long|short COMMAND...: sets STATUS and SAID.
tell() {
  local which=$1 to=7 from=5
  shift
  [ "$which" = long ] || { to=8 from=6; }
  echo "$*" >&$to
  read -r -t 60 STATUS SAID <&$from || fail "no answer to '$*' from the $which one"
}
ends() { # WHICH STATUS COMMAND...
  local which=$1 expected=$2
  shift 2
  tell "$which" "$@"
  same "'$*' of the $which one ($SAID)" "$expected" "$STATUS"
}
all() { # WHICH STATUS
  local command
  for command in "seal app" open record unrecord read; do ends "$1" "$2" "$command"; done
}

printf 'of a file' >"$WORK/plain"
for which in long short; do
  ends $which SR_OK "stream app $WORK/plain $WORK/$which.sealed"
  ends $which SR_OK "set app"
  ends $which SR_OK "file $WORK/$which.sealed"
  ends $which SR_OK "seal app"
  all $which SR_OK
  ends $which SR_FORBIDDEN secret known
  contains "what the vault says" "$SAID" "403 Forbidden Caller is not authorized"
done
ends long SR_FORBIDDEN wrap other
ends long SR_BAD_ARGUMENT "wrap no/such/key/name"
ends long SR_OK token

hub_kill
all long SR_OK
ends long SR_OK "unstream $WORK/long.sealed $WORK/again"
check "a file that was opened without the vault" cmp "$WORK/plain" "$WORK/again"
ends long SR_AWAY secret known
ends short SR_OK sleep 1200
# A text and a record that is sealed anew is not there; those that were are.
for command in open unrecord read "unstream $WORK/short.sealed $WORK/again"; do ends short SR_AWAY "$command"; done
ends short SR_AWAY record
ends short SR_AWAY "stream app $WORK/plain $WORK/none"

hub_start
for which in long short; do
  ends $which SR_OK "seal app"
  ends $which SR_OK record
  all $which SR_OK
done

sr role unassign "$assignment" >/dev/null
ends short SR_OK sleep 1200
for command in open unrecord read; do ends short SR_FORBIDDEN "$command"; done
ends short SR_FORBIDDEN "stream app $WORK/plain $WORK/none"
sr role assign crypto-service-encryption-user --to sealer --scope /keys/app >/dev/null
ends short SR_OK "seal app"
ends short SR_OK record
all short SR_OK
sr key set app --disabled >/dev/null
ends short SR_OK sleep 1200
for command in open unrecord read; do ends short SR_FORBIDDEN "$command"; done
sr key set app --enabled >/dev/null
ends short SR_OK "seal app"
all short SR_OK
hub_stop
