#!/bin/sh
# Compiles the TensorRT shim, warnings as errors, against every folder DIR/*/include, and prints a line for each:
# `7.1.3 ok`, or the first error. Fails where one fails or where there is none.
set -eu
cd "$(dirname "$0")/.."

shim=src/backend/tensorrt/ffi
failed=0
found=0
for include in "${1:?usage: shim-matrix.sh DIR}"/*/include; do
    [ -f "$include/NvInfer.h" ] || continue
    found=$((found + 1))
    name=$(basename "$(dirname "$include")")
    if errors=$("${CXX:-c++}" -std=c++14 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -isystem "$include" \
        -I"$shim/cuda" "$shim/shim.cpp" 2>&1); then
        echo "$name ok"
    else
        failed=1
        echo "$name $(printf '%s\n' "$errors" | grep -m 1 'error' || printf '%s\n' "$errors" | head -n 1)"
    fi
done
[ "$found" -gt 0 ] || {
    echo "error: no folder $1/*/include holds NvInfer.h" >&2
    exit 2
}
exit "$failed"
