// heatmap: draws the attention of a translation, or of its encoder or decoder to itself, from a record
// (models/run/translation.h), as SVG, PNG or PDF, or as a page to explore.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/ranges.h"
#include "apps/common/run_option.h"
#include "apps/common/sentence.h"
#include "apps/common/streams.h"
#include "apps/heatmap/draw.h"
#include "apps/heatmap/palette_options.h"
#include "apps/heatmap/records.h"
#include "apps/heatmap/viewer_page.h"
#include "framework/build_info.h"
#include "framework/core/error.h"
#include "models/run/box.h"
#include "models/run/translation.h"
#include "models/run/translator.h"
#include "models/text/unicode.h"

namespace {

using namespace heed;

struct Options {
  std::vector<std::string> records, runs;  // several for a page
  std::string sentence, translation, output, json, gold;
  std::vector<std::string> words;  // the sentence, as the shell left it
  int64_t beam = 1;                // of a page's translations
  int64_t line = 0;                // 0: the first, of a page all
  bool pieces = false;
  double dpi = heatmap::kDefaultDpi;
  heatmap::PictureOptions picture;
};

// The translation of one sentence by a run, or its attention for a translation that is given; `all` that the
// model has to show, or what the picture needs.
models::Translation translate_sentence(const Options& options, const std::string& run, bool all) {
  std::error_code error;
  if (std::filesystem::is_regular_file(options.sentence, error)) {
    throw ValueError(fmt::format(
        "'{}' is a file, and a sentence is wanted; 'translator translate -r RUN -s {} --records FILE' makes "
        "records of its lines, which --records FILE --line N draws",
        options.sentence, options.sentence));
  }
  const models::Translator translator(models::load_run(run));
  const bool self_attention = !all && options.picture.which != heatmap::Which::cross;
  if (self_attention) translator.require_self_attention(fmt::format("--which: '{}'", run));
  models::TranslateOptions wanted;
  wanted.self_attention = self_attention;
  if (all) {
    constexpr int64_t kBestWords = 6;
    wanted.self_attention = translator.run().model->has_self_attention();
    wanted.best_words = kBestWords;
    wanted.without_words = options.translation.empty();
    wanted.search.beam = options.beam;
    wanted.search.keep_tree = options.beam > 1;
  }
  return apps::translate_sentence(translator, options.sentence, options.translation, wanted);
}

// The records of a page: of all files, or one of each run; named where there are several.
std::vector<heatmap::PageRecord> records_of_page(const Options& options) {
  std::vector<heatmap::PageRecord> page;
  for (const std::string& path : options.records) {
    std::vector<models::Translation> records = options.line > 0
                                                   ? std::vector{heatmap::read_record(path, options.line)}
                                                   : heatmap::read_records(path);
    const std::string name = options.records.size() > 1 ? std::filesystem::path(path).stem().string() : "";
    for (models::Translation& record : records) page.push_back({std::move(record), name, {}});
  }
  for (const std::string& run : options.runs) {
    page.push_back({translate_sentence(options, run, /*all=*/true),
                    options.runs.size() > 1 ? models::name_of_run(run) : "",
                    {}});
  }
  if (!options.gold.empty()) heatmap::add_gold(page, options.gold);
  return page;
}

void warn_of_size(const std::string& path, size_t bytes, const char* remedy) {
  constexpr size_t kLargeFile = 20'000'000;
  if (bytes > kLargeFile) {
    apps::warn("heatmap", fmt::format("'{}' has {} MB, which viewers open slowly or not at all; {}", path,
                                      bytes / 1'000'000, remedy));
  }
}

void write_page(const Options& options) {
  const std::vector<heatmap::PageRecord> records = records_of_page(options);
  const std::string page =
      heatmap::viewer_page(records, options.picture.title.empty() ? "Attention" : options.picture.title);
  apps::write_output(options.output, page);
  warn_of_size(options.output, page.size(), "--line N writes one sentence's");
  std::string json;
  for (const heatmap::PageRecord& page_record : records)
    json += models::to_json_line(page_record.record) + "\n";
  if (!options.json.empty()) apps::write_output(options.json, json);
}

void draw_picture(const Options& options) {
  if (options.records.size() + options.runs.size() > 1)
    throw ValueError("a picture shows one record; -o FILE.html makes a page of several");
  if (!options.gold.empty()) throw ValueError("--gold is of pages: -o FILE.html");
  if (options.beam > 1) throw ValueError("--beam is of pages: -o FILE.html");
  const int64_t line = std::max<int64_t>(options.line, 1);
  models::Translation record = options.runs.empty()
                                   ? heatmap::read_record(options.records.front(), line)
                                   : translate_sentence(options, options.runs.front(), false);
  if (options.pieces) record = models::by_pieces(record);
  if (options.runs.empty() && record.source.tokens.empty()) {
    throw ValueError(
        fmt::format("'{}' line {} is the record of a line without words: there is nothing to draw",
                    options.records.front(), line));
  }
  const auto [missing, bytes] = heatmap::draw_file(record, options.output, options.picture, options.dpi);
  warn_of_size(options.output, bytes,
               "--source-words and --target-words draw a part, a PNG or a PDF is smaller");
  if (missing > 0) {
    apps::warn(
        "heatmap",
        fmt::format("no installed font has {} of the characters: they are drawn as boxes (an SVG leaves the "
                    "choice of fonts to the viewer)",
                    missing));
  }
  if (!options.json.empty()) apps::write_output(options.json, models::to_json_line(record) + "\n");
}

void draw(const Options& options) {
  const bool page = heatmap::is_page(options.output);
  if (!page) heatmap::check_output(options.output);
  std::vector<apps::NamedPath> inputs;
  for (const std::string& path : options.records) inputs.push_back({"--records", path});
  inputs.push_back({"--gold", options.gold});
  apps::check_files({.inputs = inputs,
                     .outputs = {{"--output", options.output}, {"--json", options.json}},
                     .runs = options.runs});
  if (models::first_invalid_utf8(options.picture.title)) throw ValueError("--title", "the text is not UTF-8");
  if (page)
    write_page(options);
  else
    draw_picture(options);
}

// The options of pictures alone, which a page would not follow.
void refuse_picture_options(const CLI::App& cli) {
  for (const char* name :
       {"--which", "--layer", "--head", "--mean", "--grid", "--pieces", "--eos", "--brightest",
        "--source-words", "--target-words", "--dpi", "--colour", "--light"}) {
    if (cli.get_option(name)->count() > 0)
      throw CLI::ValidationError(name, "is of pictures; a page (.html) has it as a control");
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App cli(
      "Draws the attention of a translation: what is attended to across, what attends down, brightness the "
      "weight. As a picture, or as a page to explore: every layer and head, several records side by side.",
      "heatmap");
  const CLI::Validator line_number(
      [](const std::string& text) {
        return text.starts_with('-') || text == "0" ? "lines are counted from 1, got " + text : std::string();
      },
      "");
  auto* const from = cli.add_option_group("input", "a record, or a sentence and the run that translates it");
  from->add_option(
          "--records", options.records,
          "file of attention records, one JSON a line; - for standard input; again for a page of several")
      ->take_all()
      ->allow_extra_args(false);
  auto* const run =
      from->add_option("-r,--run", options.runs,
                       "trained translator: a run folder or a name of the box; again for a page of "
                       "several")
          ->take_all()
          ->allow_extra_args(false)
          ->transform(apps::kNamesRun);
  from->require_option(1);
  auto* const sentence =
      cli.add_option("sentence", options.words, "the sentence to translate, in words of its own")->needs(run);
  run->needs(sentence);
  cli.add_option("--translation", options.translation,
                 "draw the attention for this translation instead of the model's own")
      ->needs(run);
  cli.add_option("--line", options.line, "which line of the file, from 1 (default: the first; of a page all)")
      ->check(line_number);
  cli.add_option("-o,--output", options.output,
                 "picture to write: .svg, .png or .pdf; - for an SVG on standard output; .html: a page to "
                 "explore, in "
                 "one file")
      ->required();
  cli.add_option("--beam", options.beam,
                 "width of the beam of a page's translations, whose tree it then shows")
      ->needs(run)
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  cli.add_option(
      "--gold", options.gold,
      "gold alignments of a page's records, line N those of record N; sorts heads by alignment error");
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
  heatmap::add_palette_options(cli, options.picture.palette);
  cli.add_option("--title", options.picture.title,
                 "title (default: the model's name; of a page 'Attention')");
  auto* const source_words = apps::add_range(
      cli, "--source-words", options.picture.source_words,
      "draw a part of the source, such as 10-25, 7 or 10-; </s> is the last word (default: all)");
  auto* const target_words = apps::add_range(cli, "--target-words", options.picture.target_words,
                                             "draw a part of the output (default: all)");
  cli.add_option("--dpi", options.dpi, "resolution of a PNG")
      ->check(CLI::Range(24.0, 1200.0))
      ->capture_default_str();
  cli.add_option("--json", options.json, "also write the record that was drawn");
  cli.set_version_flag("--version", [] { return "heatmap of " + build_info().str(); });
  return apps::run_app("heatmap", cli, argc, argv, [&] {
    options.sentence = fmt::format("{}", fmt::join(options.words, " "));
    apps::use_threads(1);  // for one sentence
    if (heatmap::is_page(options.output)) refuse_picture_options(cli);
    if (options.picture.which == heatmap::Which::encoder && target_words->count() > 0)
      throw CLI::ValidationError("--target-words", "the encoder attends to source words alone");
    if (options.picture.which == heatmap::Which::decoder && source_words->count() > 0)
      throw CLI::ValidationError("--source-words", "the decoder attends to output words alone");
    draw(options);
  });
}
