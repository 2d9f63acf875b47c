#!/usr/bin/env bash
# The course's runner: what it says, that it keeps how far one is, goes nowhere by itself, and answers bad files and bad use in a line.
#   runner.sh LEARN SOURCE WORK
set -euo pipefail
learn="$1" source="$2" work="$3"
rm -rf "$work"
mkdir -p "$work"
mine="$work/mine" out="$work/out"
run() { "$learn" --folder "$mine" "$@" >"$out" 2>&1; }
fail() { printf 'FAILED: %s\n' "$1"; cat "$out"; exit 1; }
succeeds() { run "$@" || fail "'learn $*' failed"; }
refuses() {  # exit code, then arguments
  local code=0 want="$1"
  shift
  run "$@" || code=$?
  [[ "$code" == "$want" ]] || fail "'learn $*' gave $code, not $want"
}
says() { grep -qF -- "$1" "$out" || fail "it does not say '$1'"; }
first="$mine/01_softmax.cpp"

succeeds
says "0 of 12 exercises passed"
says "1. Softmax without overflow"
[[ -e "$first" ]] || fail "the first exercise was not given"
grep -q '^# Softmax' <("$learn" --folder "$mine" lesson) || fail "no lesson"

# Files that are wrong in ways that no check sees.
printf '#include "01_softmax/exercise.h"\nTensor stable_softmax(const Tensor& scores) {\n  return exp(score);\n}\n' >"$first"
refuses 1 run
says "does not compile"
says "01_softmax.cpp:3:14: error: 'score' was not declared in this scope"
printf '#include "01_softmax/exercise.h"\nTensor softmax_of_mine(const Tensor& scores) { return scores; }\n' >"$first"
refuses 1 run
says "nothing in the file is stable_softmax(heed::Tensor const&)"
printf '#include "01_softmax/exercise.h"\nTensor stable_softmax(const Tensor& scores) {\n  const std::vector<float> row = scores.to_vector<float>();\n  return scores * row[row.size()];\n}\n' >"$first"
refuses 1 run
says "your code crashed: Aborted"
printf '#include "01_softmax/exercise.h"\nTensor stable_softmax(const Tensor& scores) {\n  for (volatile int i = 0;; i = 1 - i) {}\n}\n' >"$first"
refuses 1 run --seconds 1
says "not done after 1 s, and ended"
printf '#include "01_softmax/exercise.h"\nTensor stable_softmax(const Tensor& scores) { return matmul(scores, scores); }\n' >"$first"
refuses 1 run
says "it threw an error: matmul: inner dimensions differ: [1, 3] x [1, 3]"
answer() { printf '#include "01_softmax/exercise.h"\nTensor stable_softmax(const Tensor& scores) {\n%s\n}\n' "$1" >"$first"; }
answer '  const Tensor e = exp(scores);'
refuses 1 run
says "01_softmax.cpp:4:1: error: no return statement in function returning non-void"
answer '  std::cout << scores; return scores;'
refuses 1 run
if grep -q '/usr/' "$out"; then fail "an error in a file that is not the learner's"; fi
answer '  int unused = 3; return scores;'
refuses 1 run
says "the compiler:  01_softmax.cpp:3:7: warning: unused variable 'unused'"
# What an answer prints, and one that prints without end, or ends the program by itself, which is no success.
answer '  show("scores", scores); std::cout << "here"; return scores;'
refuses 1 run
says "  scores [1, 3]"
grep -qxE ' +1 +2 +4' "$out" || fail "no row of numbers"
grep -qx here "$out" || fail "the verdict does not begin its line"
answer '  for (;;) std::printf("again\\n");'
refuses 1 run --seconds 1
says "bytes are left out)"
says "not done after 1 s, and ended"
[[ "$(wc -c <"$out")" -lt 60000 ]] || fail "all of it is shown"
answer '  for (int i = 0; i < 9000; ++i) std::printf("line %d\n", i); return scores;'
refuses 1 run
grep -qxE 'line (0|8999)' "$out" || fail "neither the first lines nor the last"
[[ "$(grep -cxE 'line (0|8999)' "$out")" == 2 ]] || fail "the first or the last lines are missing"
if grep -E '^line ' "$out" | grep -qvxE 'line [0-9]+'; then fail "a line is cut"; fi
answer '  std::printf("x = 7"); std::abort();'
refuses 1 run
says "x = 7"
answer '  throw 5;'
refuses 1 run
says "it threw something that is no std::exception"
answer '  std::exit(0);'
refuses 1 run
says "your code ended the program (exit code 0) before the check was done"
# A mistake that nobody planned: the first wrong number all the same, and no slip.
printf '#include "01_softmax/exercise.h"\nTensor stable_softmax(const Tensor& scores) { return softmax(scores) * 0.5; }\n' >"$first"
refuses 1 run
says "element [0][0], is 0.021005, should be 0.0420101; row 0 sums to 0.5, should be 1"
if grep -q 'likely slip' "$out"; then fail "a slip was seen where there is none"; fi

# Hints one after the other; no solution before success; nothing goes on by itself.
succeeds hint
says "hint 1 of 3"
if grep -q 'hint 2' "$out"; then fail "two hints at once"; fi
succeeds hint
says "hint 2 of 3"
refuses 1 solution
says "opens when yours passes, or now with --give-up"
refuses 1 next
says "exercise 1 has not passed"
succeeds reset
cmp -s "$first" "$source/apps/learn/exercises/01_softmax/start.cpp" || fail "reset did not give the start back"
grep -q 'softmax(scores) \* 0.5' "$mine/01_softmax.cpp.bak" || fail "reset did not keep the learner's file"
succeeds reset
if grep -q 'kept' "$out"; then fail "reset keeps a start"; fi
printf 'second\n' >"$first"
succeeds reset
grep -q 'softmax(scores) \* 0.5' "$mine/01_softmax.cpp.bak" || fail "reset wrote over a file that it kept"
grep -q second "$mine/01_softmax.cpp.bak2" || fail "reset did not keep a second file"
refuses 1 run
says "likely slip: exp overflows"
cp "$source/apps/learn/solutions/01_softmax.cpp" "$first"
succeeds run
says "passed"
says "./run learn next goes on to 2. One look-up by hand"
succeeds list
says ">  1  softmax    Softmax without overflow"
if grep -q ' $' "$out"; then fail "a line ends in spaces"; fi
succeeds solution
says "amax(scores"
succeeds next
says "2. One look-up by hand"
succeeds
says "1 of 12 exercises passed"
succeeds skip
says "3. The padding mask"
succeeds start box
says "12. A trained model, opened"
succeeds start 12_box
says "12. A trained model, opened"
succeeds skip
says "2. One look-up by hand"
refuses 1 solution
succeeds solution --give-up
says "matmul(keys, query)"
succeeds list
says "solution seen"

# watch ends when the file passes.
"$learn" --folder "$mine" watch 2 >"$out" 2>&1 &
watch=$!
for _ in $(seq 300); do
  if grep -q 'waits for a change' "$out"; then break; fi
  sleep 0.1
done
says "waits for a change"
cp "$source/apps/learn/solutions/02_lookup.cpp" "$mine/"
wait "$watch" || fail "watch did not end well"
says "passed"

# Bad use.
refuses 1 start 13
says "learn: there is no exercise '13' (1 to 12, or a name of ./run learn list)"
refuses 2 start
refuses 2 dance
refuses 2 run --seconds 0
printf '{"format": "other"}' >"$mine/progress.json"
refuses 1 list
says "is not what this program wrote"
[[ "$(grep -c '' "$out")" == 1 ]] || fail "an error of several lines"
echo passed
