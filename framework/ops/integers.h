// Reductions of whole numbers and masks, exact in i64 up to 2^63, where they wrap around. They have no
// gradient.
#pragma once

#include <vector>

#include "framework/ops/reductions.h"

namespace heed::detail {

// Sum and product over dims (empty: all), of i64 or a mask: i64.
Tensor sum_of_integers(const Tensor& x, const std::vector<int>& dims, KeepDim keep);
Tensor product_of_integers(const Tensor& x, const std::vector<int>& dims, KeepDim keep);
// The largest (smallest) over dims, of x's type; there must be elements.
Tensor extreme_of_integers(const char* op, bool largest, const Tensor& x, const std::vector<int>& dims,
                           KeepDim keep);
// The sums of the first 1, 2, ... along dim, a dimension of x: i64.
Tensor cumulative_sum_of_integers(const Tensor& x, int dim);

}  // namespace heed::detail
