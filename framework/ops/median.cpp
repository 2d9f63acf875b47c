// median(x, dim): the lower one of the middle two, as PyTorch has it; a composition of sort and gather.
#include <fmt/format.h>

#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Median {
  static void samples(SampleList& s) {
    const auto along = [](int dim) {
      return [dim](const auto& x) {
        const Sorted middle = median(x[0], dim);
        return std::vector{middle.values, middle.indices};
      };
    };
    s.add("tuple(torch.median(a, -1))", {{3, 5}}, along(-1));
    s.add("tuple(torch.median(a, 0))", {{4, 2}}, along(0));
    s.add("tuple(torch.median(a, 1))", {{2, 3, 2}}, along(1));
    s.add("tuple(torch.median(a, 1))", {{0, 3}}, along(1));
  }
};

}  // namespace

Sorted median(const Tensor& x, int dim) {
  detail::require_defined("median", x);
  if (x.ndim() == 0) throw ShapeError("median", "nothing to choose from in []");
  const int d = wrap_dim("median", dim, x.ndim());
  const int64_t n = x.shape()[d];
  if (n == 0) throw ShapeError("median", "nothing to choose from in " + x.shape().str());
  return detail::composed("median", [&] {
    const Sorted sorted = sort(x.detach(), d);
    const auto place = [&](int64_t k) { return slice(sorted.indices, d, k, k + 1); };
    // a NaN stands at the end, and is the median
    const Tensor index = where(isnan(slice(sorted.values, d, n - 1, n)), place(n - 1), place((n - 1) / 2));
    return Sorted{squeeze(gather(x, d, index), d), squeeze(index, d)};
  });
}

DEFINE_OP(median, Median)

}  // namespace heed
