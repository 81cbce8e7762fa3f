#!/usr/bin/env bash
# Help comes from the table of verbs: every noun and verb explains itself with an example that starts with its own name, wrong words name the nearest
# right one and end with 2, and the manual page and the shell's completion know every verb and option.
. "$(dirname "$0")/../lib.sh"

refuses() { # STATUS TEXT WORD...
  local expected=$1 text=$2 status=0 said
  shift 2
  said=$(sr "$@" 2>&1) || status=$?
  same "status of '$*'" "$expected" "$status"
  contains "what '$*' says" "$said" "$text"
}

page=$(dirname "$(realpath "$STRONGROOM")")/strongroom.1
contains "the overview" "$(sr)" "strongroom NOUN VERB"
same "the overview has one form" "$(sr)" "$(sr help)"
contains "the exit codes" "$(sr --help)" "not authorised"

verbs=0
explains() { # WORD...
  local help option
  help=$(sr help "$@")
  same "help of '$*' has one form" "$help" "$(sr "$@" --help)"
  contains "examples of '$*'" "${help#*Examples:}" "strongroom $*"
  grep -q "^\.SS $*\( \|$\)" "$page" || fail "the manual page lacks '$*'"
  while read -r option; do
    sr complete "$@" | grep -qx -- "--$option" || fail "'$*' does not complete --$option"
  done < <(sed -n 's/^  --\([a-z-]*\).*/\1/p' <<<"$help")
  verbs=$((verbs + 1))
}
for word in $(sr complete); do
  inner=$(sr complete "$word")
  if [ "$word" = help ] || grep -q '^--' <<<"$inner"; then
    explains "$word"
    continue
  fi
  contains "help of '$word'" "$(sr help "$word")" "$word"
  for verb in $inner; do explains "$word" "$verb"; done
done
[ $verbs -ge 40 ] || fail "only $verbs verbs"

refuses 2 "did you mean 'key'?" kye list
refuses 2 "did you mean 'key create'?" key crate x
refuses 2 "did you mean --type?" key create x --tpye RSA
refuses 2 "--size takes one of" key create x --size 1000
refuses 2 "--count needs a value" key random --count
refuses 2 "--deleted takes no value" key list --deleted=yes
refuses 2 "was given twice" key create x --type RSA --type EC
refuses 2 "NAME is missing" key create
refuses 2 "one argument too many" key create a b
refuses 2 "whole number" key random --count 1x
refuses 2 "there is no option --lissten" up --lissten 1
refuses 1 "KEY_VAULT_URL is not set" key list
if command -v groff >/dev/null; then
  same "warnings about the manual page" "" "$(groff -man -ww -z "$page" 2>&1)"
fi
