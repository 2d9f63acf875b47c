#include "apps/heatmap/draw.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <vector>

#include "apps/common/streams.h"
#include "apps/heatmap/render.h"
#include "framework/core/error.h"
#include "models/text/unicode.h"

namespace heed::heatmap {
namespace {

const Format& format_of(const std::string& path) {
  if (path == "-" || path == "/dev/stdout") return kFormats[0];
  const std::string extension = models::to_lower(std::filesystem::path(path).extension().string());
  std::vector<std::string_view> known;
  for (const Format& format : kFormats) {
    if (extension == format.extension) return format;
    known.push_back(format.extension);
  }
  throw ValueError(fmt::format("'{}': the output must end in {} (a picture) or .html (a page)", path,
                               fmt::join(known, ", ")));
}

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

}  // namespace

void check_output(const std::string& path) { format_of(path); }

std::string draw_on_page(const models::Translation& record, const PictureOptions& options) {
  const Picture picture = make_picture(record, options);
  return page_svg(lay_out_sheet({picture}, 1, measure_text), label_of(record, options.which, picture));
}

Drawn draw_file(const models::Translation& record, const std::string& path, const PictureOptions& options,
                double dpi) {
  const Format& format = format_of(path);
  std::vector<Picture> pictures =
      options.grid ? make_grid(record, options) : std::vector{make_picture(record, options)};
  const std::vector<models::AttentionWeights>& maps = maps_of(record, options.which);
  size_t columns = 0;  // a row a layer
  for (const models::AttentionWeights& map : maps) columns += map.layer == maps.front().layer ? 1 : 0;
  const std::string label = label_of(record, options.which, pictures.front());
  const std::string title = options.title.empty() ? record.model : options.title;
  const std::string caption =
      options.which == Which::encoder ? "" : fmt::format("score {:.2f}", record.score);
  const Sheet sheet = options.grid ? lay_out_sheet(std::move(pictures), columns, measure_text, title, caption)
                                   : lay_out_sheet(std::move(pictures), 1, measure_text);
  const Rendered picture = format.render(sheet, label, dpi);
  apps::write_output(path, picture.bytes);
  return {picture.missing_glyphs, picture.bytes.size()};
}

}  // namespace heed::heatmap
