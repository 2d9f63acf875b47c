// Ops on sequences [B, C, L] and images [B, C, H, W]: convolution, pooling, batch normalisation. dtypes f32 (oneDNN) and f64; all floating
// inputs of one call share one dtype (DTypeError otherwise).
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Height and width; one number stands for both.
struct Extent2d {
  int64_t height, width;
  Extent2d(int64_t both) : height(both), width(both) {}  // NOLINT(google-explicit-constructor): conv2d(x, w, b, {.stride = 2})
  Extent2d(int64_t h, int64_t w) : height(h), width(w) {}
};

struct Conv2dOptions {
  Extent2d stride = 1, padding = 0, dilation = 1;  // padding: zeros at both ends
  int64_t groups = 1;                              // channels go in so many separate parts
};
struct Conv1dOptions {
  int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
};

/// Cross-correlation, as every framework's convolution (Goodfellow, Bengio & Courville 2016, eq. 9.6):
///   y[b, o, i, j] = bias[o] + sum over c, k, l of x[b, c, i stride + k dilation - padding, j ...] weight[o, c, k, l]
/// x [B, C, H, W], weight [O, C / groups, KH, KW], bias [O] or undefined -> [B, O, H', W'], H' = floor((H + 2 padding - dilation (KH - 1) -
/// 1) / stride) + 1. Gradients of any order. Throws ShapeError, ValueError.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv2dOptions& options = {});
/// The same along one dimension: x [B, C, L], weight [O, C / groups, K] -> [B, O, L'].
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv1dOptions& options = {});
/// The transpose of conv2d, which takes its result's shape back to its input's (Dumoulin & Visin 2016, ch. 4): x [B, O, H', W'], weight
/// [O, C / groups, KH, KW], bias [C] or undefined -> [B, C, (H' - 1) stride - 2 padding + dilation (KH - 1) + 1, ...].
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv2dOptions& options = {});

struct Pool2dOptions {
  Extent2d stride = 0, padding = 0;  // stride 0: the window's extent; padding at most half of it
};
/// The largest of each window, the first of equals taking the gradient; padding is never chosen. x [B, C, H, W] -> [B, C, H', W'], H' =
/// floor((H + 2 padding - window) / stride) + 1. NaN wins. Throws ShapeError, ValueError.
Tensor max_pool2d(const Tensor& x, Extent2d window, const Pool2dOptions& options = {});
/// The mean of each window, with the padding's zeros among what is counted or not.
Tensor avg_pool2d(const Tensor& x, Extent2d window, const Pool2dOptions& options = {}, bool count_padding = true);
/// Along one dimension: x [B, C, L] -> [B, C, L']; stride 0: the window's extent.
Tensor max_pool1d(const Tensor& x, int64_t window, int64_t stride = 0, int64_t padding = 0);
Tensor avg_pool1d(const Tensor& x, int64_t window, int64_t stride = 0, int64_t padding = 0, bool count_padding = true);

/// (x - mean) / sqrt(variance + eps) * gain + bias by channel (Ioffe & Szegedy 2015, algorithm 1), mean and variance of the batch: over all
/// dimensions but the channels', without Bessel's correction. x [B, C] or [B, C, ...], gain and bias [C] -> output of x's shape; mean and
/// variance [C], through which no gradient goes: for running averages. Throws ShapeError, also for no elements.
struct BatchNormResult {
  Tensor output, mean, variance;
};
BatchNormResult batch_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps = 1e-5);
/// The same with a mean and a variance that are given: what a trained network does.
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gain, const Tensor& bias, double eps = 1e-5);

}  // namespace heed
