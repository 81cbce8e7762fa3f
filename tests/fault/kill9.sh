#!/usr/bin/env bash
# kill -9 under write load, 200 times: what was acknowledged is there and works, and the audit log verifies.
. "$(dirname "$0")/../lib.sh"
mkdir "$HUB_DATA"
python3 "$(dirname "$0")/kill9.py" "$STRONGROOM" "$HUB_DATA" "$(free_port)" "${KILLS:-200}"
check "the audit log verifies" sr audit verify --data "$HUB_DATA"
