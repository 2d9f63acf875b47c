// dropout(x, p): y = x m / (1 - p), m drawn from Philox (seed, stream).      vjp: dx = g m / (1 - p), the
// mask made again, never stored. Of rows of a larger batch (random_rows.h) m is those rows of the batch's
// mask.
#include <fmt/format.h>

#include "framework/core/random.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/random_rows.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Dropout {
  static constexpr const char* kName = "dropout";
  double p;
  uint64_t seed, stream;
  int64_t first;  // element of the mask that belongs to the first of x
  Tensor forward(const Tensor& input, Saved&) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::dropout<T>(x.numel(), p, seed, stream, x.data<T>(), y.data<T>(), first);
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    d.add(0, apply(Dropout{p, seed, stream, first}, g));
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{apply(Dropout{0.25, 7, 3, 0}, x[0])}; };
    s.add("", {{3, 50}}, run).reason = "random: PyTorch draws another mask";
    s.add("", {{0, 5}}, run).reason = "random: PyTorch draws another mask";
  }
};

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training) {
  detail::require_defined("dropout", x);
  if (!(p >= 0 && p < 1)) throw ValueError("dropout", fmt::format("p = {} is outside [0, 1)", p));
  if (!training || p == 0) return x;
  Generator& generator = default_generator();
  return apply(Dropout{p, generator.seed(), generator.next_stream(), RandomRows::first_element(x)}, x);
}

DEFINE_OP(dropout, Dropout)

}  // namespace heed
