// Batch normalisation (Ioffe & Szegedy 2015).
#pragma once

#include "nn/module.h"

namespace heed::nn {

/// Options of BatchNorm.
struct BatchNormOptions {
  double eps = 1e-5;      // added under the square root so that it is not 0; at least 0
  double momentum = 0.1;  // in [0, 1]; running average r = (1 - momentum) r + momentum (value of the batch)
};

/// Batch normalisation for each channel. In training mode it normalises with the mean and variance of the
/// batch, and adds them to the running averages (the variance with Bessel's correction); in evaluation mode
/// it normalises with the running averages. The averages are buffers and the only state that a layer of heed
/// keeps between calls, so several threads may share a BatchNorm only in evaluation mode.
class BatchNorm : public Module {
 public:
  using Options = BatchNormOptions;  // for Sequential::emplace
  /// @param channels C
  /// @param options eps, momentum
  /// @throws ValueError for a number outside its range
  explicit BatchNorm(int64_t channels, BatchNormOptions options = {}, const Scope& scope = {});
  /// @param x [B, C], [B, C, L] or [B, C, H, W]
  /// @return a tensor of the same shape
  /// @throws ShapeError, also in training mode for a batch with only one value per channel
  Tensor operator()(const Tensor& x) const;
  Tensor gain, bias;                      // [C]
  Tensor running_mean, running_variance;  // [C]

 private:
  BatchNormOptions options_;
};
using BatchNorm1d = BatchNorm;  // PyTorch's name for inputs [B, C] and [B, C, L]
using BatchNorm2d = BatchNorm;  // PyTorch's name for inputs [B, C, H, W]

}  // namespace heed::nn
