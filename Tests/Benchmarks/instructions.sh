#!/usr/bin/env bash
# User-space instructions per request under callgrind: instructions.sh SERVER [WORKLOAD] [N]. See README.md.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
for tool in nginx valgrind openssl htpasswd python3; do
    command -v "$tool" >/dev/null || { echo "instructions.sh: $tool is missing: apt-get install nginx valgrind openssl apache2-utils python3" >&2; exit 1; }
done
exec python3 "$here/instructions.py" "$@"
