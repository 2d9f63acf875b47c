// Numbers in lines of metrics.jsonl.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace heed::models {

/// @param value any number
/// @param digits decimals
/// @return the number as JSON; null for NaN and infinity, which JSON does not have
inline std::string json_number(double value, int digits = 6) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "null";
}

}  // namespace heed::models
