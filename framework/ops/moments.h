// Building blocks of normalisation layers and their gradients, accurate when the mean is large compared with
// the spread and safe when a square would overflow.
#pragma once

#include <vector>

#include "framework/core/tensor.h"

namespace heed::detail {

// x - mean(x, dims). The mean is computed as a sum of two parts, because a single f32 may not represent it
// accurately enough for the difference.
Tensor centred(const Tensor& x, const std::vector<int>& dims);
// 1 / sqrt(mean(centred^2, dims) + eps); the dims are kept with extent 1. `about` holds the values of the
// result as forward computed them, without gradients: elements are scaled by the power of two below it, so
// that they are near 1 before they are squared.
Tensor inverse_deviation(const Tensor& centred, const std::vector<int>& dims, double eps,
                         const Tensor& about);

}  // namespace heed::detail
