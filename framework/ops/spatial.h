// Ops on sequences [B, C, L] and images [B, C, H, W]: convolution, pooling, batch normalisation. dtypes f32 and f64; all floating
// inputs of one call share one dtype (DTypeError otherwise).
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Height and width; one number stands for both.
struct Extent2d {
  int64_t height, width;  // in pixels
  /// @param both height and width
  Extent2d(int64_t both) : height(both), width(both) {}  // NOLINT(google-explicit-constructor): conv2d(x, w, b, {.stride = 2})
  /// @param h,w height and width
  Extent2d(int64_t h, int64_t w) : height(h), width(w) {}
};

/// How a convolution on images goes.
struct Conv2dOptions {
  Extent2d stride = 1;    // between two windows
  Extent2d padding = 0;   // zeros at both ends
  Extent2d dilation = 1;  // between two elements of a window
  int64_t groups = 1;     // channels go in so many separate parts
};
/// How a convolution on sequences goes.
struct Conv1dOptions {
  int64_t stride = 1;    // between two windows
  int64_t padding = 0;   // zeros at both ends
  int64_t dilation = 1;  // between two elements of a window
  int64_t groups = 1;    // channels go in so many separate parts
};

/// Cross-correlation, as every framework's convolution (Goodfellow, Bengio & Courville 2016, eq. 9.6):
///   y[b, o, i, j] = bias[o] + sum over c, k, l of x[b, c, i stride + k dilation - padding, j ...] weight[o, c, k, l]
/// Gradients of any order.
/// @param x [B, C, H, W]
/// @param weight [O, C / groups, KH, KW]
/// @param bias [O] or undefined
/// @param options stride, padding, dilation, groups
/// @return [B, O, H', W'], H' = floor((H + 2 padding - dilation (KH - 1) - 1) / stride) + 1
/// @throws ShapeError, ValueError
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv2dOptions& options = {});
/// The same along one dimension.
/// @param x [B, C, L]
/// @param weight [O, C / groups, K]
/// @param bias [O] or undefined
/// @param options stride, padding, dilation, groups
/// @return [B, O, L']
/// @throws ShapeError, ValueError
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv1dOptions& options = {});
/// The transpose of conv2d, which takes its result's shape back to its input's (Dumoulin & Visin 2016, ch. 4).
/// @param x [B, O, H', W']
/// @param weight [O, C / groups, KH, KW]
/// @param bias [C] or undefined
/// @param options of the convolution that it is the transpose of
/// @return [B, C, (H' - 1) stride - 2 padding + dilation (KH - 1) + 1, ...]
/// @throws ShapeError, ValueError
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv2dOptions& options = {});

/// How pooling goes.
struct Pool2dOptions {
  Extent2d stride = 0;   // between two windows; 0: the window's extent
  Extent2d padding = 0;  // at both ends, at most half of the window
};
/// The largest of each window, the first of equals taking the gradient; padding is never chosen. NaN wins.
/// @param x [B, C, H, W]
/// @param window its extent
/// @param options stride, padding
/// @return [B, C, H', W'], H' = floor((H + 2 padding - window) / stride) + 1
/// @throws ShapeError, ValueError
Tensor max_pool2d(const Tensor& x, Extent2d window, const Pool2dOptions& options = {});
/// The mean of each window.
/// @param x [B, C, H, W]
/// @param window its extent
/// @param options stride, padding
/// @param count_padding whether the padding's zeros are among what is counted
/// @return as max_pool2d
/// @throws ShapeError, ValueError
Tensor avg_pool2d(const Tensor& x, Extent2d window, const Pool2dOptions& options = {}, bool count_padding = true);
/// max_pool2d along one dimension.
/// @param x [B, C, L]
/// @param window its length
/// @param stride between two windows; 0: the window's length
/// @param padding at both ends, at most half of the window
/// @return [B, C, L']
/// @throws ShapeError, ValueError
Tensor max_pool1d(const Tensor& x, int64_t window, int64_t stride = 0, int64_t padding = 0);
/// avg_pool2d along one dimension.
/// @param x [B, C, L]
/// @param window its length
/// @param stride between two windows; 0: the window's length
/// @param padding at both ends, at most half of the window
/// @param count_padding whether the padding's zeros are among what is counted
/// @return [B, C, L']
/// @throws ShapeError, ValueError
Tensor avg_pool1d(const Tensor& x, int64_t window, int64_t stride = 0, int64_t padding = 0, bool count_padding = true);

/// What batch_norm gives.
struct BatchNormResult {
  Tensor output;          // of x's shape
  Tensor mean, variance;  // [C], through which no gradient goes: for running averages
};
/// (x - mean) / sqrt(variance + eps) * gain + bias by channel (Ioffe & Szegedy 2015, algorithm 1), mean and variance of the batch: over all
/// dimensions but the channels', without Bessel's correction.
/// @param x [B, C] or [B, C, ...]
/// @param gain,bias [C]
/// @param eps keeps the root away from 0
/// @return the result with the batch's mean and variance
/// @throws ShapeError, also for no elements
BatchNormResult batch_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps = 1e-5);
/// The same with a mean and a variance that are given: what a trained network does.
/// @param x [B, C] or [B, C, ...]
/// @param mean,variance,gain,bias [C]
/// @param eps keeps the root away from 0
/// @return of x's shape
/// @throws ShapeError
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gain, const Tensor& bias, double eps = 1e-5);

}  // namespace heed
