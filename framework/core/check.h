// Range checks for numeric options. The error names the layer or function that takes the option, and the
// option.
#pragma once

#include <cstdint>

namespace heed {

/// The range of values that an option may have; NaN is always rejected.
enum class Allowed : uint8_t {
  finite,        // (-inf, inf)
  non_negative,  // [0, inf)
  positive,      // (0, inf)
  fraction,      // [0, 1)
  portion,       // [0, 1]
  inside_unit    // (0, 1)
};

/// Throws if a number is outside its allowed range.
/// @param where name of the function or layer that takes the option, used in error messages
/// @param option name of the option
/// @param value the value given by the caller
/// @param allowed the range it must lie in
/// @throws ValueError "adam: beta1 1.5 is outside [0, 1)"
void check_number(const char* where, const char* option, double value, Allowed allowed);
/// Throws if an integer is below its minimum.
/// @param where name of the function or layer that takes the option, used in error messages
/// @param option name of the option
/// @param value the value given by the caller
/// @param least the smallest allowed value
/// @throws ValueError "Conv2d: groups must be at least 1, got 0"
void check_at_least(const char* where, const char* option, int64_t value, int64_t least);

}  // namespace heed
