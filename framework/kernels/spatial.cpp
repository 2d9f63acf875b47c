// Kernels on images: convolution in f64, the definition written as loops; pooling in f32 and f64.
#include "framework/kernels/spatial.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"

namespace heed::kernels {
namespace {

// Calls f(input index, kernel index) for every place of the kernel that lies inside the image, at output (oy,
// ox).
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
        const int64_t image = (b * s.in_channels + o / out * in + c) * area(w.in),
                      kernel = (o * in + c) * area(w.kernel);
        const int64_t result = (b * s.out_channels + o) * area(w.out);
        for (int64_t oy = 0; oy < w.out[0]; ++oy) {
          for (int64_t ox = 0; ox < w.out[1]; ++ox) {
            each_tap(w, oy, ox,
                     [&](int64_t i, int64_t k) { f(image + i, kernel + k, result + oy * w.out[1] + ox); });
          }
        }
      }
    }
  }
}

}  // namespace

template <>
void conv2d(const ConvSizes& s, const double* x, const double* w, const double* bias, double* y) {
  const int64_t each = area(s.window.out);
  for (int64_t i = 0; i < s.batch * s.out_channels; ++i)
    std::fill_n(y + i * each, each, bias ? bias[i % s.out_channels] : 0.0);
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

namespace {

// Outputs of a row whose tap at column `kx` lies inside the image.
struct Range {
  int64_t begin, end;
};
Range inside(const Window& w, int64_t kx) {
  const int64_t shift = w.padding[1] - kx * w.dilation[1];  // ox stride - shift is the column
  const int64_t begin = shift > 0 ? (shift + w.stride[1] - 1) / w.stride[1] : 0;
  const int64_t last = w.in[1] - 1 + shift;
  return {begin, last < 0 ? 0 : std::min(w.out[1], last / w.stride[1] + 1)};
}

// Calls f(first pixel of the row of x, kx) for every tap of output row oy whose row of x lies inside, then
// f's range is inside(w, kx).
template <class F>
void each_row_tap(const Window& w, int64_t oy, const F& f) {
  for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
    const int64_t iy = oy * w.stride[0] - w.padding[0] + ky * w.dilation[0];
    if (iy < 0 || iy >= w.in[0]) continue;
    for (int64_t kx = 0; kx < w.kernel[1]; ++kx) f(iy * w.in[1] + kx * w.dilation[1] - w.padding[1], kx);
  }
}

// Calls f(image) for each image, on several threads.
template <class F>
void each_image(const PoolSizes& s, const F& f) {
  parallel_for(s.images, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, area(s.window.in))),
               [&](int64_t begin, int64_t end) {
                 for (int64_t image = begin; image < end; ++image) f(image);
               });
}

// How many of a window's places count, by output row or column.
std::vector<double> counts(const Window& w, size_t dim, bool count_padding) {
  std::vector<double> all(static_cast<size_t>(w.out[dim]), static_cast<double>(w.kernel[dim]));
  for (int64_t o = 0; !count_padding && o < w.out[dim]; ++o) {
    const int64_t first = o * w.stride[dim] - w.padding[dim],
                  end = std::min(first + w.kernel[dim], w.in[dim]);
    all[static_cast<size_t>(o)] = static_cast<double>(end - std::max<int64_t>(first, 0));
  }
  return all;
}

}  // namespace

template <class T>
void max_pool2d(const PoolSizes& s, const T* x, T* y, int64_t* places) {
  const Window& w = s.window;
  each_image(s, [&](int64_t image) {
    const T* const from = x + image * area(w.in);
    std::vector<int64_t> place(static_cast<size_t>(w.out[1]));
    for (int64_t oy = 0; oy < w.out[0]; ++oy) {
      const int64_t row = image * area(w.out) + oy * w.out[1];
      T* const best = y + row;
      std::fill_n(best, w.out[1], -std::numeric_limits<T>::infinity());
      std::fill(place.begin(), place.end(), -1);
      each_row_tap(w, oy, [&](int64_t first, int64_t kx) {
        const Range range = inside(w, kx);
        for (int64_t ox = range.begin; ox < range.end; ++ox) {
          const int64_t at = first + ox * w.stride[1];
          const T v = from[at], old = best[ox];
          int64_t& where = place[static_cast<size_t>(ox)];
          const bool takes = (!(v <= old) && old == old) || where < 0;  // a NaN is taken and stays
          best[ox] = takes ? v : old;
          where = takes ? at : where;
        }
      });
      if (places) std::copy(place.begin(), place.end(), places + row);
    }
  });
}

template <class T>
void max_pool2d_backward(const PoolSizes& s, const T* g, const int64_t* places, T* dx) {
  const int64_t in = area(s.window.in), out = area(s.window.out);
  each_image(s, [&](int64_t image) {
    T* const into = dx + image * in;
    std::fill_n(into, in, T{0});
    for (int64_t o = image * out; o < (image + 1) * out; ++o) into[places[o]] += g[o];
  });
}

template <class T>
void avg_pool2d(const PoolSizes& s, bool count_padding, const T* x, T* y) {
  const Window& w = s.window;
  const std::vector<double> height = counts(w, 0, count_padding), width = counts(w, 1, count_padding);
  each_image(s, [&](int64_t image) {
    const T* const from = x + image * area(w.in);
    std::vector<double> total(static_cast<size_t>(w.out[1]));
    for (int64_t oy = 0; oy < w.out[0]; ++oy) {
      std::fill(total.begin(), total.end(), 0.0);
      each_row_tap(w, oy, [&](int64_t first, int64_t kx) {
        const Range range = inside(w, kx);
        for (int64_t ox = range.begin; ox < range.end; ++ox)
          total[static_cast<size_t>(ox)] += static_cast<double>(from[first + ox * w.stride[1]]);
      });
      T* const into = y + image * area(w.out) + oy * w.out[1];
      for (size_t ox = 0; ox < total.size(); ++ox)
        into[ox] = static_cast<T>(total[ox] / (height[static_cast<size_t>(oy)] * width[ox]));
    }
  });
}

template <class T>
void avg_pool2d_backward(const PoolSizes& s, bool count_padding, const T* g, T* dx) {
  const Window& w = s.window;
  const std::vector<double> height = counts(w, 0, count_padding), width = counts(w, 1, count_padding);
  each_image(s, [&](int64_t image) {
    T* const into = dx + image * area(w.in);
    std::fill_n(into, area(w.in), T{0});
    std::vector<T> share(static_cast<size_t>(w.out[1]));
    for (int64_t oy = 0; oy < w.out[0]; ++oy) {
      const T* const row = g + image * area(w.out) + oy * w.out[1];
      for (size_t ox = 0; ox < share.size(); ++ox) {
        share[ox] =
            static_cast<T>(static_cast<double>(row[ox]) / (height[static_cast<size_t>(oy)] * width[ox]));
      }
      each_row_tap(w, oy, [&](int64_t first, int64_t kx) {
        const Range range = inside(w, kx);
        for (int64_t ox = range.begin; ox < range.end; ++ox)
          into[first + ox * w.stride[1]] += share[static_cast<size_t>(ox)];
      });
    }
  });
}

#define HEED_INSTANTIATE(T)                                                          \
  template void max_pool2d(const PoolSizes&, const T*, T*, int64_t*);                \
  template void max_pool2d_backward(const PoolSizes&, const T*, const int64_t*, T*); \
  template void avg_pool2d(const PoolSizes&, bool, const T*, T*);                    \
  template void avg_pool2d_backward(const PoolSizes&, bool, const T*, T*);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)
#undef HEED_INSTANTIATE

}  // namespace heed::kernels
