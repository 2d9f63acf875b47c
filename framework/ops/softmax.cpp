// softmax(x, dim): y_i = exp(x_i - m) / sum_j exp(x_j - m), m = max_j x_j.   vjp: dx = y (g - sum(g y))
// [Martins & Astudillo 2016, 2.5] log_softmax(x, dim): y_i = x_i - m - log sum_j exp(x_j - m). vjp: dx = g -
// exp(y) sum(g) masked_softmax(x, lengths): softmax over the first lengths[b] entries, 0 elsewhere; the vjp
// is softmax's, since y = 0 there.
#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/sequence.h"

namespace heed {
namespace {

int64_t row_count(const Tensor& x) { return x.shape().back() == 0 ? 0 : x.numel() / x.shape().back(); }

Tensor softmax_vjp(const char* name, const Tensor& g, const Tensor& y) {
  if (GradMode::enabled()) return y * (g - sum(g * y, {-1}, KeepDim::yes));
  const Tensor dense_g = g.contiguous(), dx = empty(y.shape(), y.dtype());
  dispatch_floating(name, y.dtype(), [&](auto t) {
    using T = decltype(t);
    kernels::softmax_backward<T>(row_count(y), y.shape().back(), dense_g.data<T>(), y.data<T>(),
                                 dx.data<T>());
  });
  return dx;
}

struct Softmax {  // over the last dimension
  static constexpr const char* kName = "softmax";
  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::softmax<T>(row_count(x), x.shape().back(), x.data<T>(), nullptr, 1, y.data<T>());
    });
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const { d.add(0, softmax_vjp(kName, g, saved[0])); }
  static void samples(SampleList& s) {
    s.add("torch.softmax(a, 1)", {{3, 5}}, [](const auto& x) { return std::vector{softmax(x[0], 1)}; });
    s.add("torch.softmax(a, 0)", {{2, 1, 4}}, [](const auto& x) { return std::vector{softmax(x[0], 0)}; });
    s.add("torch.softmax(a, -1)", {{2, 70}}, [](const auto& x) { return std::vector{softmax(x[0])}; });
    s.add("torch.softmax(a, 1)", {{0, 5}}, [](const auto& x) { return std::vector{softmax(x[0], 1)}; });
  }
};

struct LogSoftmax {  // over the last dimension
  static constexpr const char* kName = "log_softmax";
  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::log_softmax<T>(row_count(x), x.shape().back(), x.data<T>(), y.data<T>());
    });
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor y = saved[0];
    if (GradMode::enabled()) return d.add(0, g - exp(y) * sum(g, {-1}, KeepDim::yes));
    const Tensor dense_g = g.contiguous(), dx = empty(y.shape(), y.dtype());
    dispatch_floating(kName, y.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::log_softmax_backward<T>(row_count(y), y.shape().back(), dense_g.data<T>(), y.data<T>(),
                                       dx.data<T>());
    });
    d.add(0, dx);
  }
  static void samples(SampleList& s) {
    s.add("torch.log_softmax(a, 1)", {{3, 5}},
          [](const auto& x) { return std::vector{log_softmax(x[0], 1)}; });
    s.add("torch.log_softmax(a, 1)", {{2, 3, 4}},
          [](const auto& x) { return std::vector{log_softmax(x[0], 1)}; });
    s.again({{0, 3}});
  }
};

struct MaskedSoftmax {
  static constexpr const char* kName = "masked_softmax";
  Tensor lengths;
  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype()), dense = lengths.contiguous();
    const int64_t rows_per_length = x.ndim() == 3 ? x.shape()[1] : 1;
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::softmax<T>(row_count(x), x.shape().back(), x.data<T>(), dense.data<int64_t>(), rows_per_length,
                          y.data<T>());
    });
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const { d.add(0, softmax_vjp(kName, g, saved[0])); }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{masked_softmax(x[0], x[1])}; };
    s.add("masked_softmax(a, b)", {{3, 2, 5}, integers({3}, {5, 2, 1})}, run);
    s.again({{2, 4}, integers({2}, {3, 0})});
    s.again({{0, 4}, integers({0}, {})});
    s.again({{2, 0}, integers({2}, {0, 0})});
  }
};

}  // namespace

Tensor softmax(const Tensor& x, int dim) {
  detail::require_defined("softmax", x);
  const int d = wrap_dim("softmax", dim, x.ndim());
  return d == x.ndim() - 1 ? apply(Softmax{}, x) : transpose(apply(Softmax{}, transpose(x, d, -1)), d, -1);
}

Tensor log_softmax(const Tensor& x, int dim) {
  detail::require_defined("log_softmax", x);
  const int d = wrap_dim("log_softmax", dim, x.ndim());
  return d == x.ndim() - 1 ? apply(LogSoftmax{}, x)
                           : transpose(apply(LogSoftmax{}, transpose(x, d, -1)), d, -1);
}

Tensor masked_softmax(const Tensor& x, const Tensor& lengths) {
  detail::require_defined("masked_softmax", x, lengths);
  if (x.ndim() != 2 && x.ndim() != 3)
    throw ShapeError("masked_softmax", fmt::format("takes [B, S] or [B, T, S], got {}", x.shape().str()));
  detail::checked_lengths("masked_softmax", lengths, x.size(0), x.shape().back());
  return apply(MaskedSoftmax{lengths}, x);
}

DEFINE_OP(softmax, Softmax)
DEFINE_OP(log_softmax, LogSoftmax)
DEFINE_OP(masked_softmax, MaskedSoftmax)

}  // namespace heed
