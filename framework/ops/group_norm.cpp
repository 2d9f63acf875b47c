// group_norm(x): layer_norm over each group of channels (Wu & He 2018), then gain and bias of the channel.
#include <fmt/format.h>

#include "framework/core/check.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/spatial.h"

namespace heed {
namespace {

struct GroupNorm {
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
  Shape by_channel{channels};
  for (int i = 2; i < x.ndim(); ++i) by_channel.push_back(1);
  for (const Tensor& each : {gain, bias}) {
    if (!each.defined()) continue;
    if (each.shape() != Shape{channels}) {
      throw ShapeError("group_norm", fmt::format("{} for the {} channels of {}", each.shape().str(), channels,
                                                 x.shape().str()));
    }
    if (each.dtype() != x.dtype())
      throw DTypeError("group_norm", fmt::format("dtypes differ: {} and {}", x.describe(), each.describe()));
  }
  return detail::composed("group_norm", [&] {
    int64_t size = channels / groups;
    for (int i = 2; i < x.ndim(); ++i) size *= x.shape()[i];
    Tensor y = reshape(layer_norm(reshape(x, {batch, groups, size}), {}, {}, eps), x.shape());
    if (gain.defined()) y = y * reshape(gain, by_channel);
    return bias.defined() ? y + reshape(bias, by_channel) : y;
  });
}

DEFINE_OP(group_norm, GroupNorm)

}  // namespace heed
