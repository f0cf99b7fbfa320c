#!/usr/bin/env bash
# Processor time per operation for nginx, haproxy and postern on this machine, as a markdown table. See README.md.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
for tool in nginx wrk openssl taskset htpasswd python3; do
    command -v "$tool" >/dev/null || { echo "compare.sh: $tool is missing: apt-get install nginx wrk openssl util-linux apache2-utils python3" >&2; exit 1; }
done
ulimit -n "$(ulimit -Hn)"
exec python3 "$here/compare.py" "$@"
