#!/usr/bin/env bash
# Processor time per operation of nginx, haproxy, caddy and postern on this machine, as markdown tables. See README.md.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
for tool in nginx openssl taskset htpasswd python3 cc; do
    command -v "$tool" >/dev/null || { echo "compare.sh: $tool is missing: apt-get install nginx openssl libssl-dev util-linux apache2-utils python3 gcc" >&2; exit 1; }
done
exec python3 "$here/compare.py" "$@"
