// batch_norm(x, gain, bias): y = h gain + bias, h = (x - mean) r, r = 1 / sqrt(var + eps), mean and var of
// each channel over the batch.
// vjp with k = g gain: dx = r (k - mean(k) - h mean(k h)),  dgain = sum g h,  dbias = sum g
// [Ioffe & Szegedy 2015, sec. 3]
#include <fmt/format.h>

#include "framework/core/check.h"
#include "framework/core/parallel.h"
#include "framework/kernels/spatial.h"
#include "framework/ops/apply.h"
#include "framework/ops/moments.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/spatial.h"

namespace heed {
namespace {

using kernels::BatchNormSizes;

struct BatchNorm {
  static constexpr const char* kName = "batch_norm";
  static constexpr int kSaved = 4;
  BatchNormSizes sizes;

  std::array<Tensor, 3> forward(const Tensor& input, const Tensor& gain, const Tensor& bias,
                                Saved& saved) const {
    const Tensor x = input.contiguous(), dense_gain = gain.contiguous(), dense_bias = bias.contiguous();
    const Tensor y = empty(x.shape(), x.dtype());
    const Tensor mean = empty({sizes.channels}, DType::f64),
                 variance = empty({sizes.channels}, DType::f64);  // a square may overflow in f32
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::batch_norm<T>(sizes, x.data<T>(), dense_gain.data<T>(), dense_bias.data<T>(), y.data<T>(),
                             mean.data<double>(), variance.data<double>());
    });
    saved.input(input);
    saved.input(gain);
    saved.input(mean);
    saved.input(variance);
    // may be written to
    const auto result = [&](const Tensor& v) {
      return x.dtype() == DType::f64 ? v.clone() : v.to(x.dtype());
    };
    return {y, result(mean), result(variance)};
  }

  void vjp(Grads& d, const std::array<Tensor, 3>& all, const Saved& saved) const {
    const Tensor &g = all[0], x = saved[0], gain = saved[1];
    if (!g.defined()) return;
    if (GradMode::enabled()) {
      const auto by_channel = [&](const Tensor& v) { return mean(v, {0, 2}, KeepDim::yes); };
      const Tensor about = reshape(rsqrt(saved[3].detach() + sizes.eps).to(x.dtype()), {sizes.channels, 1});
      const Tensor centred = detail::centred(x, {0, 2}), k = g * reshape(gain, {sizes.channels, 1});
      const Tensor r = detail::inverse_deviation(centred, {0, 2}, sizes.eps, about), h = centred * r;
      d.add(0, r * (k - by_channel(k) - h * by_channel(k * h)));
      if (d.wants(1)) d.add(1, sum(g * h, {0, 2}));
      if (d.wants(2)) d.add(2, sum(g, {0, 2}));
      return;
    }
    const Tensor dense_g = g.contiguous(), dense_x = x.contiguous(), dense_gain = gain.contiguous(),
                 mean = saved[2], variance = saved[3];
    const Tensor dx = empty(x.shape(), x.dtype()), dgain = empty({sizes.channels}, x.dtype()),
                 dbias = empty({sizes.channels}, x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::batch_norm_backward<T>(sizes, dense_g.data<T>(), dense_x.data<T>(), dense_gain.data<T>(),
                                      mean.data<double>(), variance.data<double>(), dx.data<T>(),
                                      dgain.data<T>(), dbias.data<T>());
    });
    d.add(0, dx);
    if (d.wants(1)) d.add(1, dgain);
    if (d.wants(2)) d.add(2, dbias);
  }

  static void samples(SampleList& s) {
    const char* const torch = "torch.nn.functional.batch_norm(a, None, None, b, c, training=True)";
    const auto run = [](const auto& x) { return std::vector{batch_norm(x[0], x[1], x[2]).output}; };
    s.add(torch, {{5, 3}, {3}, {3}}, run);
    s.add(torch, {{2, 3, 4, 2}, {3}, {3}}, run);
    s.add(torch, {{3, 2, 7}, {2}, {2}}, run);
    const char* const given = "((a.movedim(1, -1) - b) / torch.sqrt(c + 1e-5) * d + e).movedim(-1, 1)";
    s.add(given, {{2, 3, 4, 2}, {3}, positive({3}), {3}, {3}},
          [](const auto& x) { return std::vector{batch_norm(x[0], x[1], x[2], x[3], x[4])}; });
  }
};

