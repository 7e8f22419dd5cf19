# What every script here shares: the repository's root, one way to fail, one way to print help. Sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# One clear line on stderr, then exit 1.
die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# A usage error is 2, as everywhere in this project.
usage_error() {
    echo "${0##*/}: $* (try --help)" >&2
    exit 2
}

# The comment that opens a script is its help text.
print_help() {
    sed -n '2,/^[^#]/ { /^#/ s/^# \{0,1\}//p }' "$0"
}

# Runs a command silently; shows everything it printed only if it fails.
quietly() {
    local output
    output=$(mktemp)
    if "$@" >"$output" 2>&1; then
        rm -f "$output"
    else
        local status=$?
        cat "$output" >&2
        rm -f "$output"
        return "$status"
    fi
}

# Runs a command of a preset. The sanitizers of GCC 12 do not start under the wider address randomisation of newer
# kernels; where it may be switched off (a container may forbid it), it is.
in_preset() { # preset, command…
    local preset=$1
    shift
    if [[ $preset == [at]san ]] && setarch -R true 2>/dev/null; then set -- setarch -R "$@"; fi
    "$@"
}

# Shows that something lives: reads lines `PERCENT WHAT`. A terminal has one line that changes, anything else a line for each tenth.
show_progress() { # name
    local name=$1 percent what tenth=-1
    while read -r percent what; do
        if [[ -t 1 ]]; then
            printf '\r\033[K%s: %3d %% %s' "$name" "$percent" "${what:0:60}"
        elif ((percent / 10 != tenth)); then
            tenth=$((percent / 10))
            echo "$name: $percent % $what"
        fi
    done
    if [[ -t 1 ]]; then printf '\r\033[K'; fi
}

# Runs ninja, and shows how far it is; all that it printed only if it fails.
ninja_with_progress() { # name, command…
    local name=$1 output status=0
    shift
    output=$(mktemp)
    "$@" 2>&1 | tee "$output" | sed -un 's|^\[\([0-9]\{1,\}\)/\([1-9][0-9]*\)\] \([^ ].*\)|\1 \2 \3|p' |
        while read -r done all what; do echo "$((100 * done / all)) ${what##*/}"; done | show_progress "$name" || status=$?
    ((status == 0)) || cat "$output" >&2
    rm -f "$output"
    return "$status"
}
