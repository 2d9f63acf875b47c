#!/usr/bin/env bash
# Runs fuzz targets, which ./run fuzz has built: fuzz.sh BUILD SECONDS JOBS [TARGET...]
# BUILD/fuzz/corpus/TARGET keeps what it found on the way, BUILD/fuzz/findings what no target may do.
set -euo pipefail
build="$1" seconds="$2" jobs="$3"
shift 3
work="$build/fuzz"
export ASAN_OPTIONS="detect_stack_use_after_return=1:${ASAN_OPTIONS:-}" UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
export OPENBLAS_NUM_THREADS=1
longest=10 memory=2048  # seconds and MiB that one file may take

known=()
for program in "$build"/bin/fuzz_*; do
  name="${program##*/fuzz_}"
  [[ "$name" == seeds ]] || known+=("$name")
done
[[ $# -gt 0 ]] || set -- "${known[@]}"
for name in "$@"; do
  [[ " ${known[*]} " == *" $name "* ]] || { printf 'fuzz: there is no target %s (%s)\n' "$name" "${known[*]}" >&2; exit 2; }
done

# The targets write their files to memory where they can.
shared="$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" heed-fuzz.XXXXXX)"
trap 'rm -rf "$shared"' EXIT
export TMPDIR="$shared"

mkdir -p "$work/findings" "$work/logs"
rm -rf "$work/seeds"
mkdir "$work/seeds"
"$build/bin/fuzz_seeds" write "$work/seeds"

one() {  # target
  mkdir -p "$work/corpus/$1"
  "$build/bin/fuzz_$1" "$work/corpus/$1" "$work/seeds/$1" -max_total_time="$seconds" -timeout="$longest" -rss_limit_mb="$memory" \
    -report_slow_units="$longest" -use_value_profile=1 -dict="$work/seeds/$1.dict" -artifact_prefix="$work/findings/$1-" -print_final_stats=1 \
    >"$work/logs/$1" 2>&1 || true
}

touch "$work/started"
for name in "$@"; do
  while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
  one "$name" &
done
wait

printf '%-14s %12s %9s %8s %9s\n' target executions a_second corpus findings
status=0
for name in "$@"; do
  log="$work/logs/$name"
  count="$(find "$work/findings" -name "$name-*" -newer "$work/started" | wc -l)"
  runs="$(grep -a '^stat::number_of_executed_units:' "$log" | awk '{print $2}')"
  if [[ -z "$runs" ]]; then  # it never began, or ended without a word
    count="failed"
  fi
  rate="$(grep -a '^stat::average_exec_per_sec:' "$log" | awk '{print $2}')"
  corpus="$(grep -aoE ' corp: [0-9]+' "$log" | tail -1 | awk '{print $2}')"
  printf '%-14s %12s %9s %8s %9s\n' "$name" "${runs:--}" "${rate:--}" "${corpus:--}" "$count"
  [[ "$count" == 0 ]] || status=1
done
if [[ "$status" != 0 ]]; then
  printf '\nfindings; each file again with its target:\n'
  find "$work/findings" -type f -newer "$work/started" | sort | while read -r file; do
    name="${file##*/}"
    printf '  %s/bin/fuzz_%s %s\n' "$build" "${name%%-*}" "$file"
  done
  for name in "$@"; do
    grep -aq '^stat::number_of_executed_units:' "$work/logs/$name" || { printf '  %s ended before it read a file:\n' "$name"; tail -5 "$work/logs/$name"; }
  done
  printf 'logs: %s/logs\n' "$work"
fi
exit "$status"
