// A product whose zero weights win over an infinity.
#pragma once

#include "framework/core/tensor.h"

namespace heed::detail {

// weight * value, broadcast, and 0 where the weight is 0 though the value is infinite: what has no weight costs nothing, and a factor that
// is 0 in floating point behind an infinity has gone to 0 faster (t log t at 0, x sigmoid(x) at -inf). NaN stays.
Tensor weighed(const Tensor& weight, const Tensor& value);

}  // namespace heed::detail
