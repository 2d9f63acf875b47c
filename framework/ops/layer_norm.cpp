// layer_norm(x, gain, bias): y = h gain + bias, h = (x - mean) r, r = 1 / sqrt(var + eps), over the last
// dimension.
// vjp with k = g gain: dx = r (k - mean(k) - h mean(k h)),  dgain = sum g h,  dbias = sum g over rows
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "framework/core/check.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/moments.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct LayerNorm {
  static constexpr const char* kName = "layer_norm";
  static constexpr int kSaved = 4;
  double eps;

  static int64_t row_count(const Tensor& x) {
    return x.shape().back() == 0 ? 0 : x.numel() / x.shape().back();
  }

  // Writes the statistics of the rows, [rows, 3], as well.
  Tensor normalised(const Tensor& input, const Tensor& gain, const Tensor& bias, const Tensor& stats) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::layer_norm<T>(row_count(x), x.shape().back(), x.data<T>(), gain.contiguous().data<T>(),
                             bias.contiguous().data<T>(), eps, y.data<T>(), stats.data<T>());
    });
    return y;
  }

  Tensor forward(const Tensor& input, const Tensor& gain, const Tensor& bias, Saved& saved) const {
    const Tensor stats = empty({row_count(input), 3}, input.dtype());
    Tensor y = normalised(input, gain, bias, stats);
    saved.input(input);
    saved.input(gain);
    saved.input(stats);
    saved.input(bias);
    return y;
  }

  Tensor again(const Saved& saved) const {
    return normalised(saved[0], saved[1], saved[3], empty(saved[2].shape(), saved[2].dtype()));
  }

  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], gain = saved[1];
    const int64_t n = x.shape().back(), rows = row_count(x);
    if (GradMode::enabled()) {
      const Tensor about = reshape(slice(saved[2].detach(), 1, 2, 3), x.shape().with(x.ndim() - 1, 1)),
                   centred = detail::centred(x, {-1});
      const Tensor scale = detail::inverse_deviation(centred, {-1}, eps, about), h = centred * scale,
                   k = g * gain;
      d.add(0, scale * (k - mean(k, {-1}, KeepDim::yes) - h * mean(k * h, {-1}, KeepDim::yes)));
      if (d.wants(1)) d.add(1, sum_to(g * h, gain.shape()));
      if (d.wants(2)) d.add(2, sum_to(g, gain.shape()));
      return;
    }
    const Tensor dense_g = g.contiguous(), dense_x = x.contiguous(), dx = empty(x.shape(), x.dtype());
    const Tensor dgain = empty({n}, x.dtype()), dbias = empty({n}, x.dtype()), dense_gain = gain.contiguous(),
                 stats = saved[2];
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::layer_norm_backward<T>(rows, n, dense_g.data<T>(), dense_x.data<T>(), dense_gain.data<T>(),
                                      stats.data<T>(), dx.data<T>(), dgain.data<T>(), dbias.data<T>());
    });
    d.add(0, dx);
    if (d.wants(1)) d.add(1, dgain);
    if (d.wants(2)) d.add(2, dbias);
  }

  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{layer_norm(x[0], x[1], x[2])}; };
    s.add("torch.nn.functional.layer_norm(a, (5,), b, c)", {{3, 5}, {5}, {5}}, run);
    s.add("torch.nn.functional.layer_norm(a, (37,), b, c)", {{2, 3, 37}, {37}, {37}}, run);
    s.add("torch.nn.functional.layer_norm(a, (4,), b, c)", {{0, 4}, {4}, {4}}, run);
    s.add("torch.nn.functional.layer_norm(a.t(), (4,), b, c)", {{4, 3}, {4}, {4}},
          [](const auto& x) { return std::vector{layer_norm(transpose(x[0]), x[1], x[2])}; });
    s.add("torch.nn.functional.layer_norm(a, (4,))", {{2, 4}},
          [](const auto& x) { return std::vector{layer_norm(x[0], {}, {})}; });
  }
};

