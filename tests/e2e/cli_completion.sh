#!/usr/bin/env bash
# The shell completes nouns, verbs, options, their values, and names of files where a file belongs.
. "$(dirname "$0")/../lib.sh"
# shellcheck disable=SC1091
. "$ROOT/doc/completion/strongroom.bash"

completes() { # EXPECTED WORD...: the last word is the one that is being typed
  local expected=$1
  shift
  COMP_WORDS=("$STRONGROOM" "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _strongroom
  same "completion of '$*'" "$expected" "${COMPREPLY[*]}"
}
completes "identity" id
completes "import" key im
completes "unseal" vault u
completes "--rotate-after --rotate-before" key policy app --ro
completes "RSA RSA-HSM" key create app --type R
completes "create" help role cr
cd "$WORK"
touch key.pem
completes "key.pem" key import app --in ke
completes "key.pem" identity add-certificate app ke
