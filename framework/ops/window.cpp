#include "framework/ops/window.h"

#include <fmt/format.h>

#include <algorithm>

namespace heed::detail {

kernels::Window window_on(const char* op, const Shape& image, Extent2d kernel, Extent2d stride,
                          Extent2d padding, Extent2d dilation) {
  const bool sequence = image.ndim() == 3;
  kernels::Window w{{sequence ? 1 : image[2], image.back()},
                    {0, 0},
                    pair(kernel),
                    pair(stride),
                    pair(padding),
                    pair(dilation)};
  for (size_t i = 0; i < 2; ++i) {
    if (w.stride[i] < 1 || w.dilation[i] < 1 || w.padding[i] < 0) {
      throw ValueError(
          op,
          fmt::format(
              "stride {}, padding {}, dilation {}: the first and last must be positive, padding not negative",
              w.stride[i], w.padding[i], w.dilation[i]));
    }
    constexpr int64_t kMost = INT32_MAX;  // what oneDNN counts with; no sum of them overflows
    if (std::max({w.stride[i], w.dilation[i], w.padding[i], w.kernel[i]}) > kMost ||
        w.dilation[i] * w.kernel[i] > kMost) {
      throw ValueError(op, fmt::format("window {}, stride {}, padding {}, dilation {} reach beyond 2^31",
                                       w.kernel[i], w.stride[i], w.padding[i], w.dilation[i]));
    }
    const int64_t room = w.in[i] + 2 * w.padding[i], reach = w.dilation[i] * (w.kernel[i] - 1) + 1;
    if (w.kernel[i] < 1 || room < reach) {
      throw ShapeError(op, fmt::format("a window of {} does not fit {} of {} with padding {}", reach,
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
