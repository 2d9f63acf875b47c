// Ops on sequences [B, C, L] and images [B, C, H, W]: convolution, pooling, batch normalisation. dtypes f32
// and f64; all floating inputs of one call share one dtype (DTypeError otherwise).
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Height and width; one number stands for both.
struct Extent2d {
  int64_t height, width;  // in elements
  /// @param both height and width
  /// NOLINT(google-explicit-constructor): conv2d(x, w, b, {.stride = 2}).
  Extent2d(int64_t both) : height(both), width(both) {}
  /// @param h,w height and width
  Extent2d(int64_t h, int64_t w) : height(h), width(w) {}
};

/// Options of a convolution on images.
struct Conv2dOptions {
  Extent2d stride = 1;    // distance between neighbouring windows
  Extent2d padding = 0;   // zeros added at both ends
  Extent2d dilation = 1;  // distance between neighbouring elements of a window
  int64_t groups = 1;     // channels are split into this many independent groups
};
/// Options of a convolution on sequences.
struct Conv1dOptions {
  int64_t stride = 1;    // distance between neighbouring windows
  int64_t padding = 0;   // zeros added at both ends
  int64_t dilation = 1;  // distance between neighbouring elements of a window
  int64_t groups = 1;    // channels are split into this many independent groups
};

/// Two-dimensional convolution; as in other frameworks it is a cross-correlation, without flipping the kernel
/// (Goodfellow, Bengio & Courville 2016, eq. 9.6):
///   y[b, o, i, j] = bias[o]
///     + sum over c, k, l of x[b, c, i stride + k dilation - padding, j ...] weight[o, c, k, l]
/// Gradients of any order.
/// @param x [B, C, H, W]
/// @param weight [O, C / groups, KH, KW]
/// @param bias [O], or undefined for none
/// @param options stride, padding, dilation, groups
/// @return [B, O, H', W'], H' = floor((H + 2 padding - dilation (KH - 1) - 1) / stride) + 1
/// @throws ShapeError, ValueError
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});
/// conv2d along one dimension.
/// @param x [B, C, L]
/// @param weight [O, C / groups, K]
/// @param bias [O], or undefined for none
/// @param options stride, padding, dilation, groups
/// @return [B, O, L']
/// @throws ShapeError, ValueError
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv1dOptions& options = {});
/// Transposed convolution: the adjoint of conv2d with the same weight and options. It maps the shape of
/// conv2d's result back to the shape of its input (Dumoulin & Visin 2016, ch. 4).
/// @param x [B, O, H', W']
/// @param weight [O, C / groups, KH, KW]
/// @param bias [C] or undefined
/// @param options options of the conv2d that this is the transpose of
/// @return [B, C, (H' - 1) stride - 2 padding + dilation (KH - 1) + 1, ...]
/// @throws ShapeError, ValueError
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const Conv2dOptions& options = {});

/// Options of pooling.
struct Pool2dOptions {
  Extent2d stride = 0;   // distance between neighbouring windows; 0: the window's extent
  Extent2d padding = 0;  // elements added at both ends, at most half of the window
};
/// The largest element of each window. Padding is never chosen, NaN counts as the largest. The gradient goes
/// to the first of equal elements.
/// @param x [B, C, H, W]
/// @param window extent of the window
/// @param options stride, padding
/// @return [B, C, H', W'], H' = floor((H + 2 padding - window) / stride) + 1
/// @throws ShapeError, ValueError
Tensor max_pool2d(const Tensor& x, Extent2d window, const Pool2dOptions& options = {});
/// The mean of each window.
/// @param x [B, C, H, W]
/// @param window extent of the window
/// @param options stride, padding
/// @param count_padding whether the zeros of the padding count in the mean
/// @return as max_pool2d
/// @throws ShapeError, ValueError
Tensor avg_pool2d(const Tensor& x, Extent2d window, const Pool2dOptions& options = {},
                  bool count_padding = true);
