#include "framework/core/error.h"

#include <fmt/format.h>

namespace heed {

void assertion_failed(const char* condition, const char* file, int line) {
  throw std::logic_error(fmt::format("heed bug: {} does not hold at {}:{}", condition, file, line));
}

}  // namespace heed
