// From Philox words to numbers of a distribution: what uniform, randn and bernoulli do with them.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace heed::detail {

/// @param low,high two words
/// @return uniform in [0, 1), with 53 bits
inline double unit_uniform(uint32_t low, uint32_t high) { return static_cast<double>((uint64_t{high} << 32 | low) >> 11) * 0x1.0p-53; }

/// @tparam T float or double
/// @param words of one Philox block, the first two of which count
/// @param low,high the range
/// @return uniform in [low, high): what T rounds up to `high` becomes the number before it
template <class T>
T uniform_from(const std::array<uint32_t, 4>& words, double low, double high) {
  const T value = static_cast<T>(low + (high - low) * unit_uniform(words[0], words[1]));
  if (!(low < high) || static_cast<double>(value) < high) return value;
  T below = static_cast<T>(high);
  if (static_cast<double>(below) >= high) below = std::nextafter(below, static_cast<T>(-INFINITY));
  return static_cast<double>(below) < low ? static_cast<T>(low) : below;  // no T lies in the range
}

/// Box and Muller 1958.
/// @param words of one Philox block
/// @return normal with mean 0 and standard deviation 1; finite, as the uniform number is below 1
inline double normal_from(const std::array<uint32_t, 4>& words) {
  const double radius = std::sqrt(-2.0 * std::log1p(-unit_uniform(words[0], words[1])));
  return radius * std::cos(2 * std::numbers::pi * unit_uniform(words[2], words[3]));
}

}  // namespace heed::detail