struct RmsNorm {
  static void samples(SampleList& s) {
    const char* const torch = "a * torch.rsqrt((a * a).mean(-1, keepdim=True) + 1e-5) * b";
    const auto run = [](const auto& x) { return std::vector{rms_norm(x[0], x[1])}; };
    s.add(torch, {{3, 5}, {5}}, run);
    s.add(torch, {{2, 3, 17}, {17}}, run);
    s.add(torch, {{0, 3}, {3}}, run);
  }
};

// Whether means of squares, and eps beside them, are neither infinite nor so small that squares may have been
// rounded away.
bool squares_hold(const Tensor& squares, double eps) {
  return dispatch_floating("rms_norm", squares.dtype(), [&](auto t) {
    using T = decltype(t);
    const T* const from = squares.data<T>();
    return std::all_of(from, from + squares.numel(), [&](T v) {
      return std::isfinite(v) &&
             static_cast<double>(v) + eps > 1e10 * static_cast<double>(std::numeric_limits<T>::min());
    });
  });
}

// What each row is divided by before it is squared, as [*, 1] reciprocals: the power of two below its largest
// element, but not below the root of eps, beside which the squares count nothing. Such a division is exact,
// so that ordinary rows keep their bits.
Tensor row_scales(const Tensor& input, double eps) {
  const Tensor x = input.detach().contiguous(), scales = empty(x.shape().with(x.ndim() - 1, 1), x.dtype());
  const int64_t n = x.shape().back();
  const double least = std::sqrt(eps);
  dispatch_floating("rms_norm", x.dtype(), [&](auto t) {
    using T = decltype(t);
    for (int64_t r = 0; r < scales.numel(); ++r) {
      double most = least;
      for (int64_t i = 0; i < n; ++i)
        most = std::max(most, std::abs(static_cast<double>(x.data<T>()[r * n + i])));
      scales.data<T>()[r] =
          std::isfinite(most) && most > 0 ? static_cast<T>(std::ldexp(1.0, -std::ilogb(most))) : T{1};
    }
  });
  return scales;
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& given_gain, const Tensor& given_bias, double eps) {
  detail::require_defined("layer_norm", x);
  check_number("layer_norm", "eps", eps, Allowed::non_negative);
  if (x.ndim() < 1) throw ShapeError("layer_norm", "takes vectors, got " + x.shape().str());
  const Shape size{x.shape().back()};
  const Tensor gain = given_gain.defined() ? given_gain : ones(size, x.dtype()),
               bias = given_bias.defined() ? given_bias : zeros(size, x.dtype());
  if (gain.shape() != size || bias.shape() != gain.shape()) {
    throw ShapeError("layer_norm", fmt::format("gain {} and bias {} do not fit {}", gain.shape().str(),
                                               bias.shape().str(), x.shape().str()));
  }
  for (const Tensor& other : {gain, bias}) {
    if (other.dtype() != x.dtype()) {
      throw DTypeError("layer_norm", fmt::format("dtypes differ: {} and {}", x.describe(), other.describe()));
    }
  }
  return apply(LayerNorm{eps}, x, gain, bias);
}

Tensor rms_norm(const Tensor& x, const Tensor& gain, double eps) {
  detail::require_defined("rms_norm", x, gain);
  check_number("rms_norm", "eps", eps, Allowed::non_negative);
  if (x.ndim() == 0 || gain.shape() != Shape{x.shape().back()}) {
    throw ShapeError("rms_norm", fmt::format("gain {} for {}", gain.shape().str(), x.shape().str()));
  }
  if (gain.dtype() != x.dtype())
    throw DTypeError("rms_norm", fmt::format("dtypes differ: {} and {}", x.describe(), gain.describe()));
  if (!is_floating(x.dtype()))
    throw DTypeError("rms_norm", fmt::format("takes f32 or f64, got {}", name_of(x.dtype())));
  return detail::composed("rms_norm", [&] {
    const Tensor squares = mean(square(x), {-1}, KeepDim::yes);
    if (squares_hold(squares, eps)) return x * rsqrt(squares + eps) * gain;
    const Tensor scale = row_scales(x, eps), scaled = x * scale;
    return scaled * rsqrt(mean(square(scaled), {-1}, KeepDim::yes) + scale * eps * scale) * gain;
  });
}

DEFINE_OP(rms_norm, RmsNorm)
DEFINE_OP(layer_norm, LayerNorm)

}  // namespace heed
