#!/bin/sh
# Installs the named Debian packages with apt-get: directly as root, else through sudo, else prints the line to run.
set -eu

fail() {
    echo "error: $1" >&2
    echo "hint: $2" >&2
    exit 1
}

command -v apt-get >/dev/null 2>&1 ||
    fail "these packages (by their Debian names) are missing: $*" "install them with your system's package manager"
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null 2>&1; then
    sudo=sudo
else
    fail "these packages are missing and neither root nor sudo is at hand: $*" \
        "run as root: apt-get update && apt-get install -y $*"
fi
echo "installing: $*" >&2
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
