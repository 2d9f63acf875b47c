// Layers that change the size of images [B, C, H, W]: transposed convolution, upsampling, adaptive pooling.
// The equations are in framework/ops/spatial.h.
#pragma once

#include "nn/conv.h"

namespace heed::nn {

/// Transposed convolution layer for images: the adjoint of a Conv2d from `out` to `in` channels.
class ConvTranspose2d : public Module {
 public:
  using Options = Conv2dOptions;  // for Sequential::emplace
  /// @param in,out numbers of input and output channels
  /// @param kernel extent of the kernel
  /// @param options stride, padding, dilation, groups
  /// @param with_bias whether there is a bias. A bias starts at 0, the weight from init::he_uniform
  /// @throws ValueError for sizes below 1, a negative padding, and groups that do not divide the channels
  ConvTranspose2d(int64_t in, int64_t out, Extent2d kernel, const Conv2dOptions& options = {},
                  bool with_bias = true, const Scope& scope = {})
      : Module(scope),
        weight((detail::check_convolution("ConvTranspose2d", in, out, kernel, options),
                param("weight", init::he_uniform({in, out / options.groups, kernel.height, kernel.width})))),
        bias(with_bias ? param("bias", zeros({out})) : Tensor{}),
        options_(options) {}
  /// @param x [B, in, H, W]
  /// @return [B, out, H', W'], H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + 1
  /// @throws ShapeError, ValueError
  Tensor operator()(const Tensor& x) const { return announce(conv_transpose2d(x, weight, bias, options_)); }
  Tensor weight;  // [in, out / groups, height, width]
  Tensor bias;    // [out]; undefined when with_bias is false

 private:
  Conv2dOptions options_;
};

/// Makes images larger by a whole factor.
class Upsample : public Module {
 public:
  /// @param factor of height and width
  /// @param how nearest or bilinear
  /// @param align_corners of bilinear: as in interpolate()
  /// @throws ValueError for a factor below 1, and align_corners with nearest
  explicit Upsample(Extent2d factor, Interpolation how = Interpolation::nearest, bool align_corners = false,
                    const Scope& scope = {})
      : Module(scope), factor_(factor), how_(how), align_corners_(align_corners) {
    check_at_least("Upsample", "factor", std::min(factor.height, factor.width), 1);
    if (align_corners && how == Interpolation::nearest)
      throw ValueError("Upsample", "align_corners is of bilinear interpolation alone");
  }
  /// @param x [B, C, H, W]
  /// @return [B, C, H factor, W factor]
  /// @throws ShapeError
  Tensor operator()(const Tensor& x) const {
    if (x.ndim() != 4) throw ShapeError("Upsample", "takes [B, C, H, W], got " + x.shape().str());
    const Extent2d size{x.size(2) * factor_.height, x.size(3) * factor_.width};
    return announce(interpolate(x, size, how_, align_corners_));
  }

 private:
  Extent2d factor_;
  Interpolation how_;
  bool align_corners_;
};

/// Average pooling to a given size, whatever the size of the image.
class AdaptiveAvgPool2d : public Module {
 public:
  /// @param size H', W' of the result
  /// @throws ValueError for a size below 1
  explicit AdaptiveAvgPool2d(Extent2d size, const Scope& scope = {}) : Module(scope), size_(size) {
    check_at_least("AdaptiveAvgPool2d", "size", std::min(size.height, size.width), 1);
  }
  /// @param x [B, C, H, W]
  /// @return [B, C, H', W']
  /// @throws ShapeError
  Tensor operator()(const Tensor& x) const { return announce(adaptive_avg_pool2d(x, size_)); }

 private:
  Extent2d size_;
};
/// Max pooling to a given size, whatever the size of the image.
class AdaptiveMaxPool2d : public Module {
 public:
  /// @param size H', W' of the result
  /// @throws ValueError for a size below 1
  explicit AdaptiveMaxPool2d(Extent2d size, const Scope& scope = {}) : Module(scope), size_(size) {
    check_at_least("AdaptiveMaxPool2d", "size", std::min(size.height, size.width), 1);
  }
  /// @param x [B, C, H, W]
  /// @return [B, C, H', W']
  /// @throws ShapeError
  Tensor operator()(const Tensor& x) const { return announce(adaptive_max_pool2d(x, size_)); }

 private:
  Extent2d size_;
};

}  // namespace heed::nn
