// Kernels on images [B, C, H, W], dense: convolution, pooling, batch normalisation. f32 runs in oneDNN, f64
// in plain loops of ours, which are what the f32 ones are tested against. Part of the narrow waist
// (kernels.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace heed::kernels {

/// A window that moves over an image: a pair is height, width.
struct Window {
  std::array<int64_t, 2> in, out, kernel, stride, padding, dilation{1, 1};
  bool operator==(const Window&) const = default;
};

struct ConvSizes {
  int64_t batch, in_channels, out_channels, groups;
  Window window;
};

/// y [B, O, out] from x [B, C, in] and w [O, C / groups, kernel], plus bias [O] unless null.
template <class T>
void conv2d(const ConvSizes& sizes, const T* x, const T* w, const T* bias, T* y);
/// dx from g [B, O, out] and w; dw from g and x: both overwritten.
template <class T>
void conv2d_input_gradient(const ConvSizes& sizes, const T* g, const T* w, T* dx);
template <class T>
void conv2d_weight_gradient(const ConvSizes& sizes, const T* g, const T* x, T* dw);
/// dw of a convolution with one input channel a group and stride 1.
void depthwise_weight_gradient(const ConvSizes& sizes, const float* g, const float* x, float* dw);

struct PoolSizes {
  int64_t images;  // B times C
  Window window;
};

/// The largest of each window, the first of equals, a NaN before all; padding is never chosen. `places` gets
/// where in its image it stands, or is null.
template <class T>
void max_pool2d(const PoolSizes& sizes, const T* x, T* y, int64_t* places);
template <class T>
void max_pool2d_backward(const PoolSizes& sizes, const T* g, const int64_t* places, T* dx);
/// The mean of each window, over all of it or over what is not padding; and its gradient.
template <class T>
void avg_pool2d(const PoolSizes& sizes, bool count_padding, const T* x, T* y);
template <class T>
void avg_pool2d_backward(const PoolSizes& sizes, bool count_padding, const T* g, T* dx);

/// x [B, C, n]: statistics of a channel are over B and n.
struct BatchNormSizes {
  int64_t batch, channels, n;
  double eps;
};
/// y = (x - mean) / sqrt(variance + eps) gain + bias with the batch's own mean and variance (without Bessel's
/// correction), which come back.
template <class T>
void batch_norm(const BatchNormSizes& sizes, const T* x, const T* gain, const T* bias, T* y, double* mean,
                double* variance);
template <class T>
void batch_norm_backward(const BatchNormSizes& sizes, const T* g, const T* x, const T* gain,
                         const double* mean, const double* variance, T* dx, T* dgain, T* dbias);

/// x [B, groups, channels, n]: statistics of a group are over its channels and n.
struct GroupNormSizes {
  int64_t batch, groups, channels, n;
  double eps;
};
/// y = (x - mean) / sqrt(variance + eps) gain + bias, gain and bias [groups channels] or null; mean and
/// variance [B groups] come back.
template <class T>
void group_norm(const GroupNormSizes& sizes, const T* x, const T* gain, const T* bias, T* y, double* mean,
                double* variance);
/// dgain and dbias [B, groups channels] are to be summed over the images.
template <class T>
void group_norm_backward(const GroupNormSizes& sizes, const T* g, const T* x, const T* gain,
                         const double* mean, const double* variance, T* dx, double* dgain, double* dbias);

}  // namespace heed::kernels
