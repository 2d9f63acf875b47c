// heatmap: draws the attention of a translation, or of its encoder or decoder to itself, from a record
// (models/run/translation.h), as SVG, PNG or PDF.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/line_reader.h"
#include "apps/common/main_guard.h"
#include "apps/common/run_option.h"
#include "apps/common/sentence.h"
#include "apps/common/streams.h"
#include "apps/heatmap/draw.h"
#include "framework/build_info.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/translation.h"
#include "models/run/translator.h"
#include "models/text/counted.h"
#include "models/text/unicode.h"

namespace {

using namespace heed;

struct Options {
  std::string records, run, sentence, translation, output, json;
  std::vector<std::string> words;  // the sentence, as the shell left it
  int64_t line = 1;
  bool pieces = false;
  double dpi = heatmap::kDefaultDpi;
  heatmap::PictureOptions picture;
};

// Says what a file is not before it says what is wrong in it.
void require_record(std::string_view line, const std::string& name, int64_t at, int64_t wanted) {
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos && at == wanted)
    throw FormatError(fmt::format("'{}' line {} is empty", name, at));
  if (first != std::string_view::npos && line[first] != '{') {
    throw FormatError(
        fmt::format("'{}' is not a file of attention records: line {} is not a JSON object", name, at));
  }
}

// Line `number` (from 1) of a file of records; "-" is standard input.
models::Translation read_record(const std::string& path, int64_t number) {
  const std::string name = path == "-" ? "standard input" : path;
  apps::LineReader reader(path);
  int64_t count = 0;
  for (std::vector<std::string> lines = reader.next(1); !lines.empty(); lines = reader.next(1)) {
    if (++count == 1 || count == number) require_record(lines.front(), name, count, number);
    if (count == number) return models::parse_translation(lines.front(), name, number);
  }
  throw ValueError(
      fmt::format("'{}' has {}, --line asks for {}", name, models::counted(count, "line"), number));
}

// The model's own translation of one sentence, or its attention for a translation that is given.
models::Translation translate_sentence(const Options& options) {
  std::error_code error;
  if (std::filesystem::is_regular_file(options.sentence, error)) {
    throw ValueError(fmt::format(
        "'{}' is a file, and a sentence is wanted; 'translator translate -r RUN -s {} --records FILE' makes "
        "records of its lines, which --records FILE --line N draws",
        options.sentence, options.sentence));
  }
  const models::Translator translator(models::load_run(options.run));
  const bool self_attention = options.picture.which != heatmap::Which::cross;
  if (self_attention) translator.require_self_attention(fmt::format("--which: '{}'", options.run));
  return apps::translate_sentence(translator, options.sentence, options.translation,
                                  {.self_attention = self_attention});
}

void draw(const Options& options) {
  heatmap::check_output(options.output);
  apps::check_files({.inputs = {{"--records", options.records}},
                     .outputs = {{"--output", options.output}, {"--json", options.json}},
                     .runs = options.run.empty() ? std::vector<std::string>{} : std::vector{options.run}});
  if (models::first_invalid_utf8(options.picture.title)) throw ValueError("--title", "the text is not UTF-8");
  models::Translation record =
      options.run.empty() ? read_record(options.records, options.line) : translate_sentence(options);
  if (options.pieces) record = models::by_pieces(record);
  if (options.run.empty() && record.source.tokens.empty()) {
    throw ValueError(
        fmt::format("'{}' line {} is the record of a line without words: there is nothing to draw",
                    options.records, options.line));
  }
  const auto [missing, bytes] = heatmap::draw_file(record, options.output, options.picture, options.dpi);
  constexpr size_t kLargeFile = 20'000'000;
  if (bytes > kLargeFile) {
    apps::warn("heatmap", fmt::format("'{}' has {} MB, which viewers open slowly or not at all; --max-tokens "
                                      "draws a part, a PNG or a PDF is smaller",
                                      options.output, bytes / 1'000'000));
  }
  if (missing > 0) {
    apps::warn(
        "heatmap",
        fmt::format("no installed font has {} of the characters: they are drawn as boxes (an SVG leaves the "
                    "choice of fonts to the viewer)",
                    missing));
  }
  if (!options.json.empty()) apps::write_output(options.json, models::to_json_line(record) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App cli(
      "Draws the attention of a translation: what is attended to across, what attends down, brightness the "
      "weight.",
      "heatmap");
  const CLI::Validator line_number(
      [](const std::string& text) {
        return text.starts_with('-') || text == "0" ? "lines are counted from 1, got " + text : std::string();
      },
      "");
  auto* const from = cli.add_option_group("input", "a record, or a sentence and the run that translates it");
  from->add_option("--records", options.records,
                   "file of attention records, one JSON a line; - for standard input");
  auto* const run =
      from->add_option("-r,--run", options.run, "trained translator: a run folder or a name of the box")
          ->transform(apps::kNamesRun);
  from->require_option(1);
  auto* const sentence =
      cli.add_option("sentence", options.words, "the sentence to translate, in words of its own")->needs(run);
  run->needs(sentence);
  cli.add_option("--translation", options.translation,
                 "draw the attention for this translation instead of the model's own")
      ->needs(run);
  cli.add_option("--line", options.line, "which line of the file, from 1")
      ->check(line_number)
      ->capture_default_str();
  cli.add_option("-o,--output", options.output,
                 "picture to write: .svg, .png or .pdf; - for an SVG on standard output")
      ->required();
  apps::add_choice(cli, "--which", options.picture.which,
                   "attention to draw: cross (output to source), or encoder's or decoder's to itself");
  auto* const layer =
      cli.add_option("--layer", options.picture.layer, "layer to draw (default: the first in the record)")
          ->check(CLI::NonNegativeNumber);
  auto* const head =
      cli.add_option("--head", options.picture.head, "head to draw (default: the first in the record)")
          ->check(CLI::NonNegativeNumber);
  auto* const mean = cli.add_flag("--mean", options.picture.mean,
                                  "draw the mean of all layers and heads, or of the heads of --layer");
  mean->excludes(head);
  cli.add_flag("--grid", options.picture.grid, "draw every map, a row a layer and a column a head")
      ->excludes(mean)
      ->excludes(head)
      ->excludes(layer);
  cli.add_flag("--pieces", options.pieces,
               "draw the pieces that a model with subwords reads and writes, in the place of words");
  cli.add_flag("--eos,!--no-eos", options.picture.keep_eos,
               "draw the end-of-sentence row and column (default: on)");
  cli.add_option("--brightest", options.picture.brightest,
                 "the weight drawn brightest, for maps that are pale; 0: the largest drawn")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  cli.add_option("--title", options.picture.title, "title (default: the model's name)");
  cli.add_option("--max-tokens", options.picture.max_tokens,
                 "draw at most so many words of either side (default: all)")
      ->check(CLI::Range(1, 1'000'000));
  cli.add_option("--dpi", options.dpi, "resolution of a PNG")
      ->check(CLI::Range(24.0, 1200.0))
      ->capture_default_str();
  cli.add_option("--json", options.json, "also write the record that was drawn");
  cli.set_version_flag("--version", [] { return "heatmap of " + build_info().str(); });
  return apps::run_app("heatmap", cli, argc, argv, [&] {
    options.sentence = fmt::format("{}", fmt::join(options.words, " "));
    apps::use_threads(1);  // for one sentence
    draw(options);
  });
}
