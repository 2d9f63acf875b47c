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
#include "framework/io/file.h"
#include "models/run/box.h"
#include "models/run/translation.h"
#include "models/run/translator.h"
#include "models/text/counted.h"
#include "models/text/unicode.h"

namespace {

using namespace heed;

struct Options {
  std::vector<std::string> records, runs;  // several: side by side
  std::string sentence, translation, output, json, gold, format;
  std::vector<std::string> words;  // the sentence, as the shell left it
  int64_t beam = 1;                // of a page's translations
  std::vector<apps::Range> lines;  // empty: the first, of a page and of a folder all
  std::string lines_option;        // --line or --lines
  bool pieces = false;
  double dpi = heatmap::kDefaultDpi;
  heatmap::PictureOptions picture;

  // A picture a line, in a folder.
  bool batch() const {
    return !page() && (lines_option == "--lines" || (!records.empty() && output.ends_with('/')));
  }
  // Without the slash at its end, which is how check_files compares folders.
  std::string folder() const {
    const size_t end = output.find_last_not_of('/');
    return end == std::string::npos ? output : output.substr(0, end + 1);
  }
  bool page() const { return format.empty() ? heatmap::is_page(output) : format == kPage; }
  static constexpr const char* kPage = "html";
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
    if (options.translation.empty()) wanted.without_words = models::WithoutKind::mask;
    wanted.vectors = true;
    wanted.search.beam = options.beam;
    wanted.search.keep_tree = options.beam > 1;
  }
  return apps::translate_sentence(translator, options.sentence, options.translation, wanted);
}

// The name of each file or run where they are several: the last part of its path, unless two share it.
std::vector<std::string> names_of(const std::vector<std::string>& paths,
                                  std::string (*short_name)(const std::string&)) {
  if (paths.size() < 2) return std::vector<std::string>(paths.size());
  std::vector<std::string> names;
  for (const std::string& path : paths) names.push_back(short_name(path));
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) == sorted.end() ? names : paths;
}

std::vector<std::string> names_of(const Options& options) {
  if (options.runs.empty())
    return names_of(options.records,
                    [](const std::string& path) { return std::filesystem::path(path).stem().string(); });
  return names_of(options.runs, [](const std::string& run) { return models::name_of_run(run); });
}

// The records of a page: of all files, or one of each run; named where there are several.
std::vector<heatmap::PageRecord> records_of_page(const Options& options) {
  std::vector<heatmap::PageRecord> page;
  const std::vector<std::string> names = names_of(options);
  for (size_t i = 0; i < options.records.size(); ++i) {
    const size_t before = page.size();
    const auto lines = heatmap::read_records(options.records[i], options.lines, options.lines_option);
    for (const heatmap::LineRecord& one : lines) {
      if (heatmap::has_words(one.record)) page.push_back({one.record, names[i], {}});
    }
    if (page.size() == before)
      throw ValueError(fmt::format("'{}' has {} and no record with words",
                                   heatmap::name_of_input(options.records[i]),
                                   models::counted(lines.size(), "line")));
  }
  for (size_t i = 0; i < options.runs.size(); ++i)
    page.push_back({translate_sentence(options, options.runs[i], /*all=*/true), names[i], {}});
  if (!options.gold.empty()) heatmap::add_gold(page, options.gold);
  return page;
}

