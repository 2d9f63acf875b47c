// Exercise 5: the causal mask, and a test for leaks.
#include "05_causal/exercise.h"

/// scores [T, T] -> weights [T, T]: row t sums to 1 over the places 0 to t and is 0 after them.
Tensor causal_weights(const Tensor& scores) {
  const Tensor later = triu(ones(scores.shape()), 1).to(DType::boolean);
  return softmax(masked_fill(scores, later, -INFINITY));
}

/// x [T, D], attend makes [T, D] of it. Changes the rows t, t + 1, ... of x.
/// Returns the largest change of the outputs 0 to t - 1; t is at least 1.
double leak(const Attend& attend, const Tensor& x, int64_t t) {
  const Tensor changed = concat({slice(x, 0, 0, t), slice(x, 0, t, x.size(0)) + 1}, 0);
  const Tensor difference = attend(changed) - attend(x);
  return amax(abs(slice(difference, 0, 0, t))).item();
}
