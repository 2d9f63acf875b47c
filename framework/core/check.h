// Options that are numbers: a wrong one is refused where it is given, by the names of what takes it and of the option.
#pragma once

#include <cstdint>

namespace heed {

/// Which numbers an option takes; NaN is never one of them.
enum class Allowed : uint8_t {
  finite,        // (-inf, inf)
  non_negative,  // [0, inf)
  positive,      // (0, inf)
  fraction,      // [0, 1)
  portion,       // [0, 1]
  inside_unit    // (0, 1)
};

/// Refuses a number outside its range.
/// @param where what takes the option, in messages
/// @param option its name
/// @param value as it was given
/// @param allowed the range
/// @throws ValueError "adam: beta1 1.5 is outside [0, 1)"
void check_number(const char* where, const char* option, double value, Allowed allowed);
/// Refuses a whole number that is too small.
/// @param where what takes the option, in messages
/// @param option its name
/// @param value as it was given
/// @param least the smallest one that is taken
/// @throws ValueError "Conv2d: groups must be at least 1, got 0"
void check_at_least(const char* where, const char* option, int64_t value, int64_t least);

}  // namespace heed
