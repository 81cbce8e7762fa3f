# shellcheck shell=bash
# For tests of doc/recipes: `. "$(dirname "$0")/../recipe.sh"` includes lib.sh, and runs what stands
# in a recipe, word for word. The test sees empty directories /srv, /var/backups and /mnt, which are
# its own: it is in a mount namespace that ends with it.
#
#   recipe_start NAME          doc/recipes/NAME.md: a hub, and what its README asks for first
#   part "HEADING"             runs the blocks ```sh below that heading, as the identity that seals
#   RECIPE_AS=USER part ..     the same as another user of the machine
#   as_reader, as_writer       whose credentials the next parts have: who opens, who only seals
#   recipe_end                 fails if a part was not run
#
# Lines that end in "# yours" are what people put in; the test exports these variables itself.
set -euo pipefail

if [ -z "${RECIPE_ALONE:-}" ]; then
  [ "$(id -u)" = 0 ] || {
    echo "needs root, for a mount namespace and for devices"
    exit 77
  }
  unshare --mount true 2>/dev/null || {
    echo "needs a mount namespace"
    exit 77
  }
  RECIPE_ALONE=1 exec unshare --mount --propagation private bash "$0" "$@"
fi
unset RECIPE_ALONE
for dir in /srv /var/backups /mnt; do mount -t tmpfs -o mode=755 recipe $dir; done

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What other users must be able to reach.
mkdir /mnt/bin
cp "$STRONGROOM" /mnt/bin/strongroom
ln -s strongroom /mnt/bin/age-plugin-strongroom
PATH=/mnt/bin:$PATH

# shellcheck disable=SC1091
as_reader() { . /mnt/reader.env; }
# shellcheck disable=SC1091
as_writer() { . /mnt/writer.env; }

# blocks DOCUMENT HEADING: the commands below a heading.
blocks() {
  awk -v heading="## $2" '
    /^```/ && inside { inside = 0; next }
    /^```sh$/ && found { inside = 1; next }
    inside { if ($0 !~ /# yours$/) print; next }
    /^## / { found = ($0 == heading) }
  ' "$1"
}
# parts DOCUMENT: the headings that have commands below them.
parts() {
  awk '/^## / { heading = substr($0, 4) } /^```sh$/ && heading != last { print heading; last = heading }' "$1"
}

RUN=()
part() {
  local commands
  commands=$(blocks "$RECIPE" "$1")
  [ -n "$commands" ] || fail "$RECIPE has no commands below '$1'"
  RUN+=("$1")
  local as=()
  [ -z "${RECIPE_AS:-}" ] || as=(runuser -u "$RECIPE_AS" --preserve-environment --)
  (cd /srv && "${as[@]}" bash -euo pipefail -c "$commands") >"$WORK/part.log" 2>&1 || {
    sed 's/^/part: /' "$WORK/part.log" >&2
    fail "$RECIPE: '$1'"
  }
}

recipe_start() {
  RECIPE=$ROOT/doc/recipes/$1.md
  hub_start
  install -m 644 "$SSL_CERT_FILE" /mnt/ca.pem
  export SSL_CERT_FILE=/mnt/ca.pem ca=/mnt/ca.pem
  local once=$ROOT/doc/recipes/README.md
  (cd /mnt && bash -euo pipefail -c "$(blocks "$once" "First")") >"$WORK/part.log" 2>&1 ||
    fail "$once: $(cat "$WORK/part.log")"
  chmod 644 /mnt/*.env
  as_writer
}

recipe_end() {
  same "the parts that were run" "$(parts "$RECIPE")" "$(printf '%s\n' "${RUN[@]}")"
  # shellcheck disable=SC1091
  . "$HUB_DATA/env"
  hub_stop
}
