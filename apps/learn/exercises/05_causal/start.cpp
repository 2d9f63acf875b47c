// Exercise 5: the causal mask, and a test for leaks. Read lesson.md first; ./run learn run checks this file.
#include "05_causal/exercise.h"

/// scores [T, T] -> weights [T, T]: row t sums to 1 over the places 0 to t and is 0 after them.
Tensor causal_weights(const Tensor& scores) { gap("causal_weights"); }

/// x [T, D], attend makes [T, D] of it. Changes the rows t, t + 1, ... of x.
/// Returns the largest change of the outputs 0 to t - 1; t is at least 1.
double leak(const Attend& attend, const Tensor& x, int64_t t) { gap("leak"); }
