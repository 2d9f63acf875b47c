// Turns Philox random words into samples of a distribution; used by uniform, randn, bernoulli, dropout and
// Generator::next_below.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>

namespace heed::detail {

/// @param low,high two words of 32 random bits
/// @return uniform in [0, 1), with 53 bits
inline double unit_uniform(uint32_t low, uint32_t high) {
  return static_cast<double>((uint64_t{high} << 32 | low) >> 11) * 0x1.0p-53;
}

/// @tparam T float or double
/// @param words one Philox block; only the first two words are used
/// @param low,high the range
/// @return uniform in [low, high); a result that rounding to T would turn into `high` becomes the largest T
///   below `high`
template <class T>
T uniform_from(const std::array<uint32_t, 4>& words, double low, double high) {
  const double u = unit_uniform(words[0], words[1]);
  // high - low may overflow to infinity in double; then the computation is done at half scale.
  const T value = static_cast<T>(std::isinf(high - low) ? 2 * (low / 2 + (high / 2 - low / 2) * u)
                                                        : low + (high - low) * u);
  if (!(low < high) || static_cast<double>(value) < high) return value;
  T below = static_cast<T>(high);
  if (static_cast<double>(below) >= high) below = std::nextafter(below, static_cast<T>(-INFINITY));
  return static_cast<double>(below) < low ? static_cast<T>(low) : below;  // the range contains no value of T
}

/// @param word 64 random bits
/// @param bound above 0
/// @return uniform in [0, bound); nullopt for the few largest words, which would make small numbers more
///   likely: call again with another word
inline std::optional<uint64_t> below_from(uint64_t word, uint64_t bound) {
  if (word > UINT64_MAX - bound && word >= UINT64_MAX - UINT64_MAX % bound) return std::nullopt;
  return word % bound;
}

/// Decides from 16 random bits whether dropout keeps an element, and by what factor kept elements are
/// multiplied. p is rounded to a multiple of 2^-16.
struct DropoutRule {
  uint32_t threshold;  // elements whose 16 bits are below this are dropped
  double scale;        // 1 / (1 - p); 0 when none is kept
  /// @param p in [0, 1]
  explicit DropoutRule(double p)
      : threshold(static_cast<uint32_t>(std::lround(p * 65536))),
        scale(threshold >= 65536 ? 0 : 65536.0 / (65536.0 - threshold)) {}
  /// @param half 16 random bits, 0..65535
  /// @return whether the element is kept
  bool keeps(uint32_t half) const { return half >= threshold; }
};

/// Standard normal sample by the Box-Muller transform (Box & Muller 1958).
/// @param words one Philox block
/// @return normal with mean 0 and standard deviation 1; always finite, because the uniform number inside the
///   logarithm is below 1
inline double normal_from(const std::array<uint32_t, 4>& words) {
  const double radius = std::sqrt(-2.0 * std::log1p(-unit_uniform(words[0], words[1])));
  return radius * std::cos(2 * std::numbers::pi * unit_uniform(words[2], words[3]));
}

}  // namespace heed::detail
