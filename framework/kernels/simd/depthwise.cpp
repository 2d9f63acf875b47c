// The weight gradient of a depthwise convolution of stride 1: of one input channel a group. oneDNN has no
// fast code for kernels wider than its blocks (7 x 7: 2 GFLOP/s). Images lie in padded buffers, so that a tap
// of the kernel is one distance for all outputs, and its gradient one product of two vectors.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/depthwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "framework/core/parallel.h"
#include "framework/kernels/spatial.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kTapsTogether = 9;  // what registers hold beside each other

// sums[k][lane] += sum over i = lane, lane + lanes, ... of g[i] x[i + taps[k]], for K taps.
template <size_t... K>
void AddProducts(std::index_sequence<K...>, int64_t n, const float* g, const float* x, const int64_t* taps,
                 float* sums) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  // a vector has no size that an array could hold, so each has a name of its own
  [&](auto... sum) {
    for (int64_t i = 0; i < n; i += lanes) {
      const auto each = hn::LoadU(d, g + i);
      ((sum = hn::MulAdd(each, hn::LoadU(d, x + i + taps[K]), sum)), ...);
    }
    (hn::StoreU(sum, d, sums + static_cast<int64_t>(K) * lanes), ...);
  }(hn::LoadU(d, sums + static_cast<int64_t>(K) * lanes)...);
}

template <size_t kMost = kTapsTogether>
void AddProductsOf(int64_t count, int64_t n, const float* g, const float* x, const int64_t* taps,
                   float* sums) {
  if constexpr (kMost > 0) {
    if (count == static_cast<int64_t>(kMost)) {
      AddProducts(std::make_index_sequence<kMost>(), n, g, x, taps, sums);
    } else {
      AddProductsOf<kMost - 1>(count, n, g, x, taps, sums);
    }
  }
}

// An image [height, width] in a buffer whose rows are `stride` long, beginning at `first`.
inline void Place(const float* image, int64_t height, int64_t width, int64_t stride, float* first) {
  for (int64_t row = 0; row < height; ++row) std::copy_n(image + row * width, width, first + row * stride);
}

// The definition, for images with infinities or NaN: zeros of padding take no part in it.
inline void SumPlain(const ConvSizes& s, int64_t o, const float* g, const float* x, double* total) {
  const Window& w = s.window;
  const int64_t channel = o / (s.out_channels / s.groups);
  const auto each = [&](int64_t b, int64_t ky, int64_t kx) {
    double sum = 0;
    for (int64_t oy = 0; oy < w.out[0]; ++oy) {
      const int64_t iy = oy - w.padding[0] + ky * w.dilation[0];
      for (int64_t ox = 0; iy >= 0 && iy < w.in[0] && ox < w.out[1]; ++ox) {
        const int64_t ix = ox - w.padding[1] + kx * w.dilation[1];
        if (ix < 0 || ix >= w.in[1]) continue;
        sum += static_cast<double>(g[((b * s.out_channels + o) * w.out[0] + oy) * w.out[1] + ox]) *
               static_cast<double>(x[((b * s.in_channels + channel) * w.in[0] + iy) * w.in[1] + ix]);
      }
    }
    return sum;
  };
  for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
    for (int64_t kx = 0; kx < w.kernel[1]; ++kx, ++total) {
      *total = 0;
      for (int64_t b = 0; b < s.batch; ++b) *total += each(b, ky, kx);
    }
  }
}

void DepthwiseKernel(const ConvSizes& s, int64_t begin, int64_t end, const float* g, const float* x,
                     float* dw) {
  constexpr int64_t kSteps = 256;  // vectors that are summed in f32 before their sum is added in double
  const Window& w = s.window;
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stride = std::max(w.in[1] + 2 * w.padding[1], w.out[1] + (w.kernel[1] - 1) * w.dilation[1]);
  std::vector<int64_t> taps;
  for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
    for (int64_t kx = 0; kx < w.kernel[1]; ++kx)
      taps.push_back(ky * w.dilation[0] * stride + kx * w.dilation[1]);
  }
  const auto count = static_cast<int64_t>(taps.size());
  const int64_t outputs = (w.out[0] - 1) * stride + w.out[1];  // with what lies between rows
  const int64_t rows = std::max(w.in[0] + 2 * w.padding[0], w.out[0] + (w.kernel[0] - 1) * w.dilation[0]);
  // What surrounds the images is written here alone.
  std::vector<float> image(static_cast<size_t>(rows * stride + lanes), 0.0F),
      slope(static_cast<size_t>(outputs + lanes), 0.0F), sums(static_cast<size_t>(count * lanes));
  std::vector<double> total(static_cast<size_t>(count));
  const int64_t groups = (count + kTapsTogether - 1) / kTapsTogether, copies = s.out_channels / s.groups;
  for (int64_t o = begin; o < end; ++o) {
    std::fill(total.begin(), total.end(), 0.0);
    std::fill(sums.begin(), sums.end(), 0.0F);
    int64_t steps = 0;
    const auto settle = [&] {
      for (int64_t k = 0; k < count; ++k)
        for (int64_t lane = 0; lane < lanes; ++lane)
          total[static_cast<size_t>(k)] += static_cast<double>(sums[static_cast<size_t>(k * lanes + lane)]);
      std::fill(sums.begin(), sums.end(), 0.0F);
      steps = 0;
    };
    for (int64_t b = 0; b < s.batch; ++b) {
      Place(x + (b * s.in_channels + o / copies) * w.in[0] * w.in[1], w.in[0], w.in[1], stride,
            image.data() + w.padding[0] * stride + w.padding[1]);
      Place(g + (b * s.out_channels + o) * w.out[0] * w.out[1], w.out[0], w.out[1], stride, slope.data());
      for (int64_t i = 0; i < outputs; i += kSteps * lanes) {
        const int64_t n = std::min(outputs - i, kSteps * lanes);
        if (steps + n / lanes > kSteps) settle();
        for (int64_t group = 0; group < groups; ++group) {
          const int64_t first = count * group / groups, last = count * (group + 1) / groups;
          AddProductsOf(last - first, n, slope.data() + i, image.data() + i, taps.data() + first,
                        sums.data() + first * lanes);
        }
        steps += (n + lanes - 1) / lanes;
      }
    }
    settle();
    if (!std::all_of(total.begin(), total.end(), [](double sum) { return std::isfinite(sum); }))
      SumPlain(s, o, g, x, total.data());
    for (int64_t k = 0; k < count; ++k) dw[o * count + k] = static_cast<float>(total[static_cast<size_t>(k)]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heed::kernels {
HWY_EXPORT(DepthwiseKernel);

void depthwise_weight_gradient(const ConvSizes& s, const float* g, const float* x, float* dw) {
  const Window& w = s.window;
  const int64_t each = s.batch * w.out[0] * w.out[1] * w.kernel[0] * w.kernel[1];
  parallel_for(s.out_channels, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, each)),
               [&](int64_t begin, int64_t end) {
                 HWY_DYNAMIC_DISPATCH(DepthwiseKernel)(s, begin, end, g, x, dw);
               });
}

}  // namespace heed::kernels
#endif