std::vector<apps::NamedPath> inputs_of(const Options& options) {
  std::vector<apps::NamedPath> inputs;
  for (const std::string& path : options.records) inputs.push_back({"--records", path});
  inputs.push_back({"--gold", options.gold});
  return inputs;
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

// What a picture shows: the records of the same line of each file, or one of each run.
struct Shown {
  int64_t line = 0;
  std::vector<heatmap::NamedRecord> records;
};

std::vector<Shown> shown_in_pictures(const Options& options) {
  std::vector<Shown> shown;
  const std::vector<std::string> names = names_of(options);
  const auto add = [&](size_t at, models::Translation record, const std::string& name) {
    if (shown.size() <= at) shown.resize(at + 1);
    shown[at].records.push_back(
        {options.pieces && heatmap::has_words(record) ? models::by_pieces(record) : std::move(record), name});
  };
  for (size_t i = 0; i < options.runs.size(); ++i)
    add(0, translate_sentence(options, options.runs[i], /*all=*/false), names[i]);
  const std::vector<apps::Range> lines =
      options.lines.empty() && !options.batch() ? std::vector<apps::Range>{{1, 1}} : options.lines;
  for (size_t i = 0; i < options.records.size(); ++i) {
    std::vector<heatmap::LineRecord> read = heatmap::read_records(
        options.records[i], lines, options.lines_option.empty() ? "--line" : options.lines_option);
    if (i > 0 && read.size() != shown.size())
      throw ValueError(fmt::format("'{}' has {} and '{}' {}: pictures of both want the same",
                                   options.records[0], models::counted(shown.size(), "line"),
                                   options.records[i], read.size()));
    for (size_t at = 0; at < read.size(); ++at) {
      add(at, std::move(read[at].record), names[i]);
      shown[at].line = read[at].line;
    }
  }
  return shown;
}

bool all_have_words(const Shown& shown) {
  return std::ranges::all_of(shown.records,
                             [](const heatmap::NamedRecord& one) { return heatmap::has_words(one.record); });
}

std::string json_of(const Shown& shown) {
  std::string json;
  for (const heatmap::NamedRecord& one : shown.records) json += models::to_json_line(one.record) + "\n";
  return json;
}

// Draws and writes a picture; returns how many of its characters no font has.
int write_picture(const Options& options, const Shown& shown, const heatmap::Format& format,
                  const std::string& path) {
  const heatmap::Rendered picture = heatmap::draw(shown.records, format, options.picture, options.dpi);
  apps::write_output(path, picture.bytes);
  warn_of_size(path, picture.bytes.size(),
               "--source-words and --target-words draw a part, a PNG or a PDF is smaller");
  return picture.missing_glyphs;
}

void warn_of_missing(int characters) {
  if (characters == 0) return;
  apps::warn(
      "heatmap",
      fmt::format("no installed font has {} of the characters: they are drawn as boxes (an SVG leaves the "
                  "choice of fonts to the viewer)",
                  characters));
}

void draw_picture(const Options& options) {
  const heatmap::Format& format = heatmap::format_of(options.output, options.format);
  const Shown shown = shown_in_pictures(options).front();
  if (!all_have_words(shown)) {
    throw ValueError(
        fmt::format("'{}' line {} is the record of a line without words: there is nothing to draw",
                    heatmap::name_of_input(options.records.front()), shown.line));
  }
  warn_of_missing(write_picture(options, shown, format, options.output));
  if (!options.json.empty()) apps::write_output(options.json, json_of(shown));
}

// A picture a line: 0001.svg, 0002.svg. Every line is looked at before the first picture is written.
void draw_folder(const Options& options) {
  const heatmap::Format& format = heatmap::format_of("-", options.format);
  const std::vector<Shown> all = shown_in_pictures(options);
  if (all.empty())
    throw ValueError(fmt::format("'{}' has 0 lines", heatmap::name_of_input(options.records.front())));
  const size_t digits = std::max<size_t>(4, std::to_string(all.back().line).size());
  std::vector<std::pair<const Shown*, std::string>> pictures;
  std::vector<int64_t> without;
  for (const Shown& shown : all) {
    if (!all_have_words(shown)) {
      without.push_back(shown.line);
      continue;
    }
    const auto path = std::filesystem::path(options.folder()) /
                      fmt::format("{:0{}}{}", shown.line, digits, format.extension);
    pictures.emplace_back(&shown, path.string());
    try {
      heatmap::make_pictures(shown.records, options.picture);
    } catch (const ValueError& error) {
      throw ValueError(fmt::format("line {}: {}", shown.line, error.what()));
    }
    apps::check_files({.inputs = inputs_of(options),
                       .outputs = {{"--output", path.string()}, {"--json", options.json}},
                       .new_folders = {{"--output", options.folder()}}});
  }
  const std::string lines =
      fmt::format("{} {}", without.size() == 1 ? "line" : "lines", fmt::join(without, ", "));
  if (pictures.empty()) throw ValueError(fmt::format("{}: no words, there is nothing to draw", lines));
  make_folder(options.folder());
  int missing = 0;
  std::string json;
  for (const auto& [shown, path] : pictures) {
    missing += write_picture(options, *shown, format, path);
    json += json_of(*shown);
  }
  if (!options.json.empty()) apps::write_output(options.json, json);
  warn_of_missing(missing);
  if (!without.empty()) apps::warn("heatmap", fmt::format("{}: no words, not drawn", lines));
}

void draw(Options& options) {
  if (!options.page() && !options.batch()) heatmap::format_of(options.output, options.format);
  apps::Files files{
      .inputs = inputs_of(options), .outputs = {{"--json", options.json}}, .runs = options.runs};
  if (options.batch())
    files.new_folders = {{"--output", options.folder()}};
  else
    files.outputs.insert(files.outputs.begin(), {"--output", options.output});
  apps::check_files(files);
  if (models::first_invalid_utf8(options.picture.title)) throw ValueError("--title", "the text is not UTF-8");
  if (options.page())
    write_page(options);
  else if (options.batch())
    draw_folder(options);
  else
    draw_picture(options);
}

// Throws unless the options of lines, formats and several records fit the output.
void check_usage(const Options& options) {
  const auto refuse = [](const char* option, const std::string& why) {
    throw CLI::ValidationError(option, why);
  };
  const size_t several = options.records.size() + options.runs.size();
  if (options.picture.difference && several != 2)
    refuse("--difference", fmt::format("takes two runs or two files of records, got {}", several));
  if (options.picture.grid && several > 1 && !options.page())
    refuse("--grid", "draws the maps of one record");
  if (options.page()) {
    const std::string extension =
        models::to_lower(std::filesystem::path(options.output).extension().string());
    for (const heatmap::Format& format : heatmap::kFormats) {
      if (extension == format.extension)
        refuse("--format",
               fmt::format("{} and the extension of '{}' differ", options.format, options.output));
    }
    return;
  }
  if (heatmap::is_page(options.output) && !options.batch())
    refuse("--format", fmt::format("{} and the extension of '{}' differ", options.format, options.output));
  if (!options.gold.empty()) refuse("--gold", "is of pages: -o FILE.html");
  if (options.beam > 1) refuse("--beam", "is of pages: -o FILE.html");
  if (!options.batch() || options.output.ends_with('/')) return;
  std::error_code error;
  const bool file = options.output == "-" || std::filesystem::path(options.output).has_extension();
  if (file && !std::filesystem::is_directory(options.output, error))
    refuse("--lines",
           fmt::format("draws a picture a line, so '{}' is to be a folder: -o FOLDER/", options.output));
}

// A format of lines has no resolution; cairo turns some of a PDF into pixels, of its own choice.
void refuse_dpi(const CLI::App& cli, const Options& options) {
  if (cli.get_option("--dpi")->count() == 0) return;
  const heatmap::Format& format = heatmap::format_of(options.batch() ? "-" : options.output, options.format);
  if (format.extension != ".png")
    throw CLI::ValidationError("--dpi",
                               fmt::format("is of a PNG, and the format is {}", format.extension.substr(1)));
}

// The options of pictures alone, which a page would not follow.
void refuse_picture_options(const CLI::App& cli) {
  for (const char* name :
       {"--which", "--layer", "--head", "--mean", "--grid", "--pieces", "--eos", "--brightest",
        "--source-words", "--target-words", "--dpi", "--order", "--colour", "--light", "--difference"}) {
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
  auto* const records = from->add_option("--records", options.records,
                                         "file of attention records, one JSON a line; - for standard input; "
                                         "again for several side by side")
                            ->take_all()
                            ->allow_extra_args(false);
  auto* const run =
      from->add_option(
              "-r,--run", options.runs,
              "trained translator: a run folder or a name of the box; again for several side by side")
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
  auto* const line = cli.add_option_function<int64_t>(
      "--line",
      [&options](int64_t number) {
        options.lines = {{number, number}};
        options.lines_option = "--line";
      },
      "which line of the file, from 1 (default: the first; of a page all)");
  line->check(line_number)->needs(records);
  auto* const lines = apps::add_ranges(cli, "--lines", options.lines,
                                       "lines of the file, such as 1-20,30 or 5-: a picture each in the "
                                       "folder -o FOLDER/, 0001.svg; or a page of them");
  lines->excludes(line)->needs(records);
  cli.add_option(
         "-o,--output", options.output,
         "picture to write: .svg, .png or .pdf; .html: a page to explore, in one file; - for standard "
         "output; a folder, ending in /, for a picture of each line of --records")
      ->required();
  std::vector<std::string> formats;
  for (const heatmap::Format& format : heatmap::kFormats) formats.emplace_back(format.extension.substr(1));
  formats.emplace_back(Options::kPage);
  cli.add_option(
         "--format", options.format,
         "svg, png, pdf or html, where the output has no extension that says it: standard output, a folder "
         "(default: svg)")
      ->check(apps::one_of(formats));
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
  apps::add_choice(cli, "--order", options.picture.order,
                   "how columns follow each other: auto (as the text does), ltr (from left to right), rtl");
  auto* const layer = cli.add_option("--layer", options.picture.layer,
                                     "layer to draw, from 0 (default: what was chosen for the run, see align "
                                     "--choose, else the mean of all)")
                          ->check(CLI::NonNegativeNumber);
  auto* const head =
      cli.add_option("--head", options.picture.head, "head to draw, from 0 (default: the first of the layer)")
          ->check(CLI::NonNegativeNumber);
  auto* const mean = cli.add_flag("--mean", options.picture.mean,
                                  "draw the mean of all layers and heads, or of the heads of --layer");
  mean->excludes(head);
  cli.add_flag("--difference", options.picture.difference,
               "of two runs or files also the first less the second, where their words are the same");
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
    if (lines->count() > 0) options.lines_option = "--lines";
    if (options.page()) refuse_picture_options(cli);
    check_usage(options);
    if (!options.page()) refuse_dpi(cli, options);
    if (options.picture.which == heatmap::Which::encoder && target_words->count() > 0)
      throw CLI::ValidationError("--target-words", "the encoder attends to source words alone");
    if (options.picture.which == heatmap::Which::decoder && source_words->count() > 0)
      throw CLI::ValidationError("--source-words", "the decoder attends to output words alone");
    draw(options);
  });
}
