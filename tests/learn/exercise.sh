#!/usr/bin/env bash
# An exercise of the course: its start compiles and fails, each slip is recognised as itself, its solution passes within a minute.
#   exercise.sh LEARN SOURCE WORK EXERCISE
set -euo pipefail
learn="$1" source="$2" work="$3" exercise="$4"
die() { printf '%s: %s\n' "$exercise" "$*" >&2; exit 1; }

rm -rf "$work"
mkdir -p "$work"
begin=$(date +%s)
if "$learn" --folder "$work" run "$exercise" >"$work/start.txt" 2>&1; then die "the start passes"; fi
grep -q 'first wrong: ' "$work/start.txt" || die "the start is no answer that fails: $(cat "$work/start.txt")"
cmp -s "$work/$exercise.cpp" "$source/apps/learn/exercises/$exercise/start.cpp" || die "the learner's file is not the start"
"$learn" --folder "$work" solution "$exercise" >/dev/null 2>&1 && die "the solution opens before anything passed"
for i in 1 2 3; do "$learn" --folder "$work" hint "$exercise" | grep -q "hint $i of 3" || die "no hint $i"; done

"$work/.build/$exercise/check" --slips >"$work/slips.txt" || die "slips:
$(grep -v ': recognised' "$work/slips.txt")"

cp "$source/apps/learn/solutions/$exercise.cpp" "$work/"
HEED_TRANSLATORS="$source/translators" "$learn" --folder "$work" run --seconds 60 "$exercise" >"$work/solution.txt" 2>&1 || die "the solution fails: $(cat "$work/solution.txt")"
"$learn" --folder "$work" solution "$exercise" >/dev/null || die "the solution does not open after success"
printf '%s: %s slips, %s, %d s in all\n' "$exercise" "$(wc -l <"$work/slips.txt")" "$(grep passed "$work/solution.txt")" $(($(date +%s) - begin))
