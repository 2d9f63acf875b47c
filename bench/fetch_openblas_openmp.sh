#!/bin/sh
# Unpacks OpenBLAS built on OpenMP into build/openblas-openmp, where compare_torch finds it for PyTorch with two threads. Installs nothing.
set -eu
into="$(cd "$(dirname "$0")/.." && pwd)/build/openblas-openmp"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download libopenblas0-openmp)
mkdir -p "$into"
dpkg -x "$work"/libopenblas0-openmp_*.deb "$into"
echo "unpacked into $into"
