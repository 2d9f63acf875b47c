#include "framework/ops/moments.h"

#include <cmath>

#include "framework/ops/elementwise.h"

namespace heed::detail {

Tensor centred(const Tensor& x, const std::vector<int>& dims) {
  const Tensor away = x - mean(x, dims, KeepDim::yes);
  // 0 but for rounding, and so are its derivatives; beside an infinity none
  const Tensor rest = mean(away.detach(), dims, KeepDim::yes);
  return away - each("centred", rest, [](auto v) { return std::isfinite(v) ? v : 0; });
}

Tensor inverse_deviation(const Tensor& centred, const std::vector<int>& dims, double eps,
                         const Tensor& about) {
  const Tensor scale = each("inverse_deviation", about, [](auto v) {
    // a power of two: nothing is rounded
    return std::isfinite(v) && v > 0 ? std::ldexp(1.0, std::ilogb(v)) : 1.0;
  });
  return scale * rsqrt(mean(square(centred * scale), dims, KeepDim::yes) + scale * eps * scale);
}

}  // namespace heed::detail
