// heatmap: draws the attention of a translation, from a record (models/decoding/translation.h), as SVG or PNG.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "apps/common/main_guard.h"
#include "apps/heatmap/render.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/decoding/translation.h"
#include "models/text/unicode.h"

namespace {

using namespace heed;

struct Options {
  std::string record, output, json;
  int64_t line = 1;
  double dpi = 144;
  heatmap::PictureOptions picture;
};

enum class Format { svg, png };

Format format_of(const std::string& path) {
  const std::string extension = models::to_lower(std::filesystem::path(path).extension().string());
  if (extension == ".svg") return Format::svg;
  if (extension == ".png") return Format::png;
  throw ValueError(fmt::format("'{}': the output ends in .svg or .png", path));
}

// Line `number` (from 1) of a file of records; "-" is standard input.
models::Translation read_record(const std::string& path, int64_t number) {
  const std::string name = path == "-" ? "standard input" : path;
  const std::string text =
      path == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>())
                  : read_file(path);
  int64_t count = 0;
  for (size_t pos = 0; pos < text.size();) {
    const size_t newline = std::min(text.find('\n', pos), text.size());
    if (++count == number)
      return models::parse_translation(std::string_view(text).substr(pos, newline - pos), name, number);
    pos = newline + 1;
  }
  throw ValueError(
      fmt::format("'{}' has {} line{}, --line asks for {}", name, count, count == 1 ? "" : "s", number));
}

void draw(const Options& options) {
  const Format format = format_of(options.output);
  const models::Translation record = read_record(options.record, options.line);
  const auto picture = heatmap::make_picture(record, options.picture);
  const auto layout = heatmap::lay_out(picture, heatmap::measure_text);
  if (format == Format::svg) {
    write_file_atomically(options.output, heatmap::render_svg(picture, layout));
  } else {
    const auto png = heatmap::render_png(picture, layout, options.dpi);
    if (png.missing_glyphs > 0) {
      apps::warn(
          "heatmap",
          fmt::format("no installed font has {} of the characters: they are drawn as boxes (an SVG leaves the "
                      "choice of fonts to the viewer)",
                      png.missing_glyphs));
    }
    write_file_atomically(options.output, png.bytes);
  }
  if (!options.json.empty()) write_file_atomically(options.json, models::to_json_line(record) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App cli(
      "Draws the attention of a translation: source words across, output words down, brightness the weight.",
      "heatmap");
  cli.add_option("--record", options.record, "file of attention records, one JSON a line; - for standard input")
      ->required();
  cli.add_option("--line", options.line, "which line of the file, from 1")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  cli.add_option("-o,--output", options.output, "picture to write: .svg or .png")->required();
  cli.add_option("--layer", options.picture.layer, "layer to draw (default: the first in the record)")
      ->check(CLI::NonNegativeNumber);
  cli.add_option("--head", options.picture.head, "head to draw (default: the first in the record)")
      ->check(CLI::NonNegativeNumber);
  cli.add_flag("--keep-eos,!--drop-eos", options.picture.keep_eos,
               "draw the end-of-sentence row and column (default) or leave them out");
  cli.add_option("--title", options.picture.title, "title (default: the model's name)");
  cli.add_option("--max-tokens", options.picture.max_tokens,
                 "draw at most so many words of either side (default: all)")
      ->check(CLI::PositiveNumber);
  cli.add_option("--dpi", options.dpi, "resolution of a PNG")
      ->check(CLI::Range(24.0, 1200.0))
      ->capture_default_str();
  cli.add_option("--json", options.json, "also write the record that was drawn");
  cli.set_version_flag("--version", "heatmap 0.1.0 (heed)");
  return apps::run_app("heatmap", cli, argc, argv, [&] { draw(options); });
}
