#!/usr/bin/env bash
# Fails when a keep-alive request or a WebSocket message allocates heap memory once warm; --trace shows who does. See README.md.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
for tool in cc openssl taskset htpasswd python3; do
    command -v "$tool" >/dev/null || { echo "allocations.sh: $tool is missing: apt-get install gcc libssl-dev openssl util-linux apache2-utils python3" >&2; exit 1; }
done
exec python3 "$here/allocations.py" "$@"
