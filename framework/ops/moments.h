// What normalisations and their gradients are composed of, safe where a mean is large beside the spread and where a square overflows.
#pragma once

#include <vector>

#include "framework/core/tensor.h"

namespace heed::detail {

// x - mean(x, dims). The mean is taken in two parts, as f32 may not hold it as exactly as the difference is wanted.
Tensor centred(const Tensor& x, const std::vector<int>& dims);
// 1 / sqrt(mean(centred^2, dims) + eps), the dims kept with extent 1. `about` is the result as a number; by the power of two below it the
// elements are brought near 1 before they are squared.
Tensor inverse_deviation(const Tensor& centred, const std::vector<int>& dims, double eps, const Tensor& about);

}  // namespace heed::detail
