#include "nn/attention/heads.h"

#include <fmt/format.h>

#include "framework/core/error.h"

namespace heed::nn::detail {

int64_t checked_heads(const char* kind, int64_t size, int64_t heads) {
  if (heads < 1 || size < 1 || size % heads != 0) {
    throw ValueError(kind, fmt::format("{} heads do not divide a size of {}", heads, size));
  }
  return heads;
}

}  // namespace heed::nn::detail
