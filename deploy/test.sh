#!/usr/bin/env bash
# Installs what the tests need and runs them: the unit tests, then the built binary against real peers, then the count of
# what a request allocates. The soak runs only when it is asked for.
#
#   deploy/test.sh [--unit] [--interop] [--allocations] [-- pytest options]      without a choice: all three
#   deploy/test.sh --sanitize address|thread …       unit and interop tests of a build with that sanitizer in it
#   deploy/test.sh --soak [SECONDS]      mixed clients, reloads and upstream restarts, 600 s unless told otherwise
#
#   POSTERN_BINARY=…         a binary to drive instead of building one
#   POSTERN_SOAK_SECONDS=…   how long --soak takes when it names no time
set -euo pipefail
# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Makes the virtual environment of the interop tests, named in $venv, unless it is there.
need_venv() {
    venv="$root/.build-venv"
    requirements="$root/Tests/Interop/requirements.txt"
    if ! cmp -s "$requirements" "$venv/requirements.txt"; then
        rm -rf "$venv"
        python3 -m venv "$venv" || fail "python3 could not make a virtual environment in $venv."
        "$venv/bin/pip" install -q --disable-pip-version-check -r "$requirements" ||
            fail "pip could not install $requirements: see its message above."
        cp "$requirements" "$venv/requirements.txt"
    fi
}

unit=0 interop=0 allocations=0 soak=0 sanitize='' soak_seconds="${POSTERN_SOAK_SECONDS:-600}"
while [ $# -gt 0 ]; do
    case "$1" in
        --unit) unit=1 ;;
        --interop) interop=1 ;;
        --allocations) allocations=1 ;;
        --soak)
            soak=1
            if [[ "${2:-}" =~ ^[0-9]+$ ]]; then
                soak_seconds="$2"
                shift
            fi
            ;;
        --sanitize) [ $# -gt 1 ] || fail "--sanitize wants a name: address or thread."; sanitize="$2"; shift ;;
        --) shift; break ;;
        -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1: see --help." ;;
    esac
    shift
done
[[ "$soak_seconds" =~ ^[0-9]+$ ]] || fail "POSTERN_SOAK_SECONDS is \"$soak_seconds\": it must be whole seconds."
build=(--package-path "$root") ran=''
case "$sanitize" in
    '') [ $((unit + interop + allocations + soak)) -eq 0 ] && unit=1 interop=1 allocations=1 ;;
    address | thread)
        [ $((allocations + soak)) -eq 0 ] ||
            fail "--allocations and --soak measure what a sanitizer changes: leave one of them out."
        [ $((unit + interop)) -eq 0 ] && unit=1 interop=1
        build+=(--sanitize="$sanitize" --scratch-path "$root/.build-$sanitize")
        ran="$sanitize-"
        ;;
    *) fail "there is no sanitizer \"$sanitize\": address or thread." ;;
esac

need_packages "${build_packages[@]}"
need_swift
mkdir -p "$root/.build"
failed=()
closing=()

if [ -n "$sanitize" ]; then
    # What the sanitizer has to be told of. Swift's own clang: it knows Swift's calling convention.
    told="$root/.build-$sanitize/told.o"
    mkdir -p "$root/.build-$sanitize"
    "$(dirname "$(readlink -f "$(command -v swiftc)")")/clang" -O1 -Wall -c "$root/Tests/Sanitizers/$sanitize.c" \
        -o "$told" || fail "Tests/Sanitizers/$sanitize.c could not be compiled: see above."
    build+=(-Xlinker "$told")
fi

if [ $unit -eq 1 ]; then
    # What secrets are decrypted with.
    need_packages age
    say "unit tests"
    log="$root/.build/${ran}unit-tests.log"
    lists="$root/Tests/Sanitizers"
    LSAN_OPTIONS="suppressions=$lists/leaks.txt:print_suppressions=0" TSAN_OPTIONS="suppressions=$lists/thread.txt" \
        swift test "${build[@]}" 2>&1 | tee "$log" || failed+=("unit tests")
    closing+=("unit tests: $(grep -E 'Test run with|error: ' "$log" | tail -n 1)")
fi

if [ $interop -eq 1 ]; then
    need_packages nginx curl openssl apache2-utils python3 python3-venv procps util-linux nghttp2-client testssl.sh \
        slowhttptest chromium debootstrap iproute2 strace systemd age
    if [ -n "$sanitize" ] && [ -z "${POSTERN_BINARY:-}" ]; then
        # Not the release build: with its checks in, and the same build that the unit tests need.
        say "building the binary with the $sanitize sanitizer (some minutes the first time)"
        swift build "${build[@]}" --product postern >&2 || fail "the build failed: see the messages above."
        binary="$root/.build-$sanitize/debug/postern"
    else
        build_release
    fi
    say "interop tests against $binary"
    need_venv
    # INTEROP_TESTS has the paths of some of the tests, INTEROP_LOG another name for their log.
    read -ra tests <<<"${INTEROP_TESTS:-$root/Tests/Interop}"
    log="$root/.build/${ran}${INTEROP_LOG:-interop-tests}.log"
    POSTERN_BINARY="$binary" "$venv/bin/pytest" "${tests[@]}" -c "$root/Tests/Interop/pytest.ini" \
        -p no:cacheprovider -q "$@" 2>&1 | tee "$log" || failed+=("interop tests")
    closing+=("interop tests: $(tail -n 1 "$log")")
fi

if [ $soak -eq 1 ]; then
    need_packages curl openssl apache2-utils python3 python3-venv procps nghttp2-client
    [ -n "${binary:-}" ] || build_release
    need_venv
    say "soak of $soak_seconds s against $binary"
    log="$root/.build/soak.log"
    (cd "$root/Tests/Interop" && POSTERN_BINARY="$binary" "$venv/bin/python" -m soak --seconds "$soak_seconds") 2>&1 |
        tee "$log" || failed+=("soak")
    closing+=("soak: $(grep -E 'things are wrong' "$log" | tail -n 1 || true)")
fi

if [ $allocations -eq 1 ]; then
    need_packages gcc libc6-dev openssl apache2-utils python3 util-linux
    [ -n "${binary:-}" ] || build_release
    say "heap allocations of $binary"
    log="$root/.build/allocations.log"
    POSTERN_BINARY="$binary" "$root/Tests/Benchmarks/allocations.sh" 2>&1 | tee "$log" || failed+=("allocations")
    closing+=("allocations: $(tail -n 1 "$log")")
fi

printf '\n'
printf '%s\n' "${closing[@]}"
if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "$(IFS=,; echo "${failed[*]}")"
    exit 1
fi
echo "All tests passed."
