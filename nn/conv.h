// Convolution and pooling layers on sequences [B, C, L] and images [B, C, H, W]; the equations are in framework/ops/spatial.h.
#pragma once

#include "nn/init.h"
#include "nn/module.h"

namespace heed::nn {

/// x [B, in, H, W] -> [B, out, H', W'].
class Conv2d : public Module {
 public:
  Conv2d(int64_t in, int64_t out, Extent2d kernel, const Conv2dOptions& options = {}, bool with_bias = true)
      : weight(param("weight", init::he_uniform({out, in / std::max<int64_t>(options.groups, 1), kernel.height, kernel.width}))),
        bias(with_bias ? param("bias", zeros({out})) : Tensor{}),
        options_(options) {}
  Tensor operator()(const Tensor& x) const { return announce(conv2d(x, weight, bias, options_)); }
  Tensor weight;  // [out, in / groups, height, width]
  Tensor bias;    // [out]; undefined when with_bias is false

 private:
  Conv2dOptions options_;
};

/// x [B, in, L] -> [B, out, L'].
class Conv1d : public Module {
 public:
  Conv1d(int64_t in, int64_t out, int64_t kernel, const Conv1dOptions& options = {}, bool with_bias = true)
      : weight(param("weight", init::he_uniform({out, in / std::max<int64_t>(options.groups, 1), kernel}))),
        bias(with_bias ? param("bias", zeros({out})) : Tensor{}),
        options_(options) {}
  Tensor operator()(const Tensor& x) const { return announce(conv1d(x, weight, bias, options_)); }
  Tensor weight;  // [out, in / groups, kernel]
  Tensor bias;    // [out]; undefined when with_bias is false

 private:
  Conv1dOptions options_;
};

/// x [B, C, H, W] -> [B, C, H', W'].
class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(Extent2d window, const Pool2dOptions& options = {}) : window_(window), options_(options) {}
  Tensor operator()(const Tensor& x) const { return announce(max_pool2d(x, window_, options_)); }

 private:
  Extent2d window_;
  Pool2dOptions options_;
};
class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(Extent2d window, const Pool2dOptions& options = {}, bool count_padding = true)
      : window_(window), options_(options), count_padding_(count_padding) {}
  Tensor operator()(const Tensor& x) const { return announce(avg_pool2d(x, window_, options_, count_padding_)); }

 private:
  Extent2d window_;
  Pool2dOptions options_;
  bool count_padding_;
};

/// x [B, C, L] -> [B, C, L']; stride 0: the window's extent.
class MaxPool1d : public Module {
 public:
  explicit MaxPool1d(int64_t window, int64_t stride = 0, int64_t padding = 0) : window_(window), stride_(stride), padding_(padding) {}
  Tensor operator()(const Tensor& x) const { return announce(max_pool1d(x, window_, stride_, padding_)); }

 private:
  int64_t window_, stride_, padding_;
};
class AvgPool1d : public Module {
 public:
  explicit AvgPool1d(int64_t window, int64_t stride = 0, int64_t padding = 0, bool count_padding = true)
      : window_(window), stride_(stride), padding_(padding), count_padding_(count_padding) {}
  Tensor operator()(const Tensor& x) const { return announce(avg_pool1d(x, window_, stride_, padding_, count_padding_)); }

 private:
  int64_t window_, stride_, padding_;
  bool count_padding_;
};

}  // namespace heed::nn
