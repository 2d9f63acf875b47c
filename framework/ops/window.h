// Argument checks that convolution and pooling share.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "framework/kernels/spatial.h"
#include "framework/ops/spatial.h"

namespace heed::detail {

inline std::array<int64_t, 2> pair(Extent2d e) { return {e.height, e.width}; }

/// The window with its number of places on an image [B, C, H, W], or on a sequence [B, C, L] as on an image of height 1. Throws ValueError
/// and ShapeError naming `op`.
inline kernels::Window window_on(const char* op, const Shape& image, Extent2d kernel, Extent2d stride, Extent2d padding,
                                 Extent2d dilation = 1) {
  const bool sequence = image.ndim() == 3;
  kernels::Window w{{sequence ? 1 : image[2], image.back()}, {0, 0}, pair(kernel), pair(stride), pair(padding), pair(dilation)};
  for (size_t i = 0; i < 2; ++i) {
    if (w.stride[i] < 1 || w.dilation[i] < 1 || w.padding[i] < 0) {
      throw ValueError(fmt::format("{}: stride {}, padding {}, dilation {}: the first and last must be positive, padding not negative", op,
                                   w.stride[i], w.padding[i], w.dilation[i]));
    }
    constexpr int64_t kMost = INT32_MAX;  // what oneDNN counts with; no sum of them overflows
    if (std::max({w.stride[i], w.dilation[i], w.padding[i], w.kernel[i]}) > kMost || w.dilation[i] * w.kernel[i] > kMost) {
      throw ValueError(fmt::format("{}: window {}, stride {}, padding {}, dilation {} reach beyond 2^31", op, w.kernel[i], w.stride[i],
                                   w.padding[i], w.dilation[i]));
    }
    const int64_t room = w.in[i] + 2 * w.padding[i], reach = w.dilation[i] * (w.kernel[i] - 1) + 1;
    if (w.kernel[i] < 1 || room < reach) {
      throw ShapeError(fmt::format("{}: a window of {} does not fit {} of {} with padding {}", op, reach,
                                   i == 0     ? "height"
                                   : sequence ? "length"
                                              : "width",
                                   image.str(), w.padding[i]));
    }
    w.out[i] = (room - reach) / w.stride[i] + 1;
  }
  return w;
}

}  // namespace heed::detail
