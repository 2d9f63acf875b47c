#include "framework/core/check.h"

#include <fmt/format.h>

#include <cmath>

#include "framework/core/error.h"

namespace heed {

void check_number(const char* where, const char* option, double value, Allowed allowed) {
  const char* range = "(-inf, inf)";
  bool good = std::isfinite(value);
  switch (allowed) {
    case Allowed::finite:
      break;
    case Allowed::non_negative:
      range = "[0, inf)", good = good && value >= 0;
      break;
    case Allowed::positive:
      range = "(0, inf)", good = good && value > 0;
      break;
    case Allowed::fraction:
      range = "[0, 1)", good = good && value >= 0 && value < 1;
      break;
    case Allowed::portion:
      range = "[0, 1]", good = good && value >= 0 && value <= 1;
      break;
    case Allowed::inside_unit:
      range = "(0, 1)", good = good && value > 0 && value < 1;
      break;
  }
  if (!good) throw ValueError(where, fmt::format("{} {} is outside {}", option, value, range));
}

void check_at_least(const char* where, const char* option, int64_t value, int64_t least) {
  if (value < least)
    throw ValueError(where, fmt::format("{} must be at least {}, got {}", option, least, value));
}

}  // namespace heed
