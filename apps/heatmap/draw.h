// A record as a picture file.
#pragma once

#include <string>

#include "apps/heatmap/layout.h"
#include "models/run/translation.h"

namespace heed::heatmap {

constexpr double kDefaultDpi = 144;

/// Throws ValueError unless the path ends in .svg, .png or .pdf, or is standard output ("-", /dev/stdout:
/// SVG).
void check_output(const std::string& path);
struct Drawn {
  int missing_glyphs = 0;  // characters that no installed font has
  size_t bytes = 0;        // of the file
};

/// The picture as an element of a page; page_svg_head() (render.h) comes before the first. Throws ValueError
/// for a record without attention.
std::string draw_on_page(const models::Translation& record, const PictureOptions& options = {});

/// Writes the picture in the format of the path's extension.
/// Throws ValueError for a record without attention or another extension, IoError when the file cannot be
/// written.
Drawn draw_file(const models::Translation& record, const std::string& path,
                const PictureOptions& options = {}, double dpi = kDefaultDpi);

}  // namespace heed::heatmap
