#include "nn/batch_norm.h"

namespace heed::nn {

BatchNorm::BatchNorm(int64_t channels, BatchNormOptions options, const Scope& scope)
    : Module(scope),
      gain((check_at_least("BatchNorm", "channels", channels, 1),
            check_number("BatchNorm", "eps", options.eps, Allowed::non_negative),
            check_number("BatchNorm", "momentum", options.momentum, Allowed::portion),
            param("gain", ones({channels})))),
      bias(param("bias", zeros({channels}))),
      running_mean(buffer("running_mean", zeros({channels}))),
      running_variance(buffer("running_variance", ones({channels}))),
      options_(options) {}

Tensor BatchNorm::operator()(const Tensor& x) const {
  if (!training()) return announce(batch_norm(x, running_mean, running_variance, gain, bias, options_.eps));
  const int64_t channels = gain.size(0), count = x.numel() / std::max<int64_t>(channels, 1);
  if (count == 1 && x.ndim() > 1 && x.size(1) == channels)
    throw ShapeError("batch_norm", "one value a channel has no variance to train with: " + x.shape().str());
  const BatchNormResult result = batch_norm(x, gain, bias, options_.eps);
  const NoGradGuard no_grad;
  const double m = options_.momentum, bessel = static_cast<double>(count) / static_cast<double>(count - 1);
  running_mean.copy_(running_mean * (1 - m) + result.mean * m);
  running_variance.copy_(running_variance * (1 - m) + result.variance * (m * bessel));
  return announce(result.output);
}

}  // namespace heed::nn
