#!/usr/bin/env bash
# Figures about heed itself: what the tests checked, how long the smallest program compiles, how large libraries and programs are.
#   bench/figures.sh [BUILD]        after ./run test; BUILD is build/release unless said
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build="$(cd "${1:-build/release}" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

echo "== what the tests checked"
"$build/bin/framework_tests" --gtest_brief=1 \
  --gtest_filter='Mutation.*:Parity.Outputs*:Registry.*:Autocast.*:SpecialValues.EveryOp*' |
  grep -E '^(mutants|PyTorch|gradients|largest|special)'

echo "== the smallest program (seconds: median of five, -O2, one compiler)"
for header in framework/framework nn/nn; do
  cat >"$work/smallest.cpp" <<TEXT
#include <heed/$header.h>
int main() { return heed::sum(heed::ones({2, 2})).item() == 4 ? 0 : 1; }
TEXT
  times=()
  for _ in 1 2 3 4 5; do
    start=$(date +%s.%N)
    g++ -std=c++20 -O2 -I "$build/headers" -c "$work/smallest.cpp" -o "$work/smallest.o"
    times+=("$(echo "$(date +%s.%N) $start" | awk '{printf "%.2f", $1 - $2}')")
  done
  printf 'compiling #include <heed/%s.h>: %s s\n' "$header" "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 3p)"
done

echo "== sizes"
cmake --install "$build" --prefix "$work/prefix" >/dev/null
for library in "$work"/prefix/lib*/*.a "$work"/prefix/lib*/*/*.a; do
  [[ -e "$library" ]] || continue
  size -t "$library" | awk -v name="$(basename "$library")" 'END {printf "%s: %.2f MB of code and data\n", name, ($1 + $2) / 1e6}'
done
export PKG_CONFIG_PATH="$(dirname "$(find "$work/prefix" -name heed.pc)")"
# shellcheck disable=SC2046
g++ -std=c++20 -O2 $(pkg-config --cflags heed) "$work/smallest.cpp" -o "$work/smallest" $(pkg-config --libs --static heed) -Wl,--gc-sections
strip "$work/smallest"
printf 'the smallest program, linked and stripped: %.2f MB\n' "$(stat -c %s "$work/smallest" | awk '{print $1 / 1e6}')"