/// max_pool2d along one dimension.
/// @param x [B, C, L]
/// @param window length of the window
/// @param stride distance between neighbouring windows; 0: the window's length
/// @param padding positions added at both ends, at most half of the window
/// @return [B, C, L']
/// @throws ShapeError, ValueError
Tensor max_pool1d(const Tensor& x, int64_t window, int64_t stride = 0, int64_t padding = 0);
/// avg_pool2d along one dimension.
/// @param x [B, C, L]
/// @param window length of the window
/// @param stride distance between neighbouring windows; 0: the window's length
/// @param padding positions added at both ends, at most half of the window
/// @param count_padding whether the zeros of the padding count in the mean
/// @return [B, C, L']
/// @throws ShapeError, ValueError
Tensor avg_pool1d(const Tensor& x, int64_t window, int64_t stride = 0, int64_t padding = 0,
                  bool count_padding = true);

/// @{
/// The mean and the largest element of windows that cover an image evenly: row i of the result is of the rows
/// floor(i H / H') to ceil((i + 1) H / H') of x, columns alike. NaN counts as the largest.
/// @param x [B, C, H, W]
/// @param size H', W' of the result
/// @return [B, C, H', W']
/// @throws ShapeError, DTypeError, ValueError for a size below 1
Tensor adaptive_avg_pool2d(const Tensor& x, Extent2d size);
Tensor adaptive_max_pool2d(const Tensor& x, Extent2d size);
/// @}
/// How interpolate() makes a pixel.
enum class Interpolation : bool {
  nearest,  // the pixel of row floor(i H / H'), column alike
  bilinear  // a mean of four, weighted by their distance
};
/// Images in another size.
/// @param x [B, C, H, W]
/// @param size H', W' of the result
/// @param how nearest or bilinear
/// @param align_corners of bilinear: whether the centres of the corner pixels stay where they are, instead of
///   the outer corners
/// @return [B, C, H', W']
/// @throws ShapeError, DTypeError, ValueError for a size below 1 and align_corners with nearest
Tensor interpolate(const Tensor& x, Extent2d size, Interpolation how = Interpolation::nearest,
                   bool align_corners = false);

/// Result of batch_norm() in training.
struct BatchNormResult {
  Tensor output;          // the normalised x, of x's shape
  Tensor mean, variance;  // [C]: statistics of the batch, without gradient; for running averages
};
/// Batch normalisation: (x - mean) / sqrt(variance + eps) * gain + bias for each channel (Ioffe & Szegedy
/// 2015, algorithm 1). Mean and variance are those of the batch, over all dimensions except the channels',
/// without Bessel's correction.
/// @param x [B, C] or [B, C, ...]
/// @param gain,bias [C]
/// @param eps added under the square root so that it is not 0
/// @return the normalised x, with the batch's mean and variance
/// @throws ShapeError, also for an x without elements
BatchNormResult batch_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps = 1e-5);
/// Batch normalisation with a given mean and variance, as a trained network uses it.
/// @param x [B, C] or [B, C, ...]
/// @param mean,variance,gain,bias [C]
/// @param eps added under the square root so that it is not 0
/// @return a tensor of x's shape
/// @throws ShapeError
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gain,
                  const Tensor& bias, double eps = 1e-5);
/// Normalisation of groups of channels, each example by itself: (x - mean) / sqrt(variance + eps), mean and
/// variance over the channels of a group and all dimensions behind them, then gain and bias of each channel
/// (Wu & He 2018). With as many groups as channels it is instance normalisation (Ulyanov, Vedaldi & Lempitsky
/// 2016).
/// @param x [B, C] or [B, C, ...]
/// @param groups divides C
/// @param gain,bias [C], or undefined for 1 and 0
/// @param eps added under the square root so that it is not 0
/// @return a tensor of x's shape
/// @throws ShapeError, DTypeError, ValueError
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& gain = {}, const Tensor& bias = {},
                  double eps = 1e-5);

}  // namespace heed
