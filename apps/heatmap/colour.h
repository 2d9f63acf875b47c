// From weight to colour: cubehelix [Green 2011, Bull. Astr. Soc. India 39, 289; the formula is free to use],
// a spiral through the colour cube whose perceived brightness rises evenly from black to white, so that it
// also survives a grey printer:
//   rgb = w + a (cos phi M_c + sin phi M_s),
//   phi = 2 pi (start / 3 + 1 + rotations w),   a = hue w (1 - w) / 2
#pragma once

#include <array>
#include <string>

namespace heed::heatmap {

using Colour = std::array<double, 3>;  // red, green, blue in [0, 1]

/// Dark for 0, bright for 1; weights outside [0, 1] count as the nearer end.
Colour colour_of(double weight);

/// "#rrggbb"
std::string hex(const Colour& colour);

}  // namespace heed::heatmap
