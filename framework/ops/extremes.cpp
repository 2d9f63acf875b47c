// max and min along a dimension, with places: argmax and gather.      vjp: g at the chosen places
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

template <class Choose>
Sorted chosen(const char* op, const Tensor& x, int dim, KeepDim keep, const Choose& choose) {
  detail::require_defined(op, x);
  const int d = wrap_dim(op, dim, x.ndim());
  if (x.shape()[d] == 0) throw ShapeError(op, "nothing to choose from in " + x.shape().str());
  return detail::composed(op, [&] {
    const Tensor index = unsqueeze(choose(x.detach(), d), d), values = gather(x, d, index);
    if (keep == KeepDim::yes) return Sorted{values, index};
    return Sorted{squeeze(values, d), squeeze(index, d)};
  });
}

template <bool kMost>
struct Extreme {
  static void samples(SampleList& s) {
    const std::string name = kMost ? "max" : "min";
    const auto along = [](int dim, KeepDim keep) {
      return [dim, keep](const auto& x) {
        const Sorted best = kMost ? max(x[0], dim, keep) : min(x[0], dim, keep);
        return std::vector{best.values, best.indices};
      };
    };
    const auto call = [&](const char* arguments) {
      return "tuple(torch." + name + "(a, " + arguments + "))";
    };
    s.add(call("1"), {{3, 5}}, along(1, KeepDim::no));
    s.add(call("0, keepdim=True"), {{4, 2}}, along(0, KeepDim::yes));
    s.add(call("-2"), {{2, 3, 2}}, along(-2, KeepDim::no));
    s.add(call("1"), {{0, 3}}, along(1, KeepDim::no));
    s.add("torch." + name + "(a)", {{3, 4}},
          [](const auto& x) { return std::vector{kMost ? max(x[0]) : min(x[0])}; });
    s.add("torch." + name + "(a, b)", {{3, 4}, {4}},
          [](const auto& x) { return std::vector{kMost ? max(x[0], x[1]) : min(x[0], x[1])}; });
  }
};
using Max = Extreme<true>;
using Min = Extreme<false>;

}  // namespace

Sorted max(const Tensor& x, int dim, KeepDim keep) {
  return chosen("max", x, dim, keep, [](const Tensor& of, int d) { return argmax(of, d); });
}
Sorted min(const Tensor& x, int dim, KeepDim keep) {
  return chosen("min", x, dim, keep, [](const Tensor& of, int d) { return argmin(of, d); });
}
Tensor max(const Tensor& x) {
  return detail::composed("max", [&] { return amax(x); });
}
Tensor min(const Tensor& x) {
  return detail::composed("min", [&] { return amin(x); });
}
Tensor max(const Tensor& a, const Tensor& b) {
  return detail::composed("max", [&] { return maximum(a, b); });
}
Tensor min(const Tensor& a, const Tensor& b) {
  return detail::composed("min", [&] { return minimum(a, b); });
}

DEFINE_OP(max, Max)
DEFINE_OP(min, Min)

}  // namespace heed
