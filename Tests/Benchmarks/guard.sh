#!/usr/bin/env bash
# Fails when an operation costs over 3 % more instructions than instructions.json says; --update rewrites it. See README.md.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
for tool in valgrind callgrind_control cc openssl taskset htpasswd h2load python3; do
    command -v "$tool" >/dev/null || { echo "guard.sh: $tool is missing: apt-get install valgrind gcc libssl-dev openssl util-linux apache2-utils nghttp2-client python3" >&2; exit 1; }
done
exec python3 "$here/guard.py" "$@"
