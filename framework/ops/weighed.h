// A product in which a weight of 0 gives 0 even when the value is infinite.
#pragma once

#include "framework/core/tensor.h"

namespace heed::detail {

// weight * value with broadcasting, but 0 where the weight is 0 even if the value is infinite: an element
// with weight 0 contributes nothing, and expressions such as t log t at 0 or x sigmoid(x) at -inf have the
// limit 0. NaN stays NaN.
Tensor weighed(const Tensor& weight, const Tensor& value);

}  // namespace heed::detail
