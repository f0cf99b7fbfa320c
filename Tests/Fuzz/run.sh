#!/usr/bin/env bash
# Fuzzes what reads other people's bytes.
#
#   run.sh SECONDS [TARGET…]    each target for so many seconds; an input that breaks one is kept in found/TARGET
#   run.sh --replay [TARGET…]   only the inputs in corpus and found, once each
#   run.sh --list               the targets
#
#   FUZZ_JOBS=2       targets that run at the same time (default: one per processor)
#   FUZZ_SCRATCH=…    where it builds and keeps the corpora that grow (default .build/fuzz)
#
# Its last line is `N passed, M failed`.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=deploy/lib.sh
. "$here/../../deploy/lib.sh"

scratch="${FUZZ_SCRATCH:-$root/.build/fuzz}"
mode="${1:-}"
[ $# -gt 0 ] && shift

usage() { fail "usage: Tests/Fuzz/run.sh SECONDS_PER_TARGET [TARGET…], or --replay [TARGET…], or --list"; }

# Builds the modules as the package does, with coverage for libFuzzer and with AddressSanitizer; testable, since some checks
# look where only tests may.
build_modules() {
    swift build --package-path "$root" --scratch-path "$scratch" -c release --target Configuration \
        -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing >"$scratch/build.log" 2>&1 ||
        { cat "$scratch/build.log" >&2; fail "the modules did not build: see the messages above."; }
}

# What SwiftPM calls the package, which it derives from the folder's name: whoever shares it sees `package` declarations.
package_name() {
    grep -h '"-module-name","Bytes"' "$scratch"/*.yaml | sed -n 's/.*"-package-name","\([^"]*\)".*/\1/p' | head -n 1
}

# Those of the object files whose source is still there: SwiftPM leaves the others.
living() {
    local object module
    while read -r object; do
        module="$(basename "$(dirname "$object")" .build)"
        if [ ! -d "$root/Sources/$module" ] ||
            [ -n "$(find "$root/Sources/$module" -name "$(basename "$object" .o)" -print -quit)" ]; then
            echo "$object"
        fi
    done
}

# Links the checks to the modules' object files. SwiftPM can't: its executables bring a main of their own.
build_fuzzer() {
    local name objects module_maps=() map
    if [ -x "$fuzzer" ] &&
        [ -z "$(find "$here"/Checks "$here"/Fuzzer "$scratch/release/" -newer "$fuzzer" \( -name '*.swift' -o -name '*.o' \) -print -quit)" ]; then
        return
    fi
    name="$(package_name)"
    [ -n "$name" ] || fail "SwiftPM's manifest in $scratch doesn't say what it calls the package."
    mapfile -t objects < <(find "$scratch/release/" -path '*.build/*.o' | sort | living)
    for map in "$root"/Sources/*/module.modulemap; do
        module_maps+=(-Xcc "-fmodule-map-file=$map")
    done
    # The compiler leaves a file where it runs.
    cd "$scratch"
    swiftc -module-name Fuzz -package-name "$name" -parse-as-library -wmo -O -g \
        -sanitize=fuzzer,address -use-ld=lld \
        -swift-version 6 -strict-memory-safety -warnings-as-errors \
        -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
        -enable-upcoming-feature MemberImportVisibility \
        -I "$scratch/release/Modules" "${module_maps[@]}" \
        "$here"/Checks/*.swift "$here"/Fuzzer/*.swift "${objects[@]}" -o "$fuzzer" >"$scratch/link.log" 2>&1 ||
        { cat "$scratch/link.log" >&2; fail "the fuzzer did not build: see the messages above."; }
}

# The longest input of a target, in bytes: enough to pass the limits that matter.
longest() {
    case "$1" in
        configuration | path) echo 2048 ;;
        websocket) echo 1024 ;;
        *) echo 10000 ;;
    esac
}

# The folders with a target's inputs that are there.
inputs() {
    local folder
    for folder in "$here/corpus/$1" "$here/found/$1"; do
        [ -d "$folder" ] && echo "$folder"
    done
    return 0
}

# The golden tests' configurations, up to their first separator: too many to keep twice.
golden_seeds() {
    local file
    mkdir -p "$scratch/seeds/configuration"
    for file in "$root"/Tests/ConfigurationTests/Golden/*.conftest; do
        sed '/^----------$/,$d' "$file" | head -c 2048 >"$scratch/seeds/configuration/$(basename "$file" .conftest)"
    done
}

# The directives' names, from the reference.
directive_names() {
    mkdir -p "$scratch/dictionaries"
    sed -n 's/^### `\(.*\)`$/"\1 "/p' "$root/docs/configuration.md" >"$scratch/dictionaries/configuration.dict"
}

# one TARGET: runs it and prints its line. The status is 1 if an input broke it.
one() {
    local target="$1" log="$scratch/$1.log" status=0 folders options=() broken dictionary
    mapfile -t folders < <(inputs "$target")
    if [ "$mode" = --replay ]; then
        mapfile -t folders < <([ ${#folders[@]} -eq 0 ] || find "${folders[@]}" -type f | sort)
        [ ${#folders[@]} -gt 0 ] || { echo "$target: nothing to replay"; return 0; }
    else
        mkdir -p "$scratch/grown/$target"
        [ -d "$scratch/seeds/$target" ] && folders+=("$scratch/seeds/$target")
        folders=("$scratch/grown/$target" "${folders[@]}")
        options=(-max_total_time="$mode" -max_len="$(longest "$target")" -print_final_stats=1)
        for dictionary in "$here" "$scratch"; do
            [ -f "$dictionary/dictionaries/$target.dict" ] && options+=(-dict="$dictionary/dictionaries/$target.dict")
        done
    fi
    mkdir -p "$here/found/$target"
    "$fuzzer" --target="$target" -timeout=25 -rss_limit_mb=2048 -artifact_prefix="$here/found/$target/" \
        "${options[@]}" "${folders[@]}" >"$log" 2>&1 || status=$?
    if [ $status -ne 0 ]; then
        broken="$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
        [ -n "$broken" ] || broken="$(sed -n 's/^Running: //p' "$log" | tail -n 1)"
        grep -E -m 3 'Fatal error|ERROR: (libFuzzer|AddressSanitizer)|SUMMARY' "$log" | cut -c 1-1000
        echo "$target: FAILED on ${broken:-no input that it names}; see $log"
        return 1
    fi
    if [ "$mode" = --replay ]; then
        echo "$target: ${#folders[@]} inputs"
    else
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions," \
            "coverage $(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)"
    fi
}

case "$mode" in
    --replay | --list) ;;
    '' | *[!0-9]*) usage ;;
esac
need_swift
need_packages "${build_packages[@]}" lld
ulimit -c 0
mkdir -p "$scratch"
scratch="$(cd "$scratch" && pwd)"
fuzzer="$scratch/fuzzer"
[ "$mode" = --list ] || say "building the fuzzer (some minutes the first time)"
build_modules
build_fuzzer
if [ "$mode" = --list ]; then
    exec "$fuzzer" --list
fi
if [ $# -gt 0 ]; then targets=("$@"); else mapfile -t targets < <("$fuzzer" --list); fi
golden_seeds
directive_names

# A pool of jobs; each leaves its status behind in a file, as `wait -n` doesn't say whose it is.
say "fuzzing ${#targets[@]} targets"
jobs="${FUZZ_JOBS:-$(nproc)}"
rm -rf "$scratch/status"
mkdir "$scratch/status"
for target in "${targets[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    { one "$target" && touch "$scratch/status/$target"; } &
done
wait
rmdir "$here"/found/* "$here/found" 2>/dev/null || true
passed="$(find "$scratch/status" -type f | wc -l)"
failed=$((${#targets[@]} - passed))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
