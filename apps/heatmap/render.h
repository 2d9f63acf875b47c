// A laid-out heatmap as a file's bytes; one source file per format.
#pragma once

#include <string>
#include <string_view>

#include "apps/heatmap/layout.h"

namespace heed::heatmap {

/// The extent of a line of text as pango shapes it, with fallback fonts.
Size measure_text(std::string_view text, double font_size);

/// A picture's file.
struct Rendered {
  std::string bytes;
  int missing_glyphs = 0;  // characters that no installed font has; a viewer of an SVG looks for them itself
};
/// A self-contained SVG: real text, and the value of a cell as a tooltip; `label` is what a screen reader
/// says.
Rendered render_svg(const Sheet& sheet, const std::string& label, double dpi);
/// Throws ValueError for a picture larger than cairo can hold.
Rendered render_png(const Sheet& sheet, const std::string& label, double dpi);
/// One page, the size of the picture, `label` its title. Throws ValueError for a page larger than PDF knows.
Rendered render_pdf(const Sheet& sheet, const std::string& label, double dpi);

/// A format of picture files.
struct Format {
  std::string_view extension;  ///< ".svg", lower case
  Rendered (*render)(const Sheet& sheet, const std::string& label, double dpi);
};
/// All of them; the first is what standard output gets.
inline constexpr Format kFormats[] = {{".svg", render_svg}, {".png", render_png}, {".pdf", render_pdf}};

/// The SVG for a page that shows several pictures of the default palette: an element without the style and
/// the colours that page_svg_head() gives once, and small: cells of little weight have no words of their own.
std::string page_svg(const Sheet& sheet, const std::string& label);
/// What the pictures of a page share, drawn as nothing.
std::string page_svg_head();

// The look that all formats share.
constexpr std::string_view kPangoFonts = "sans-serif";
constexpr std::string_view kSvgFonts =
    "'DejaVu Sans', 'Noto Sans', 'Helvetica Neue', Arial, 'Noto Sans CJK SC', 'Noto Sans Arabic', sans-serif";
// A masked cell: paper of its own and a line from corner to corner.
constexpr std::string_view kMaskedPaper = "#f1f3f5", kMaskedLine = "#adb5bd";
/// The lines between cells, white on dark maps and black on light ones.
struct Seam {
  double grey, opacity;
};
Seam seam_of(const Palette& palette);
struct TextLook {
  std::string_view colour;
  bool bold = false, italic = false;
};
TextLook look_of(PlacedText::Role role);

}  // namespace heed::heatmap
