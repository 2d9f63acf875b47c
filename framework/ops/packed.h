// How ops find the packed form of a weight; internal to the framework.
#pragma once

#include <memory>

#include "framework/core/tensor.h"

namespace heed {

namespace kernels {
class PanelMatrix;
}

namespace detail {
/// The packed form of a weight [N, K] for products with so many rows, from the cache of the thread's scope;
/// null without a scope, and where the plain product is as fast.
std::shared_ptr<const kernels::PanelMatrix> packed_weight(const Tensor& weight, int64_t rows);

}  // namespace detail
}  // namespace heed
