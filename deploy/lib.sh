# What run.sh, test.sh and .ci/run share. Sourced, never run.
# shellcheck shell=bash disable=SC2034

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# What the binary is built from and runs with.
build_packages=(libssl-dev libpcre2-dev libnghttp2-dev libcrypt-dev libsqlite3-dev openssl pkg-config)

# Says what went wrong and what to do, and ends.
fail() {
    printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

say() {
    printf '\n== %s\n' "$*" >&2
}

# Installs the Debian packages that are missing; names them all when it can't.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null ||
        fail "these packages are missing and there is no apt-get to install them: ${missing[*]} (Debian's names)."
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "these packages are missing: run 'apt-get install ${missing[*]}' as root, then start again."
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
        { "${as_root[@]}" apt-get update -q >&2 &&
            "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >&2; } ||
        fail "apt-get could not install ${missing[*]}: see its message above."
}

# Insists on a toolchain that can build the package.
need_swift() {
    command -v swift >/dev/null ||
        fail "there is no Swift toolchain. Install Swift 6.3 or newer from https://www.swift.org/install/linux/ and start again."
    local version
    version="$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)"
    [ "$(printf '6.3\n%s\n' "${version:-0.0}" | sort -V | head -n 1)" = 6.3 ] ||
        fail "Swift ${version:-of an unknown version} is too old: Postern needs 6.3 or newer (https://www.swift.org/install/linux/)."
}

# Builds the release binary and names it in $binary. Its log is left in .build/release.log.
build_release() {
    if [ -n "${POSTERN_BINARY:-}" ]; then
        [ -x "$POSTERN_BINARY" ] || fail "POSTERN_BINARY names $POSTERN_BINARY, which is not an executable file."
        binary="$POSTERN_BINARY"
        return
    fi
    say "building the release binary (some minutes the first time)"
    mkdir -p "$root/.build"
    swift build --package-path "$root" -c release --static-swift-stdlib --product postern 2>&1 |
        tee "$root/.build/release.log" >&2 || fail "the release build failed: see the messages above."
    binary="$root/.build/release/postern"
}
