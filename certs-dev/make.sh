#!/bin/sh
# Makes a development authority and a server certificate signed by it, both ECDSA P-256.
#
#   certs-dev/make.sh [-o DIRECTORY] [NAME|ADDRESS]...
#
# The certificate is for localhost, 127.0.0.1, ::1 and what is given. What is there already and still good for a week is
# kept, so that a browser that trusts the authority goes on doing so.
set -eu

out=$(dirname "$0")/out
if [ "${1:-}" = -o ]; then
    [ $# -ge 2 ] || { echo "make.sh: -o needs a directory" >&2; exit 2; }
    out=$2
    shift 2
fi

names=DNS:localhost,IP:127.0.0.1,IP:::1
for name in "$@"; do
    case $name in
    '' | -* | *[!A-Za-z0-9.:*-]*)
        echo "make.sh: \"$name\" is neither a name nor an address" >&2
        exit 2
        ;;
    *:*) names=$names,IP:$name ;;
    *[!0-9.]*) names=$names,DNS:$name ;;
    *) names=$names,IP:$name ;;
    esac
done

umask 077
mkdir -p "$out"
week=604800
work=$(mktemp -d "$out/.make.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if ! openssl x509 -in "$out/ca.pem" -noout -checkend $week >/dev/null 2>&1 || [ ! -s "$out/ca.key" ]; then
    openssl ecparam -name prime256v1 -genkey -noout -out "$work/ca.key"
    openssl req -x509 -new -sha256 -key "$work/ca.key" -out "$work/ca.pem" -days 3650 \
        -subj "/CN=Postern development authority" -config /dev/stdin -extensions v3 <<'CONFIG'
[req]
distinguished_name = name
[name]
[v3]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONFIG
    mv "$work/ca.key" "$work/ca.pem" "$out/"
    rm -f "$out/cert.pem"
    echo "made the authority $out/ca.pem"
fi

if ! openssl x509 -in "$out/cert.pem" -noout -checkend $week >/dev/null 2>&1 || [ ! -s "$out/key.pem" ] \
    || [ "$(cat "$out/names" 2>/dev/null)" != "$names" ]; then
    openssl ecparam -name prime256v1 -genkey -noout -out "$work/key.pem"
    openssl req -new -sha256 -key "$work/key.pem" -out "$work/server.csr" -subj "/CN=localhost"
    cat >"$work/extensions" <<EXTENSIONS
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $names
EXTENSIONS
    # Browsers take no certificate that lives longer than 398 days.
    openssl x509 -req -sha256 -in "$work/server.csr" -CA "$out/ca.pem" -CAkey "$out/ca.key" -days 397 \
        -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions" -out "$work/leaf.pem" 2>/dev/null
    cat "$work/leaf.pem" "$out/ca.pem" >"$work/cert.pem"
    printf '%s\n' "$names" >"$work/names"
    mv "$work/key.pem" "$out/key.pem"
    mv "$work/cert.pem" "$out/cert.pem"
    mv "$work/names" "$out/names"
    echo "made $out/cert.pem and $out/key.pem for $names"
fi

chmod 600 "$out/ca.key" "$out/key.pem"
chmod 644 "$out/ca.pem" "$out/cert.pem"
chmod 755 "$out"
