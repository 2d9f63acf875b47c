// Records as a picture file.
#pragma once

#include <string>
#include <vector>

#include "apps/heatmap/render.h"

namespace heed::heatmap {

constexpr double kDefaultDpi = 144;

/// The format of an output: the one named ("svg", "png", "pdf") or, with an empty name, that of the path's
/// extension, SVG for standard output ("-", /dev/stdout). Throws CLI::ValidationError for another extension
/// and for a name that is not the extension's.
const Format& format_of(const std::string& path, const std::string& name = "");

/// The records side by side in one picture (make_pictures). Throws ValueError as make_pictures and for a
/// picture that is too large for the format.
Rendered draw(const std::vector<NamedRecord>& records, const Format& format,
              const PictureOptions& options = {}, double dpi = kDefaultDpi);

/// The picture of a record as an element of a page; page_svg_head() (render.h) comes before the first. Throws
/// ValueError for a record without attention.
std::string draw_on_page(const models::Translation& record, const PictureOptions& options = {});

/// Writes the picture of a record in the format of the path's extension. Throws ValueError for a record
/// without attention or another extension, IoError when the file cannot be written.
void draw_file(const models::Translation& record, const std::string& path,
               const PictureOptions& options = {});

}  // namespace heed::heatmap
