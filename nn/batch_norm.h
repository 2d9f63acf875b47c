// Batch normalisation (Ioffe & Szegedy 2015).
#pragma once

#include "nn/module.h"

namespace heed::nn {

/// What BatchNorm can be told.
struct BatchNormOptions {
  double eps = 1e-5;      // keeps the root away from 0; at least 0
  double momentum = 0.1;  // in [0, 1], of the running averages: r = (1 - momentum) r + momentum s
};

/// Normalises by channel. While training with the batch's own mean and variance, which enter the running ones (the variance with Bessel's
/// correction); otherwise with the running ones. They are buffers, the one state that a layer of heed keeps between calls: several threads
/// may use one BatchNorm only in eval mode.
class BatchNorm : public Module {
 public:
  /// @param channels C
  /// @param options eps, momentum
  /// @throws ValueError for a number outside its range
  explicit BatchNorm(int64_t channels, BatchNormOptions options = {}, const Scope& scope = {});
  /// @param x [B, C], [B, C, L] or [B, C, H, W]
  /// @return the same shape
  /// @throws ShapeError, also for a batch of one value a channel while training
  Tensor operator()(const Tensor& x) const;
  Tensor gain, bias;                      // [C]
  Tensor running_mean, running_variance;  // [C]

 private:
  BatchNormOptions options_;
};
using BatchNorm1d = BatchNorm;  // the name elsewhere for [B, C] and [B, C, L]
using BatchNorm2d = BatchNorm;  // the name elsewhere for [B, C, H, W]

}  // namespace heed::nn
