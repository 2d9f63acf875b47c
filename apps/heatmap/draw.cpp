#include "apps/heatmap/draw.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <vector>

#include "apps/common/streams.h"
#include "apps/heatmap/render.h"
#include "framework/core/error.h"
#include "models/text/unicode.h"

namespace heed::heatmap {
namespace {

// What a screen reader says.
std::string label_of(const models::Translation& record, Which which, const Picture& picture) {
  const size_t across = picture.columns.size(), down = picture.rows.size();
  if (which == Which::encoder)
    return fmt::format("Encoder self-attention of {}: {} source words across and down", record.model, down);
  if (which == Which::decoder) {
    return fmt::format("Decoder self-attention of {}: {} words read across, {} output words down",
                       record.model, across, down);
  }
  return fmt::format("Attention of {}: {} source words across, {} output words down", record.model, across,
                     down);
}

std::string label_of(const std::vector<NamedRecord>& records, const std::vector<Picture>& pictures,
                     const PictureOptions& options) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < records.size(); ++i) {  // in a grid all pictures are of one record
    const std::string name = records.size() > 1 ? records[i].name + ": " : "";
    parts.push_back(name + label_of(records[i].record, options.which, pictures[i]));
  }
  if (pictures.back().palette.difference) parts.push_back("the first less the second");
  return fmt::format("{}", fmt::join(parts, "; "));
}

Sheet sheet_of(const std::vector<NamedRecord>& records, std::vector<Picture> pictures,
               const PictureOptions& options) {
  if (records.size() > 1) {
    const size_t columns = pictures.size();
    return lay_out_sheet(std::move(pictures), columns, measure_text, options.title);
  }
  if (!options.grid) return lay_out_sheet(std::move(pictures), 1, measure_text);
  const models::Translation& record = records.front().record;
  const std::vector<models::AttentionWeights>& maps = maps_of(record, options.which);
  size_t columns = 0;  // a row a layer
  for (const models::AttentionWeights& map : maps) columns += map.layer == maps.front().layer ? 1 : 0;
  return lay_out_sheet(std::move(pictures), columns, measure_text,
                       options.title.empty() ? record.model : options.title,
                       options.which == Which::encoder ? "" : fmt::format("score {:.2f}", record.score));
}

}  // namespace

const Format& format_of(const std::string& path, const std::string& name) {
  const bool standard_output = path == "-" || path == "/dev/stdout";
  const std::string extension = models::to_lower(std::filesystem::path(path).extension().string());
  const Format* of_path = standard_output && name.empty() ? &kFormats[0] : nullptr;
  const Format* named = nullptr;
  std::vector<std::string_view> known;
  for (const Format& format : kFormats) {
    if (extension == format.extension) of_path = &format;
    if (!name.empty() && format.extension.substr(1) == name) named = &format;
    known.push_back(format.extension);
  }
  if (named && of_path && named != of_path)
    throw CLI::ValidationError("--format", fmt::format("{} and the extension {} differ", name, extension));
  if (named) return *named;
  if (of_path) return *of_path;
  throw CLI::ValidationError("--output", fmt::format("'{}' must end in {} (a picture) or .html (a page)",
                                                     path, fmt::join(known, ", ")));
}

Rendered draw(const std::vector<NamedRecord>& records, const Format& format, const PictureOptions& options,
              double dpi) {
  std::vector<Picture> pictures = make_pictures(records, options);
  const std::string label = label_of(records, pictures, options);
  return format.render(sheet_of(records, std::move(pictures), options), label, dpi);
}

std::string draw_on_page(const models::Translation& record, const PictureOptions& options) {
  const Picture picture = make_picture(record, options);
  return page_svg(lay_out_sheet({picture}, 1, measure_text), label_of(record, options.which, picture));
}

void draw_file(const models::Translation& record, const std::string& path, const PictureOptions& options) {
  apps::write_output(path, draw({{record, ""}}, format_of(path), options).bytes);
}

}  // namespace heed::heatmap
