// The plain kernels on images, in f64. Each is the definition written as loops.
#include "framework/kernels/spatial.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "framework/core/parallel.h"

namespace heed::kernels {
namespace {

// Calls f(input index, kernel index) for every place of the kernel that lies inside the image, at output (oy, ox).
template <class F>
void each_tap(const Window& w, int64_t oy, int64_t ox, const F& f) {
  for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
    const int64_t iy = oy * w.stride[0] - w.padding[0] + ky * w.dilation[0];
    if (iy < 0 || iy >= w.in[0]) continue;
    for (int64_t kx = 0; kx < w.kernel[1]; ++kx) {
      const int64_t ix = ox * w.stride[1] - w.padding[1] + kx * w.dilation[1];
      if (ix >= 0 && ix < w.in[1]) f(iy * w.in[1] + ix, ky * w.kernel[1] + kx);
    }
  }
}

int64_t area(const std::array<int64_t, 2>& extent) { return extent[0] * extent[1]; }

// Calls f(x index, w index, y index) for every product of a convolution.
template <class F>
void each_product(const ConvSizes& s, const F& f) {
  const Window& w = s.window;
  const int64_t in = s.in_channels / s.groups, out = s.out_channels / s.groups;
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t o = 0; o < s.out_channels; ++o) {
      for (int64_t c = 0; c < in; ++c) {
        const int64_t image = (b * s.in_channels + o / out * in + c) * area(w.in), kernel = (o * in + c) * area(w.kernel);
        const int64_t result = (b * s.out_channels + o) * area(w.out);
        for (int64_t oy = 0; oy < w.out[0]; ++oy) {
          for (int64_t ox = 0; ox < w.out[1]; ++ox) {
            each_tap(w, oy, ox, [&](int64_t i, int64_t k) { f(image + i, kernel + k, result + oy * w.out[1] + ox); });
          }
        }
      }
    }
  }
}

// Calls f(image's first input, output index, oy, ox) for every window of a pooling.
template <class F>
void each_window(const PoolSizes& s, const F& f) {
  const Window& w = s.window;
  for (int64_t image = 0; image < s.images; ++image) {
    for (int64_t oy = 0; oy < w.out[0]; ++oy) {
      for (int64_t ox = 0; ox < w.out[1]; ++ox) f(image * area(w.in), image * area(w.out) + oy * w.out[1] + ox, oy, ox);
    }
  }
}

double window_count(const Window& w, bool count_padding, int64_t oy, int64_t ox) {
  if (count_padding) return static_cast<double>(area(w.kernel));
  int64_t count = 0;
  each_tap(w, oy, ox, [&](int64_t, int64_t) { ++count; });
  return static_cast<double>(count);
}

}  // namespace

template <>
void conv2d(const ConvSizes& s, const double* x, const double* w, const double* bias, double* y) {
  const int64_t each = area(s.window.out);
  for (int64_t i = 0; i < s.batch * s.out_channels; ++i) std::fill_n(y + i * each, each, bias ? bias[i % s.out_channels] : 0.0);
  each_product(s, [&](int64_t i, int64_t k, int64_t o) { y[o] += x[i] * w[k]; });
}

template <>
void conv2d_input_gradient(const ConvSizes& s, const double* g, const double* w, double* dx) {
  std::fill_n(dx, s.batch * s.in_channels * area(s.window.in), 0.0);
  each_product(s, [&](int64_t i, int64_t k, int64_t o) { dx[i] += g[o] * w[k]; });
}

template <>
void conv2d_weight_gradient(const ConvSizes& s, const double* g, const double* x, double* dw) {
  std::fill_n(dw, s.out_channels * (s.in_channels / s.groups) * area(s.window.kernel), 0.0);
  each_product(s, [&](int64_t i, int64_t k, int64_t o) { dw[k] += g[o] * x[i]; });
}

template <class T>
void max_pool2d_places(const PoolSizes& s, const T* x, int64_t* places) {
  each_window(s, [&](int64_t first, int64_t o, int64_t oy, int64_t ox) {
    int64_t best = -1;
    each_tap(s.window, oy, ox, [&](int64_t i, int64_t) {
      if (best < 0 || x[first + i] > x[first + best] || (std::isnan(x[first + i]) && !std::isnan(x[first + best]))) best = i;
    });
    places[o] = best;
  });
}
template void max_pool2d_places(const PoolSizes&, const float*, int64_t*);
template void max_pool2d_places(const PoolSizes&, const double*, int64_t*);

template <>
void avg_pool2d(const PoolSizes& s, bool count_padding, const double* x, double* y) {
  each_window(s, [&](int64_t first, int64_t o, int64_t oy, int64_t ox) {
    double total = 0;
    each_tap(s.window, oy, ox, [&](int64_t i, int64_t) { total += x[first + i]; });
    y[o] = total / window_count(s.window, count_padding, oy, ox);
  });
}

template <>
void avg_pool2d_backward(const PoolSizes& s, bool count_padding, const double* g, double* dx) {
  std::fill_n(dx, s.images * area(s.window.in), 0.0);
  each_window(s, [&](int64_t first, int64_t o, int64_t oy, int64_t ox) {
    const double share = g[o] / window_count(s.window, count_padding, oy, ox);
    each_tap(s.window, oy, ox, [&](int64_t i, int64_t) { dx[first + i] += share; });
  });
}

namespace {
// Calls f(index) for every element of channel c.
template <class F>
void each_of_channel(const BatchNormSizes& s, int64_t c, const F& f) {
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t i = 0; i < s.n; ++i) f((b * s.channels + c) * s.n + i);
  }
}
}  // namespace

template <>
void batch_norm(const BatchNormSizes& s, const double* x, const double* gain, const double* bias, double* y, double* mean,
                double* variance) {
  const auto count = static_cast<double>(s.batch * s.n);
  for (int64_t c = 0; c < s.channels; ++c) {
    double total = 0, squares = 0;
    each_of_channel(s, c, [&](int64_t i) { total += x[i]; });
    mean[c] = total / count;
    each_of_channel(s, c, [&](int64_t i) { squares += (x[i] - mean[c]) * (x[i] - mean[c]); });
    variance[c] = squares / count;
    const double scale = gain[c] / std::sqrt(variance[c] + s.eps);
    each_of_channel(s, c, [&](int64_t i) { y[i] = (x[i] - mean[c]) * scale + bias[c]; });
  }
}

template <>
void batch_norm_backward(const BatchNormSizes& s, const double* g, const double* x, const double* gain, const double* mean,
                         const double* variance, double* dx, double* dgain, double* dbias) {
  const auto count = static_cast<double>(s.batch * s.n);
  for (int64_t c = 0; c < s.channels; ++c) {
    const double scale = 1 / std::sqrt(variance[c] + s.eps);
    dgain[c] = dbias[c] = 0;
    each_of_channel(s, c, [&](int64_t i) {
      dgain[c] += g[i] * (x[i] - mean[c]) * scale;
      dbias[c] += g[i];
    });
    each_of_channel(s, c,
                    [&](int64_t i) { dx[i] = scale * gain[c] * (g[i] - dbias[c] / count - (x[i] - mean[c]) * scale * dgain[c] / count); });
  }
}

}  // namespace heed::kernels
