// cumprod(x): y_i = x_0 ... x_i along a dim.
// vjp: dx_k = b_k a_k with b_k = x_0 ... x_(k-1) and a_k = g_k + x_(k+1) a_(k+1), which divides by nothing;
// where no element is 0 it is (sum over i >= k of g_i y_i) / x_k, the form that is differentiated again.
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct CumProd {
  static constexpr const char* kName = "cumprod";
  int dim;

  // Calls f(first element, distance between elements) for each row along dim.
  template <class F>
  void each_row(const Shape& shape, const F& f) const {
    int64_t inner = 1;
    for (int i = dim + 1; i < shape.ndim(); ++i) inner *= shape[i];
    if (shape.numel() == 0) return;
    for (int64_t outer = 0; outer < shape.numel() / (shape[dim] * inner); ++outer) {
      for (int64_t i = 0; i < inner; ++i) f(outer * shape[dim] * inner + i, inner);
    }
  }

  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* const from = x.data<T>();
      T* const to = y.data<T>();
      each_row(x.shape(), [&](int64_t first, int64_t step) {
        double product = 1;
        for (int64_t k = 0, at = first; k < x.shape()[dim]; ++k, at += step)
          to[at] = static_cast<T>(product *= static_cast<double>(from[at]));
      });
    });
    saved.input(input);
    saved.output(y);
    return y;
  }

  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0];
    if (!GradMode::enabled()) return d.add(0, gradient(g, x));
    if (all(ne(x.detach(), zeros({}, x.dtype()))).item() != 0)
      return d.add(0, flip(cumsum(flip(g * saved[1], {dim}), dim), {dim}) / x);
    d.add(0, recorded_gradient(g, x));
  }

  Tensor gradient(const Tensor& cotangent, const Tensor& input) const {
    const Tensor g = cotangent.contiguous(), x = input.contiguous(), dx = empty(x.shape(), x.dtype());
    const int64_t n = x.shape()[dim];
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T *const weight = g.data<T>(), *const from = x.data<T>();
      T* const to = dx.data<T>();
      std::vector<double> before(static_cast<size_t>(n));
      each_row(x.shape(), [&](int64_t first, int64_t step) {
        double product = 1, behind = 0;
        for (int64_t k = 0; k < n; ++k) {
          before[static_cast<size_t>(k)] = product;
          product *= static_cast<double>(from[first + k * step]);
        }
        for (int64_t k = n - 1; k >= 0; --k) {
          const int64_t at = first + k * step;
          behind = static_cast<double>(weight[at]) +
                   (k + 1 < n ? static_cast<double>(from[at + step]) * behind : 0);
          to[at] = static_cast<T>(before[static_cast<size_t>(k)] * behind);
        }
      });
    });
    return dx;
  }

  // The same in public ops, a step at a time.
  Tensor recorded_gradient(const Tensor& g, const Tensor& x) const {
    const int64_t n = x.shape()[dim];
    const auto part = [&](const Tensor& t, int64_t k) { return slice(t, dim, k, k + 1); };
    std::vector<Tensor> parts(static_cast<size_t>(n));
    Tensor behind = part(g, n - 1);
    for (int64_t k = n - 1; k >= 0; --k) {
      if (k + 1 < n) behind = part(g, k) + part(x, k + 1) * behind;
      parts[static_cast<size_t>(k)] = behind;
    }
    Tensor before = part(x, 0);
    for (int64_t k = 1; k < n; ++k) {
      parts[static_cast<size_t>(k)] = parts[static_cast<size_t>(k)] * before;
      before = before * part(x, k);
    }
    return concat(parts, dim);
  }

  static void samples(SampleList& s) {
    const auto along = [](int d) { return [d](const auto& x) { return std::vector{cumprod(x[0], d)}; }; };
    s.add("torch.cumprod(a, 0)", {away_from_zero({3, 5})}, along(0));
    s.add("torch.cumprod(a, 1)", {away_from_zero({2, 3, 4})}, along(1));
    s.add("torch.cumprod(a, -1)", {{0, 3}}, along(-1));
    s.add("torch.cumprod(a.masked_fill(b, 0), 1)", {{2, 4}, mask({2, 4}, {0, 1, 0, 0, 1, 0, 1, 0})},
          [](const auto& x) {  // one zero and two in a row
            return std::vector{cumprod(masked_fill(x[0], x[1], 0), 1)};
          });
  }
};

}  // namespace

Tensor cumprod(const Tensor& x, int dim) {
  detail::require_defined("cumprod", x);
  const int d = wrap_dim("cumprod", dim, x.ndim());
  return apply(CumProd{d}, x);
}

DEFINE_OP(cumprod, CumProd)

}  // namespace heed
