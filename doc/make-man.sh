#!/usr/bin/env bash
# make-man.sh PROGRAM TEMPLATE: the manual page on stdout, its chapter of commands printed by the
# program from its table of verbs.
set -euo pipefail

version=$("$1" version)
"$1" help --roff |
  sed -e "s/@VERSION@/${version#strongroom }/" -e '/^@COMMANDS@$/{r /dev/stdin' -e 'd}' "$2"
