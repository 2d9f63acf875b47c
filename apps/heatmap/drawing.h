// Drawing by pango and cairo lies in a library of its own, which a program loads when it first draws: it
// brings some thirty other libraries, and most commands draw nothing.
#pragma once

#include "apps/heatmap/render.h"

namespace heed::heatmap {

/// What the library has; render.h says what each does.
struct Drawing {
  Size (*measure)(std::string_view text, double font_size);
  Rendered (*png)(const Sheet& sheet, const std::string& label, double dpi);
  Rendered (*pdf)(const Sheet& sheet, const std::string& label, double dpi);
};

/// Loads the library now, for commands that draw when long work is done. Throws Error naming the file if it
/// cannot be loaded.
void require_drawing();

constexpr const char* kDrawingFile = "lib/heed/heed_drawing.so";  // beside the folder of the program
constexpr const char* kDrawingSymbol = "heed_drawing";            // of type Drawing

}  // namespace heed::heatmap
