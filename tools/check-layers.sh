#!/usr/bin/env bash
# Checks what a compiler does not: that a folder of src includes only itself and the folders above
# it, that OpenSSL and SQLite are seen only where they belong, and a few rules of taste.
# Prints what breaks a rule as FILE:LINE: reason, and then ends with 1.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(find src -name '*.[ch]' | sort)

awk '
  BEGIN {
    count = split("base crypto net store identity vault client seal lib transit cli", order, " ")
    for (i = 1; i <= count; i++) rank[order[i]] = i
  }
  function broken(reason) { printf "%s:%d: %s\n", FILENAME, FNR, reason; bad = 1 }

  FNR == 1 {
    split(FILENAME, part, "/")
    folder = part[2]
    name = part[3]
    if (!(folder in rank)) broken("src/" folder " has no place in the order of layers")
  }
  FNR == 501 { broken("more than 500 lines: is there a second room inside?") }

  match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"\/]+\//) {
    header = $0
    sub(/^[^"]*"/, "", header)
    sub(/".*/, "", header)
    split(header, path, "/")
    if (!(path[1] in rank)) broken("includes " header " from no known layer")
    else if (rank[path[1]] > rank[folder]) broken(folder "/ may not include " header)
  }
  /#[ \t]*include[ \t]*<openssl\// && folder != "crypto" && !(folder == "net" && name ~ /^tls/) {
    broken("OpenSSL is for crypto/ and net/tls* only")
  }
  /#[ \t]*include[ \t]*<sqlite3/ && !(folder == "store" && name ~ /^sqlite/) {
    broken("SQLite is for store/sqlite* only")
  }

  /(^|[^_a-zA-Z0-9])memcmp\(/ && (folder == "crypto" || folder == "identity") && !/\/\* not secret \*\// {
    broken("memcmp: compare secrets in constant time, or say /* not secret */ on the line")
  }
  /(^|[^_a-zA-Z0-9])goto[ \t]/ { broken("goto: use a cleanup attribute") }
  /(^|[^_a-zA-Z0-9])(strcpy|strcat|sprintf|vsprintf|gets)\(/ { broken("writes without a bound") }
  /TODO|FIXME|(^|[^X])XXX([^X]|$)/ { broken("unfinished work belongs in an issue") }
  length($0) && /[ \t]$/ { broken("white space at the end of the line") }

  END { exit bad }
' "${files[@]}"
