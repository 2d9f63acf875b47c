// Normalisation of each example by itself: groups of channels (Wu & He 2018), single channels (Ulyanov,
// Vedaldi & Lempitsky 2016). BatchNorm is in batch_norm.h, LayerNorm in transformer.h, RMSNorm in layers.h.
#pragma once

#include "nn/module.h"

namespace heed::nn {

/// Options of GroupNorm and InstanceNorm.
struct GroupNormOptions {
  double eps = 1e-5;   // added under the square root so that it is not 0; at least 0
  bool affine = true;  // whether there are a gain and a bias for each channel
};

/// Normalisation of groups of channels: (x - mean) / sqrt(variance + eps) gain + bias, mean and variance over
/// the channels of a group and all dimensions behind them, of each example by itself.
class GroupNorm : public Module {
 public:
  using Options = GroupNormOptions;  // for Sequential::emplace
  /// @param groups divides channels
  /// @param channels C
  /// @param options eps; whether there are a gain, which starts at 1, and a bias, at 0
  /// @throws ValueError for a number outside its range, and groups that do not divide the channels
  GroupNorm(int64_t groups, int64_t channels, const GroupNormOptions& options = {}, const Scope& scope = {});
  /// @param x [B, C] or [B, C, ...]
  /// @return a tensor of the same shape
  /// @throws ShapeError
  Tensor operator()(const Tensor& x) const;
  Tensor gain, bias;  // [C]; undefined when options.affine is false

 private:
  int64_t groups_, channels_;
  GroupNormOptions options_;
};

/// Normalisation of each channel of each example: GroupNorm with as many groups as channels.
class InstanceNorm : public Module {
 public:
  using Options = GroupNormOptions;  // for Sequential::emplace
  /// @param channels C
  /// @param options eps; whether there are a gain and a bias (PyTorch's default is none)
  /// @throws ValueError for a number outside its range
  explicit InstanceNorm(int64_t channels, const GroupNormOptions& options = {.eps = 1e-5, .affine = false},
                        const Scope& scope = {});
  /// @param x [B, C, L] or [B, C, H, W]
  /// @return a tensor of the same shape
  /// @throws ShapeError, also for one value a channel, which has no spread
  Tensor operator()(const Tensor& x) const;
  Tensor gain, bias;  // [C]; undefined when options.affine is false

 private:
  int64_t channels_;
  GroupNormOptions options_;
};
using InstanceNorm1d = InstanceNorm;  // PyTorch's name for inputs [B, C, L]
using InstanceNorm2d = InstanceNorm;  // PyTorch's name for inputs [B, C, H, W]

}  // namespace heed::nn
