// Argument checks that convolution and pooling share.
#pragma once

#include <array>
#include <cstdint>

#include "framework/kernels/spatial.h"
#include "framework/ops/spatial.h"

namespace heed::detail {

inline std::array<int64_t, 2> pair(Extent2d e) { return {e.height, e.width}; }

/// The window, with the number of positions where it fits on an image [B, C, H, W]; a sequence [B, C, L] is
/// treated as an image of height 1. Throws ValueError and ShapeError naming `op`.
kernels::Window window_on(const char* op, const Shape& image, Extent2d kernel, Extent2d stride,
                          Extent2d padding, Extent2d dilation = 1);

}  // namespace heed::detail
