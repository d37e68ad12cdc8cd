#!/bin/sh
# Checks the Rust toolchain and installs the two system packages that a build needs: a linker with the C++ library, and Z3.
set -eu
cd "$(dirname "$0")/.."

wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

fail() {
    echo "error: $1" >&2
    echo "hint: $2" >&2
    exit 1
}

command -v "${CARGO:-cargo}" >/dev/null 2>&1 ||
    fail "cargo is not installed (Rust $wanted or newer is needed)" "install Rust with rustup: https://rustup.rs"

found=$("${CARGO:-cargo}" --version | sed -n 's/^cargo \([0-9][0-9.]*\).*/\1/p')
oldest=$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)
[ "$oldest" = "$wanted" ] ||
    fail "cargo ${found:-of an unknown version} is too old: Rust $wanted or newer is needed" \
        "with rustup: rustup update stable; a distribution's own package may stay too old: https://rustup.rs"

missing=
{ command -v cc && command -v c++; } >/dev/null 2>&1 || missing="$missing g++"
if [ -z "${Z3_SYS_Z3_HEADER:-}" ] &&
    ! { command -v cc >/dev/null 2>&1 && echo '#include <z3.h>' | cc -E -x c - >/dev/null 2>&1; }; then
    missing="$missing libz3-dev"
fi
[ -n "$missing" ] || exit 0

# shellcheck disable=SC2086 # a list of package names
exec sh scripts/install.sh $missing
