#include "apps/heatmap/colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

namespace heed::heatmap {
namespace {

constexpr uint32_t kViridis[] = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c,
                                 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725};
constexpr uint32_t kCividis[] = {0x00224e, 0x123570, 0x3b496c, 0x575d6d, 0x707173,
                                 0x8a8678, 0xa59c74, 0xc3b369, 0xe1cc55, 0xfee838};
constexpr uint32_t kGreys[] = {0x000000, 0xffffff};
constexpr uint32_t kLightDifference[] = {0x08519c, 0x6baed6, 0xffffff, 0xfd8d3c, 0xa63603};
constexpr uint32_t kDarkDifference[] = {0x9ecae1, 0x3182bd, 0x14171a, 0xd9590d, 0xfdae6b};

Colour colour_of_bytes(uint32_t rgb) {
  return {static_cast<double>(rgb >> 16) / 255, static_cast<double>(rgb >> 8 & 255) / 255,
          static_cast<double>(rgb & 255) / 255};
}

Colour mixed(const Colour& a, const Colour& b, double part) {
  Colour colour;
  for (size_t i = 0; i < 3; ++i) colour[i] = a[i] + (b[i] - a[i]) * part;
  return colour;
}

// On straight lines between colours that lie evenly in [0, 1].
Colour between(std::span<const uint32_t> colours, double w) {
  const double at = w * static_cast<double>(colours.size() - 1);
  const size_t low = std::min(static_cast<size_t>(at), colours.size() - 2);
  return mixed(colour_of_bytes(colours[low]), colour_of_bytes(colours[low + 1]),
               at - static_cast<double>(low));
}

Colour cubehelix(double w) {
  constexpr double kStart = 0.25, kRotations = -0.75, kHue = 1.1;
  const double phi = 2 * std::numbers::pi * (kStart / 3 + 1 + kRotations * w);
  const double amplitude = kHue * w * (1 - w) / 2;
  const double c = std::cos(phi), s = std::sin(phi);
  const Colour raw = {w + amplitude * (-0.14861 * c + 1.78277 * s),
                      w + amplitude * (-0.29227 * c - 0.90649 * s), w + amplitude * 1.97294 * c};
  return {std::clamp(raw[0], 0.0, 1.0), std::clamp(raw[1], 0.0, 1.0), std::clamp(raw[2], 0.0, 1.0)};
}

Colour dark_colour(ColourMap map, double w) {
  switch (map) {
    case ColourMap::viridis:
      return between(kViridis, w);
    case ColourMap::cividis:
      return between(kCividis, w);
    case ColourMap::greys:
      return between(kGreys, w);
    case ColourMap::cubehelix:
      break;
  }
  return cubehelix(w);
}

// The map turned round; one that does not end in white is reached from white in the first tenth.
Colour light_colour(ColourMap map, double w) {
  constexpr Colour kPaper = {1, 1, 1};
  constexpr double kTenth = 0.1;
  const Colour brightest = dark_colour(map, 1);
  if (brightest == kPaper) return dark_colour(map, 1 - w);
  return w < kTenth ? mixed(kPaper, brightest, w / kTenth) : dark_colour(map, (1 - w) / (1 - kTenth));
}

}  // namespace

Colour colour_of(double weight, const Palette& palette) {
  if (palette.difference) {
    const double w = (std::clamp(weight, -1.0, 1.0) + 1) / 2;
    return palette.light ? between(kLightDifference, w) : between(kDarkDifference, w);
  }
  const double w = std::clamp(weight, 0.0, 1.0);
  return palette.light ? light_colour(palette.map, w) : dark_colour(palette.map, w);
}

double scale_value(double part, const Palette& palette) { return palette.difference ? 2 * part - 1 : part; }

std::string hex(const Colour& colour) {
  const auto byte = [](double value) { return static_cast<int>(std::lround(value * 255)); };
  return fmt::format("#{:02x}{:02x}{:02x}", byte(colour[0]), byte(colour[1]), byte(colour[2]));
}

}  // namespace heed::heatmap
