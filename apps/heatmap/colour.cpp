#include "apps/heatmap/colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace heed::heatmap {

Colour colour_of(double weight) {
  constexpr double kStart = 0.25, kRotations = -0.75, kHue = 1.1;
  const double w = std::clamp(weight, 0.0, 1.0);
  const double phi = 2 * std::numbers::pi * (kStart / 3 + 1 + kRotations * w);
  const double amplitude = kHue * w * (1 - w) / 2;
  const double c = std::cos(phi), s = std::sin(phi);
  const Colour raw = {w + amplitude * (-0.14861 * c + 1.78277 * s),
                      w + amplitude * (-0.29227 * c - 0.90649 * s), w + amplitude * 1.97294 * c};
  return {std::clamp(raw[0], 0.0, 1.0), std::clamp(raw[1], 0.0, 1.0), std::clamp(raw[2], 0.0, 1.0)};
}

std::string hex(const Colour& colour) {
  const auto byte = [](double value) { return static_cast<int>(std::lround(value * 255)); };
  return fmt::format("#{:02x}{:02x}{:02x}", byte(colour[0]), byte(colour[1]), byte(colour[2]));
}

}  // namespace heed::heatmap
