#!/usr/bin/env bash
# Eight threads on one handle of libstrongroom wrap, unwrap, seal, open, read secrets and ranges at the same time.
. "$(dirname "$0")/../lib.sh"
hub_start
sr key create app --type oct --size 256 >/dev/null
printf value | sr secret set known >/dev/null
same "threads" "8 threads, 12 rounds" "$(TMPDIR=$WORK "$(dirname "$STRONGROOM")/tests/lib/lib-threads" app known value 2>&1)"
hub_stop
