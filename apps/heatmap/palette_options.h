// Options for the colours of a picture.
#pragma once

#include <CLI/CLI.hpp>

#include "apps/heatmap/colour.h"

namespace heed::heatmap {

/// Adds --colour and --light (--dark). Returns --colour.
CLI::Option* add_palette_options(CLI::App& cli, Palette& palette);

}  // namespace heed::heatmap
