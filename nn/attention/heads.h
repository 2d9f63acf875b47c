// Check of the number of heads of multi-head attention.
#pragma once

#include <cstdint>

namespace heed::nn::detail {

/// @param kind kind of attention, used in error messages
/// @param size,heads size of the projections, and number of heads
/// @return heads
/// @throws ValueError when heads is below 1 or does not divide a size of at least 1
int64_t checked_heads(const char* kind, int64_t size, int64_t heads);

}  // namespace heed::nn::detail
