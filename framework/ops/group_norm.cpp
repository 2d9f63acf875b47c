// group_norm(x, gain, bias): y = h gain + bias, h = (x - mean) r, r = 1 / sqrt(var + eps), mean and var of
// each group of channels of an image, gain and bias of each channel. vjp with k = g gain: dx = r (k - mean(k)
// - h mean(k h)),  dgain = sum g h,  dbias = sum g [Wu & He 2018]
#include <fmt/format.h>

#include "framework/core/check.h"
#include "framework/kernels/spatial.h"
#include "framework/ops/apply.h"
#include "framework/ops/moments.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/spatial.h"

namespace heed {
namespace {

using kernels::GroupNormSizes;

// x [B, groups, channels of a group, n]; gain and bias [groups, channels of a group, 1] or undefined.
struct GroupNorm {
  static constexpr const char* kName = "group_norm";
  static constexpr int kSaved = 4;
  GroupNormSizes sizes;

  Tensor forward(const Tensor& input, const Tensor& gain, const Tensor& bias, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    const Tensor dense_gain = dense(gain), dense_bias = dense(bias);
    const Tensor mean = empty({sizes.batch, sizes.groups}, DType::f64),
                 variance = empty({sizes.batch, sizes.groups}, DType::f64);  // a square may overflow in f32
    if (x.numel() > 0) {
      dispatch_floating(kName, x.dtype(), [&](auto t) {
        using T = decltype(t);
        kernels::group_norm<T>(sizes, x.data<T>(), pointer<T>(dense_gain), pointer<T>(dense_bias),
                               y.data<T>(), mean.data<double>(), variance.data<double>());
      });
    }
    saved.input(input);
    saved.input(gain);
    saved.input(mean);
    saved.input(variance);
    return y;
  }

  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], gain = saved[1];
    if (GradMode::enabled() || x.numel() == 0) {
      const auto by_group = [&](const Tensor& v) { return mean(v, {2, 3}, KeepDim::yes); };
      const Tensor about =
          reshape(rsqrt(saved[3].detach() + sizes.eps).to(x.dtype()), {sizes.batch, sizes.groups, 1, 1});
      const Tensor centred = detail::centred(x, {2, 3}), k = gain.defined() ? g * gain : g;
      const Tensor r = detail::inverse_deviation(centred, {2, 3}, sizes.eps, about), h = centred * r;
      d.add(0, r * (k - by_group(k) - h * by_group(k * h)));
      if (d.wants(1)) d.add(1, sum(g * h, {0, 3}, KeepDim::yes).squeeze(0));
      if (d.wants(2)) d.add(2, sum(g, {0, 3}, KeepDim::yes).squeeze(0));
      return;
    }
    const Tensor dense_g = g.contiguous(), dense_x = x.contiguous(), dense_gain = dense(gain),
                 mean = saved[2], variance = saved[3];
    const Shape of_each{sizes.batch, sizes.groups, sizes.channels, 1};
    const Tensor dx = empty(x.shape(), x.dtype()), dgain = empty(of_each, DType::f64),
                 dbias = empty(of_each, DType::f64);
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::group_norm_backward<T>(sizes, dense_g.data<T>(), dense_x.data<T>(), pointer<T>(dense_gain),
                                      mean.data<double>(), variance.data<double>(), dx.data<T>(),
                                      dgain.data<double>(), dbias.data<double>());
    });
    d.add(0, dx);
    if (d.wants(1)) d.add(1, sum(dgain, {0}).to(x.dtype()));
    if (d.wants(2)) d.add(2, sum(dbias, {0}).to(x.dtype()));
  }

  static Tensor dense(const Tensor& v) { return v.defined() ? v.contiguous() : v; }
  template <class T>
  static const T* pointer(const Tensor& v) {
    return v.defined() ? v.data<T>() : nullptr;
  }

  static void samples(SampleList& s) {
    s.add("torch.nn.functional.group_norm(a, 2, b, c)", {{2, 4, 3}, {4}, {4}},
          [](const auto& x) { return std::vector{group_norm(x[0], 2, x[1], x[2])}; });
    s.add("torch.nn.functional.group_norm(a, 3, b, c)", {{2, 3, 2, 2}, {3}, {3}},
          [](const auto& x) { return std::vector{group_norm(x[0], 3, x[1], x[2])}; });
    s.add("torch.nn.functional.group_norm(a, 1)", {{2, 6}},
          [](const auto& x) { return std::vector{group_norm(x[0], 1)}; });
    s.add("torch.nn.functional.group_norm(a, 2, b, c)", {{0, 4, 3}, {4}, {4}},
          [](const auto& x) { return std::vector{group_norm(x[0], 2, x[1], x[2])}; });
  }
};

}  // namespace

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& gain, const Tensor& bias, double eps) {
  detail::require_defined("group_norm", x);
  check_at_least("group_norm", "groups", groups, 1);
  check_number("group_norm", "eps", eps, Allowed::non_negative);
  if (x.ndim() < 2) throw ShapeError("group_norm", "takes [B, C, ...], got " + x.shape().str());
  const int64_t batch = x.size(0), channels = x.size(1);
  if (channels % groups != 0)
    throw ValueError("group_norm", fmt::format("{} groups do not divide {} channels", groups, channels));
  for (const Tensor& each : {gain, bias}) {
    if (!each.defined()) continue;
    if (each.shape() != Shape{channels}) {
      throw ShapeError("group_norm", fmt::format("{} for the {} channels of {}", each.shape().str(), channels,
                                                 x.shape().str()));
    }
    if (each.dtype() != x.dtype())
      throw DTypeError("group_norm", fmt::format("dtypes differ: {} and {}", x.describe(), each.describe()));
  }
  const int64_t each = channels / groups, n = batch * channels == 0 ? 0 : x.numel() / (batch * channels);
  const auto by_channel = [&](const Tensor& v) { return v.defined() ? reshape(v, {groups, each, 1}) : v; };
  return detail::composed("group_norm", [&] {
    const Tensor grouped = reshape(x, {batch, groups, each, n});
    return reshape(
        apply(GroupNorm{{batch, groups, each, n, eps}}, grouped, by_channel(gain), by_channel(bias)),
        x.shape());
  });
}

DEFINE_OP(group_norm, GroupNorm)

}  // namespace heed
