// Exercise 1: softmax without overflow.
#include "01_softmax/exercise.h"

/// scores [N, S] -> shares [N, S]: each row at least 0 and summing to 1.
Tensor stable_softmax(const Tensor& scores) {
  const Tensor e = exp(scores - amax(scores, {-1}, KeepDim::yes));
  return e / sum(e, {-1}, KeepDim::yes);
}
