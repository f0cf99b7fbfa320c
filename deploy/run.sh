#!/usr/bin/env bash
# From a fresh clone to a login through TLS: installs what is missing, builds, makes development certificates and a first
# user, and starts Postern in front of its embedded demo gateway. Ctrl-C ends all of it.
#
#   PORT=8443               the port to listen on
#   POSTERN_DIRECTORY=…     where certificates, users and proxy.conf go (default .build/demo)
#   POSTERN_BINARY=…        a binary to use instead of building one
#
# Its last lines are the address, the user and the password to log in with.
set -euo pipefail
# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

port="${PORT:-8443}"
directory="${POSTERN_DIRECTORY:-$root/.build/demo}"
user=demo
server=

if ! [[ "$port" =~ ^[0-9]{1,5}$ ]] || [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then
    fail "PORT is '$port': give a number from 1 to 65535."
fi

end() {
    trap - INT TERM EXIT
    if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then
        wait "$server" 2>/dev/null || true
    fi
}
trap 'end; exit 0' INT TERM
trap end EXIT

listening() {
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

listening && fail "something listens on port $port already: choose another with PORT=…"
need_packages "${build_packages[@]}"
[ -n "${POSTERN_BINARY:-}" ] || need_swift
build_release

mkdir -p "$directory"
log="$directory/demo.log"
# Certificates that are still good are kept, so that a browser that trusts the authority goes on doing so.
"$root/certs-dev/make.sh" -o "$directory/tls" >&2 || fail "certs-dev/make.sh failed: see its message above."

# A password is kept as a hash only, so each start makes a new one.
users="$directory/htpasswd"
action=add
[ -f "$users" ] && grep -q "^$user:" "$users" && action=passwd
password="$("$binary" user "$action" "$users" "$user" --generate | awk 'NF { word = $NF } END { print word }')" ||
    fail "the first user could not be made in $users."

"$binary" demo --port "$port" --directory "$directory" >"$log" 2>&1 &
server=$!

for _ in $(seq 100); do
    kill -0 "$server" 2>/dev/null || { cat "$log" >&2; fail "Postern ended while starting: see above (the log is $log)."; }
    listening && break
    sleep 0.1
done
listening || { cat "$log" >&2; fail "Postern did not listen on port $port within ten seconds (the log is $log)."; }
kill -0 "$server" 2>/dev/null || { cat "$log" >&2; fail "Postern ended while starting: see above (the log is $log)."; }

printf 'log %s\n' "$log"
printf 'address https://localhost:%s\nuser %s\npassword %s\n' "$port" "$user" "$password"
wait "$server" || fail "Postern ended unexpectedly: see $log."
