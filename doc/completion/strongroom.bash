# bash completion for strongroom: the program itself says what may follow.
_strongroom() {
  local current=${COMP_WORDS[COMP_CWORD]} candidates
  candidates=$("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null) || return 0
  mapfile -t COMPREPLY < <(compgen -W "${candidates/@files/}" -- "$current")
  if [[ $candidates == *@files* ]]; then
    compopt -o filenames 2>/dev/null || true
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _strongroom strongroom
