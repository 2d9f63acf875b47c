// Convolution and pooling layers for sequences [B, C, L] and images [B, C, H, W]; the equations are in
// framework/ops/spatial.h.
#pragma once

#include "nn/init.h"
#include "nn/module.h"

namespace heed::nn {

namespace detail {
void check_convolution(const char* layer, int64_t in, int64_t out, Extent2d kernel,
                       const Conv2dOptions& options);
void check_pooling(const char* layer, Extent2d window, const Pool2dOptions& options);
}  // namespace detail

/// Convolution layer for images.
class Conv2d : public Module {
 public:
  using Options = Conv2dOptions;  // for Sequential::emplace
  /// @param in,out numbers of input and output channels
  /// @param kernel extent of the kernel
  /// @param options stride, padding, dilation, groups
  /// @param with_bias whether there is a bias. A bias starts at 0, the weight from init::he_uniform
  /// @throws ValueError for sizes below 1, a negative padding, and groups that do not divide the channels
  Conv2d(int64_t in, int64_t out, Extent2d kernel, const Conv2dOptions& options = {}, bool with_bias = true,
         const Scope& scope = {})
      : Module(scope),
        weight((detail::check_convolution("Conv2d", in, out, kernel, options),
                param("weight", init::he_uniform({out, in / options.groups, kernel.height, kernel.width})))),
        bias(with_bias ? param("bias", zeros({out})) : Tensor{}),
        options_(options) {}
  /// @param x [B, in, H, W]
  /// @return [B, out, H', W']
  /// @throws ShapeError, ValueError
  Tensor operator()(const Tensor& x) const { return announce(conv2d(x, weight, bias, options_)); }
  Tensor weight;  // [out, in / groups, height, width]
  Tensor bias;    // [out]; undefined when with_bias is false

 private:
  Conv2dOptions options_;
};

/// Convolution layer for sequences.
class Conv1d : public Module {
 public:
  using Options = Conv1dOptions;  // for Sequential::emplace
  /// @param in,out numbers of input and output channels
  /// @param kernel length of the kernel
  /// @param options stride, padding, dilation, groups
  /// @param with_bias whether there is a bias. A bias starts at 0, the weight from init::he_uniform
  /// @throws ValueError for sizes below 1, a negative padding, and groups that do not divide the channels
  Conv1d(int64_t in, int64_t out, int64_t kernel, const Conv1dOptions& options = {}, bool with_bias = true,
         const Scope& scope = {})
      : Module(scope),
        weight(
            (detail::check_convolution("Conv1d", in, out, kernel,
                                       {options.stride, options.padding, options.dilation, options.groups}),
             param("weight", init::he_uniform({out, in / options.groups, kernel})))),
        bias(with_bias ? param("bias", zeros({out})) : Tensor{}),
        options_(options) {}
  /// @param x [B, in, L]
  /// @return [B, out, L']
  /// @throws ShapeError, ValueError
  Tensor operator()(const Tensor& x) const { return announce(conv1d(x, weight, bias, options_)); }
  Tensor weight;  // [out, in / groups, kernel]
  Tensor bias;    // [out]; undefined when with_bias is false

 private:
  Conv1dOptions options_;
};

/// Max pooling for images: the largest element of each window.
class MaxPool2d : public Module {
 public:
  using Options = Pool2dOptions;  // for Sequential::emplace
  /// @param window extent of the window
  /// @param options stride, padding
  /// @throws ValueError for a window below 1, a negative stride, and a padding that is negative or more than
  ///   half of the window
  explicit MaxPool2d(Extent2d window, const Pool2dOptions& options = {}, const Scope& scope = {})
      : Module(scope), window_(window), options_(options) {
    detail::check_pooling("MaxPool2d", window, options);
  }
  /// @param x [B, C, H, W]
  /// @return [B, C, H', W']
  Tensor operator()(const Tensor& x) const { return announce(max_pool2d(x, window_, options_)); }

 private:
  Extent2d window_;
  Pool2dOptions options_;
};
/// Average pooling for images: the mean of each window.
class AvgPool2d : public Module {
 public:
  using Options = Pool2dOptions;  // for Sequential::emplace
  /// @param window extent of the window
  /// @param options stride, padding
  /// @param count_padding whether the zeros of the padding count in the mean
  /// @throws as MaxPool2d
  explicit AvgPool2d(Extent2d window, const Pool2dOptions& options = {}, bool count_padding = true,
                     const Scope& scope = {})
      : Module(scope), window_(window), options_(options), count_padding_(count_padding) {
    detail::check_pooling("AvgPool2d", window, options);
  }
  /// @param x [B, C, H, W]
  /// @return [B, C, H', W']
  Tensor operator()(const Tensor& x) const {
    return announce(avg_pool2d(x, window_, options_, count_padding_));
  }

 private:
  Extent2d window_;
  Pool2dOptions options_;
  bool count_padding_;
};

/// Max pooling for sequences: the largest element of each window.
class MaxPool1d : public Module {
 public:
  /// @param window length of the window
  /// @param stride distance between neighbouring windows; 0: the window's length
  /// @param padding positions added at both ends, at most half of the window
  /// @throws as MaxPool2d
  explicit MaxPool1d(int64_t window, int64_t stride = 0, int64_t padding = 0, const Scope& scope = {})
      : Module(scope), window_(window), stride_(stride), padding_(padding) {
    detail::check_pooling("MaxPool1d", window, {stride, padding});
  }
  /// @param x [B, C, L]
  /// @return [B, C, L']
  Tensor operator()(const Tensor& x) const { return announce(max_pool1d(x, window_, stride_, padding_)); }

 private:
  int64_t window_, stride_, padding_;
};
/// Average pooling for sequences: the mean of each window.
class AvgPool1d : public Module {
 public:
  /// @param window length of the window
  /// @param stride distance between neighbouring windows; 0: the window's length
  /// @param padding positions added at both ends, at most half of the window
  /// @param count_padding whether the zeros of the padding count in the mean
  /// @throws as MaxPool2d
  explicit AvgPool1d(int64_t window, int64_t stride = 0, int64_t padding = 0, bool count_padding = true,
                     const Scope& scope = {})
      : Module(scope), window_(window), stride_(stride), padding_(padding), count_padding_(count_padding) {
    detail::check_pooling("AvgPool1d", window, {stride, padding});
  }
  /// @param x [B, C, L]
  /// @return [B, C, L']
  Tensor operator()(const Tensor& x) const {
    return announce(avg_pool1d(x, window_, stride_, padding_, count_padding_));
  }

 private:
  int64_t window_, stride_, padding_;
  bool count_padding_;
};

}  // namespace heed::nn
