// Rounding of numbers to 8 bits with a common scale, as weights are stored and multiplied.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace heed {

/// Rounds values to the nearest whole numbers q in [-127, 127], to the even one of two, with x = q s and
/// s = max |x| / 127: the error of a value is at most s / 2.
/// @param x values
/// @param into where the whole numbers go, as many as values
/// @return the scale s; 0 for zeros and what is so small that it is, whose whole numbers are 0; NaN, with
/// whole
///   numbers of 0, where a value is NaN or infinite
template <class Whole>
float quantise(std::span<const float> x, Whole* into) {
  constexpr float kMost = 127;
  float largest = 0, bad = 0;
  for (const float value : x) {
    largest = std::max(largest, std::abs(value));
    bad += value - value;  // NaN once a value is NaN or infinite
  }
  const float scale = std::isnan(bad) ? bad : largest / kMost;
  std::transform(x.begin(), x.end(), into, [&](float value) {
    return scale > 0 ? static_cast<Whole>(std::lrint(std::clamp(value / scale, -kMost, kMost))) : Whole{0};
  });
  return scale;
}

}  // namespace heed
