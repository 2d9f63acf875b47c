// From weight to colour. The names are those of the page as well (viewer/colours.js), which is given the same
// colours.
//
// cubehelix [Green 2011, Bull. Astr. Soc. India 39, 289; the formula is free to use] is a spiral through the
// colour cube whose perceived brightness rises evenly from black to white, so that it also survives a grey
// printer:
//   rgb = w + a (cos phi M_c + sin phi M_s),
//   phi = 2 pi (start / 3 + 1 + rotations w),   a = hue w (1 - w) / 2
// viridis and cividis [Nunez, Anderton & Renslow 2018, PLoS ONE 13, e0199239] are straight lines between a
// few of their colours. All of them can be told apart without telling red from green.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "models/options/choice.h"

namespace heed::heatmap {

enum class ColourMap : uint8_t { cubehelix, viridis, cividis, greys };
}  // namespace heed::heatmap
/// The names of ColourMap.
template <>
inline constexpr std::array<std::string_view, 4> heed::models::kNames<heed::heatmap::ColourMap>{
    "cubehelix", "viridis", "cividis", "greys"};
namespace heed::heatmap {

/// Which colours weights get.
struct Palette {
  ColourMap map = ColourMap::cubehelix;
  bool light = false;       // 0 is white paper and 1 dark, for print
  bool difference = false;  // of differences from -1, blue, to 1, orange; `map` says nothing then

  bool operator==(const Palette&) const = default;
};

using Colour = std::array<double, 3>;  // red, green, blue in [0, 1]

/// Of a dark palette dark for 0 and bright for 1, of a light one white for 0 and dark for 1; in between the
/// brightness rises or falls all the way. Of a difference -1 and 1 are the ends and 0 is the ground. Weights
/// beyond an end count as the end.
Colour colour_of(double weight, const Palette& palette);

/// The value at a part of the scale, from 0 at its foot to 1: of a difference from -1 to 1.
double scale_value(double part, const Palette& palette);

/// "#rrggbb"
std::string hex(const Colour& colour);

}  // namespace heed::heatmap
