// From Philox words to numbers of a distribution: what uniform, randn, bernoulli, dropout and next_below do with them.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>

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
  const double u = unit_uniform(words[0], words[1]);
  // A range of more than double holds is halved at first.
  const T value = static_cast<T>(std::isinf(high - low) ? 2 * (low / 2 + (high / 2 - low / 2) * u) : low + (high - low) * u);
  if (!(low < high) || static_cast<double>(value) < high) return value;
  T below = static_cast<T>(high);
  if (static_cast<double>(below) >= high) below = std::nextafter(below, static_cast<T>(-INFINITY));
  return static_cast<double>(below) < low ? static_cast<T>(low) : below;  // no T lies in the range
}

/// @param word 64 random bits
/// @param bound above 0
/// @return uniform in [0, bound), or nothing for the few last words, which would favour small numbers: draw another
inline std::optional<uint64_t> below_from(uint64_t word, uint64_t bound) {
  if (word >= UINT64_MAX - UINT64_MAX % bound) return std::nullopt;
  return word % bound;
}

/// Which 16-bit halves of a word dropout keeps, and what it multiplies the kept elements by. p is taken in steps of 2^-16.
struct DropoutRule {
  uint32_t threshold;  // of 65536 halves so many are dropped
  double scale;        // 1 / (1 - p); 0 when none is kept
  /// @param p in [0, 1]
  explicit DropoutRule(double p)
      : threshold(static_cast<uint32_t>(std::lround(p * 65536))), scale(threshold >= 65536 ? 0 : 65536.0 / (65536.0 - threshold)) {}
  /// @param half 0..65535
  /// @return whether its element is kept
  bool keeps(uint32_t half) const { return half >= threshold; }
};

/// Box and Muller 1958.
/// @param words of one Philox block
/// @return normal with mean 0 and standard deviation 1; finite, as the uniform number is below 1
inline double normal_from(const std::array<uint32_t, 4>& words) {
  const double radius = std::sqrt(-2.0 * std::log1p(-unit_uniform(words[0], words[1])));
  return radius * std::cos(2 * std::numbers::pi * unit_uniform(words[2], words[3]));
}

}  // namespace heed::detail
