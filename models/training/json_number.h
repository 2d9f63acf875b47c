// Numbers of a training in lines of metrics.jsonl, and in messages.
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

/// @param value any number
/// @return the number for a message; NaN without the sign that a processor gives it at random
inline std::string shown_number(double value) { return fmt::format("{}", std::isnan(value) ? NAN : value); }

}  // namespace heed::models
