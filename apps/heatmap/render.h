// A laid-out heatmap as a file's bytes; one source file per format.
#pragma once

#include <string>
#include <string_view>

#include "apps/heatmap/layout.h"

namespace heed::heatmap {

/// The extent of a line of text as pango shapes it, with fallback fonts (png.cpp).
Size measure_text(std::string_view text, double font_size);

/// A self-contained SVG: real text, and the value of a cell as a tooltip; `label` is what a screen reader says.
std::string render_svg(const Sheet& sheet, const std::string& label);

/// The same for a page that shows several pictures: an element without the style and the colours that page_svg_head() gives once, and
/// small: cells of little weight have no words of their own.
std::string page_svg(const Sheet& sheet, const std::string& label);
/// What the pictures of a page share, drawn as nothing.
std::string page_svg_head();

struct Png {
  std::string bytes;
  int missing_glyphs = 0;  ///< characters that no installed font has
};
/// Throws ValueError for a picture larger than cairo can hold.
Png render_png(const Sheet& sheet, double dpi);

// The look that both formats share.
constexpr std::string_view kPangoFonts = "sans-serif";
constexpr std::string_view kSvgFonts =
    "'DejaVu Sans', 'Noto Sans', 'Helvetica Neue', Arial, 'Noto Sans CJK SC', 'Noto Sans Arabic', sans-serif";
constexpr double kSeamOpacity = 0.16;  // of the white lines between cells
struct TextLook {
  std::string_view colour;
  bool bold = false, italic = false;
};
TextLook look_of(PlacedText::Role role);

}  // namespace heed::heatmap