// With a mean and a variance that are given, in one pass; not recorded.
struct GivenBatchNorm {
  static constexpr const char* kName = "batch_norm";
  Tensor forward(const Tensor& input, const Tensor& mean, const Tensor& scale, const Tensor& bias,
                 Saved&) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    const int64_t channels = x.shape()[1], rows = x.shape()[0] * channels,
                  n = rows == 0 ? 0 : x.numel() / rows;
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const Tensor dense_mean = mean.contiguous(), dense_scale = scale.contiguous(),
                   dense_bias = bias.contiguous();
      parallel_for(rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t row = begin; row < end; ++row) {
                       const int64_t c = row % channels;
                       const T centre = dense_mean.data<T>()[c], factor = dense_scale.data<T>()[c],
                               shift = dense_bias.data<T>()[c];
                       const T* const from = x.data<T>() + row * n;
                       T* const to = y.data<T>() + row * n;
                       for (int64_t i = 0; i < n; ++i) to[i] = (from[i] - centre) * factor + shift;
                     }
                   });
    });
    return y;
  }
  void vjp(Grads&, const Tensor&, const Saved&) const { HEED_ASSERT(false); }
};

void check(const Tensor& x, std::initializer_list<Tensor> channels, double eps) {
  detail::require_defined("batch_norm", x);
  for (const Tensor& c : channels) detail::require_defined("batch_norm", c);
  check_number("batch_norm", "eps", eps, Allowed::non_negative);
  if (x.ndim() < 2) throw ShapeError("batch_norm", "takes [B, C, ...], got " + x.shape().str());
  for (const Tensor& c : channels) {
    if (c.shape() != Shape{x.shape()[1]}) {
      throw ShapeError("batch_norm", fmt::format("{} for the {} channels of {}", c.shape().str(),
                                                 x.shape()[1], x.shape().str()));
    }
    if (c.dtype() != x.dtype())
      throw DTypeError("batch_norm", fmt::format("dtypes differ: {} and {}", x.describe(), c.describe()));
  }
}

}  // namespace

BatchNormResult batch_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps) {
  check(x, {gain, bias}, eps);
  if (x.numel() == 0) throw ShapeError("batch_norm", "no elements to take a mean of in " + x.shape().str());
  const int64_t batch = x.shape()[0], channels = x.shape()[1], n = x.numel() / batch / channels;
  const auto [y, mean, variance] =
      apply(BatchNorm{{batch, channels, n, eps}}, reshape(x, {batch, channels, n}), gain, bias);
  return {reshape(y, x.shape()), mean.detach(), variance.detach()};
}

Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gain,
                  const Tensor& bias, double eps) {
  check(x, {mean, variance, gain, bias}, eps);
  const bool recorded =
      GradMode::enabled() && (x.requires_grad() || mean.requires_grad() || variance.requires_grad() ||
                              gain.requires_grad() || bias.requires_grad());
  Shape channel{x.shape()[1]};
  for (int i = 2; i < x.ndim(); ++i) channel.push_back(1);
  return detail::composed("batch_norm", [&] {
    // x less the mean before anything: both may be large beside the spread
    const Tensor scale = gain * rsqrt(variance + eps);
    if (!recorded) return apply(GivenBatchNorm{}, x, mean, scale, bias);
    return (x - reshape(mean, channel)) * reshape(scale, channel) + reshape(bias, channel);
  });
}

DEFINE_OP(batch_norm, BatchNorm)

}  // namespace heed
