#!/bin/sh
# Puts ONNX Runtime's library into .deps/onnxruntime, where the program and its tests find it. Nothing of it is part of this
# project.
#
# Ends with 0 where it is there, with 3 and a sentence that begins with `skipped:` where it can't be had.
set -eu
cd "$(dirname "$0")/.."

version=1.32.0
target=.deps/onnxruntime

skip() {
    echo "skipped: $1" >&2
    exit 3
}

[ "$(cat "$target/stamp" 2>/dev/null || true)" != "$version" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

python3 -m pip --version >/dev/null 2>&1 || sh scripts/install.sh python3-pip ||
    skip "ONNX Runtime is fetched with Python's pip, which is not here"
echo "fetching ONNX Runtime $version (20 MB)" >&2
# The library is the same for every Python: the wheel of one is taken, whichever is here.
python3 -m pip --disable-pip-version-check --quiet download --no-deps --only-binary :all: --dest "$work" \
    --python-version 3.12 --implementation cp --abi cp312 --platform "manylinux_2_27_$(uname -m)" \
    --platform "manylinux_2_28_$(uname -m)" "onnxruntime==$version" >"$work/pip.log" 2>&1 ||
    skip "the package registry has no onnxruntime $version for this machine ($(tail -n 1 "$work/pip.log"))"
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
mkdir -p "$work/library"
cp "$work"/wheel/onnxruntime/capi/libonnxruntime*.so* "$work/library/"
echo "$version" >"$work/library/stamp"

mkdir -p .deps
rm -rf "$target"
mv "$work/library" "$target"
echo "ONNX Runtime is in $PWD/$target" >&2
