#!/bin/sh
# Fills .deps/ with what the TensorRT backend is developed and tested with on a machine without a Jetson: the TensorRT-RTX
# library (its builder needs no GPU), its headers, and the headers of a TensorRT 11. Nothing of it is part of this project.
#
# Ends with 0 where everything is there, with 3 and a sentence that begins with `skipped:` where it can't be had.
set -eu
cd "$(dirname "$0")/.."

library_package=tensorrt-rtx-cu13-libs
library_version=1.7.1.116
# A crate whose source holds the headers; nothing else of it is used.
header_crate=trtx-sys
header_version=0.9.1+rtx1.7
header_sha256=5480ee056292951daa1bc74532162d6cb75190f091e45d7d97c0c356916ae171

target=.deps
stamp="$library_version $header_version"

skip() {
    echo "skipped: $1" >&2
    exit 3
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || skip "the TensorRT-RTX library is fetched for Linux on x86-64 only"
[ "$(cat "$target/tensorrt-rtx/stamp" 2>/dev/null || true)" != "$stamp" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

python3 -m pip --version >/dev/null 2>&1 || sh scripts/install.sh python3-pip ||
    skip "the TensorRT-RTX library is fetched with Python's pip, which is not here"
echo "fetching the TensorRT-RTX $library_version library (95 MB) and headers" >&2
python3 -m pip --disable-pip-version-check --quiet download --no-deps --only-binary :all: --dest "$work" \
    "$library_package==$library_version" >"$work/pip.log" 2>&1 ||
    skip "the package registry has no $library_package $library_version for this machine ($(tail -n 1 "$work/pip.log"))"
${CARGO:-cargo} info --quiet "$header_crate@$header_version" >/dev/null 2>"$work/cargo.log" ||
    skip "the package registry has no $header_crate $header_version ($(tail -n 1 "$work/cargo.log"))"
crate=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/cache" -name "$header_crate-$header_version.crate" | head -n 1)
[ -n "$crate" ] || skip "cargo kept no copy of $header_crate $header_version"
echo "$header_sha256  $crate" | sha256sum --check --quiet - >&2 || {
    echo "error: $crate is not what it was when this script was written" >&2
    exit 1
}

mkdir -p "$work/tensorrt-rtx/lib" "$work/tensorrt-rtx/include" "$work/tensorrt-11/include"
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
mv "$work"/wheel/tensorrt_rtx_libs/*.so.* "$work/tensorrt-rtx/lib/"
tar -xzf "$crate" -C "$work"
headers=$work/$header_crate-$header_version/TensorRT-Headers
cp -R "$headers"/TRT-RTX-1.7/. "$work/tensorrt-rtx/include/"
cp -R "$headers"/TRT-Enterprise-11.4/. "$work/tensorrt-11/include/"
echo "$stamp" >"$work/tensorrt-rtx/stamp"

mkdir -p "$target"
for folder in tensorrt-rtx tensorrt-11; do
    rm -rf "${target:?}/$folder"
    mv "$work/$folder" "$target/$folder"
done
# Cargo compiles the backend when it sees that the headers have come.
touch build.rs
