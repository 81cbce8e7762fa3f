#!/usr/bin/env bash
# kill -9 while certificates are issued: each is whole, with its key and secret, or not there.
. "$(dirname "$0")/../lib.sh"
mkdir "$HUB_DATA"
python3 "$(dirname "$0")/kill9_certificates.py" "$STRONGROOM" "$HUB_DATA" "$(free_port)" "${KILLS:-20}"
check "the audit log verifies" sr audit verify --data "$HUB_DATA"
