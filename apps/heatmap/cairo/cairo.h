// Sheets on a cairo surface, for the formats that cairo writes.
#pragma once

#include <cairo.h>

#include <memory>

#include "apps/heatmap/drawing.h"

namespace heed::heatmap {

struct ReleaseCairo {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
  void operator()(cairo_pattern_t* pattern) const { cairo_pattern_destroy(pattern); }
};
template <class T>
using CairoHandle = std::unique_ptr<T, ReleaseCairo>;

// What the library gives to the programs (drawing.h).
Size pango_size(std::string_view text, double font_size);
Rendered cairo_png(const Sheet& sheet, const std::string& label, double dpi);
Rendered cairo_pdf(const Sheet& sheet, const std::string& label, double dpi);

/// Draws on white; returns how many characters no installed font has.
int draw_sheet(cairo_t* cairo, const Sheet& sheet);

/// Throws Error naming the format unless all went well.
void require_drawn(cairo_t* cairo, const char* format);

}  // namespace heed::heatmap
