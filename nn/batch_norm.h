// Batch normalisation (Ioffe & Szegedy 2015).
#pragma once

#include "nn/module.h"

namespace heed::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;  // of the running averages: r = (1 - momentum) r + momentum s
};

/// x [B, C], [B, C, L] or [B, C, H, W] -> the same shape, normalised by channel. While training with the batch's own mean and variance,
/// which enter the running ones (the variance with Bessel's correction); otherwise with the running ones. They are buffers, the one state
/// that a layer of heed keeps between calls: several threads may use one BatchNorm only in eval mode. Throws ShapeError, also for a batch
/// of one value a channel while training.
class BatchNorm : public Module {
 public:
  explicit BatchNorm(int64_t channels, BatchNormOptions options = {});
  Tensor operator()(const Tensor& x) const;
  Tensor gain, bias;                      // [C]
  Tensor running_mean, running_variance;  // [C]

 private:
  BatchNormOptions options_;
};
using BatchNorm1d = BatchNorm;
using BatchNorm2d = BatchNorm;

}  // namespace heed::nn
