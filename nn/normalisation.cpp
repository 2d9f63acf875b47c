#include "nn/normalisation.h"

#include <fmt/format.h>

namespace heed::nn {
namespace {

void require_channels(const char* layer, const Tensor& x, int64_t channels, int least_dims) {
  if (x.ndim() < least_dims || x.size(1) != channels) {
    throw ShapeError(layer, fmt::format("takes [B, {}{}...], got {}", channels,
                                        least_dims > 2 ? ", L, " : ", ", x.shape().str()));
  }
}

}  // namespace

GroupNorm::GroupNorm(int64_t groups, int64_t channels, const GroupNormOptions& options, const Scope& scope)
    : Module(scope), groups_(groups), channels_(channels), options_(options) {
  check_at_least("GroupNorm", "groups", groups, 1);
  check_at_least("GroupNorm", "channels", channels, 1);
  check_number("GroupNorm", "eps", options.eps, Allowed::non_negative);
  if (channels % groups != 0)
    throw ValueError("GroupNorm", fmt::format("{} groups do not divide {} channels", groups, channels));
  if (!options.affine) return;
  gain = param("gain", ones({channels}));
  bias = param("bias", zeros({channels}));
}

Tensor GroupNorm::operator()(const Tensor& x) const {
  require_channels("GroupNorm", x, channels_, 2);
  return announce(group_norm(x, groups_, gain, bias, options_.eps));
}

InstanceNorm::InstanceNorm(int64_t channels, const GroupNormOptions& options, const Scope& scope)
    : Module(scope), channels_(channels), options_(options) {
  check_at_least("InstanceNorm", "channels", channels, 1);
  check_number("InstanceNorm", "eps", options.eps, Allowed::non_negative);
  if (!options.affine) return;
  gain = param("gain", ones({channels}));
  bias = param("bias", zeros({channels}));
}

Tensor InstanceNorm::operator()(const Tensor& x) const {
  require_channels("InstanceNorm", x, channels_, 3);
  if (x.numel() > 0 && x.numel() == x.size(0) * x.size(1))
    throw ShapeError("InstanceNorm", "one value a channel has no spread: " + x.shape().str());
  return announce(group_norm(x, channels_, gain, bias, options_.eps));
}

}  // namespace heed::nn
