// translator look: a sentence, its translation, and what the model attended to, in the terminal and as
// pictures.
#include "apps/translator/look.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_option.h"
#include "apps/common/sentence.h"
#include "apps/common/streams.h"
#include "apps/heatmap/draw.h"
#include "apps/heatmap/palette_options.h"
#include "apps/heatmap/terminal.h"
#include "apps/translator/commands.h"
#include "apps/translator/search_options.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/box.h"
#include "models/run/files.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

struct LookOptions {
  std::vector<std::string> words, runs;
  std::string folder = "out/look", json;
  models::TranslateOptions translate;
  heatmap::Palette palette;
  bool coloured = false;  // in the terminal as well
  int threads = 0;
};

constexpr std::array<const char*, 2> kFirstLooks[] = {{"en-fr-additive", "en-fr"},
                                                      {"en-de-additive", "en-de"}};

void look(LookOptions& options, const CLI::App& cli) {
  if (options.runs.empty()) {
    for (const std::string& name : first_looks()) options.runs.push_back(models::find_run(name).string());
    if (options.runs.empty())
      throw IoError(
          "no translators came with this heed (HEED_TRANSLATORS names a folder of them): give --run");
  }
  std::vector<std::string> names;
  std::vector<NamedPath> outputs{{"--json", options.json}};
  for (const std::string& run : options.runs) {
    const std::string name = models::name_of_run(run);
    if (std::ranges::find(names, name) != names.end())
      throw CLI::ValidationError("--run", fmt::format("two runs are called {}", name));
    names.push_back(name);
    for (const char* extension : {".svg", ".png"})
      outputs.push_back({"--output", (fs::path(options.folder) / (name + extension)).string()});
  }
  apps::check_files(
      {.outputs = outputs, .runs = options.runs, .new_folders = {{"--output", options.folder}}});
  check_search_options(cli, options.translate.search);
  if (options.translate.search.n_best > 1) throw ValueError("n-best", "look shows one translation");
  use_threads(options.threads > 0 ? options.threads : 1);
  const std::string sentence = fmt::format("{}", fmt::join(options.words, " "));
  auto report = nlohmann::ordered_json::array();
  for (size_t i = 0; i < options.runs.size(); ++i) {
    const Look seen =
        look_at(sentence, options.runs[i], options.folder, names[i], options.translate, options.palette);
    write_out(text_of(seen, names[i], terminal_width(),
                      options.coloured ? std::optional(options.palette) : std::nullopt) +
              "\n");
    report.push_back({{"run", options.runs[i]},
                      {"source", seen.record.source.text},
                      {"translation", seen.record.target.text},
                      {"pictures", seen.pictures}});
  }
  write_json(options.json, {{"looks", report}});
}

}  // namespace

int terminal_width() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 100;
}

std::vector<std::string> first_looks() {
  std::vector<std::string> found;
  for (const auto& of_one_language : kFirstLooks) {
    const auto* const name = std::ranges::find_if(
        of_one_language, [](const char* wanted) { return models::is_run_folder(models::find_run(wanted)); });
    if (name != of_one_language.end()) found.emplace_back(*name);
  }
  return found;
}

Look look_at(const std::string& sentence, const fs::path& run, const fs::path& folder,
             const std::string& name, const models::TranslateOptions& options,
             const heatmap::Palette& palette) {
  const models::Translator translator(models::load_run(run));
  Look seen{.record = translate_sentence(translator, sentence, "", options)};
  if (seen.record.attention.empty()) return seen;
  make_folder(folder);
  for (const char* extension : {".svg", ".png"}) {
    seen.pictures.push_back((folder / (name + extension)).string());
    heatmap::draw_file(seen.record, seen.pictures.back(),
                       {.mean = !seen.record.usual_map, .palette = palette});
  }
  return seen;
}

std::string text_of(const Look& look, const std::string& name, int columns,
                    const std::optional<heatmap::Palette>& palette) {
  std::string text =
      printable(fmt::format("{}\n  {}   ({}, {}, score {:.2f})\n", look.record.source.text,
                            look.record.target.text, name, look.record.model, look.record.score));
  if (look.record.attention.empty()) return text + "  the model has no attention: nothing to look at\n";
  return text + "\n" + heatmap::draw_text(look.record, columns, palette) +
         printable(fmt::format("\n  {}\n", fmt::join(look.pictures, ", ")));
}

Command add_look(CLI::App& cli) {
  const auto o = std::make_shared<LookOptions>();
  cli.add_option("sentence", o->words, "the sentence, in quotes or in words of its own")->required();
  add_runs_option(
      cli, o->runs,
      "a translator to show, a run folder or a name of the box; -r again for one more (default: one of "
      "each language of the box, with additive attention where it has one)");
  cli.add_option("-o,--output", o->folder, "folder of the pictures")->capture_default_str();
  o->translate.search.beam = 5;  // as the translators of the box were scored
  add_search_options(cli, o->translate);
  const CLI::Option* const colour = heatmap::add_palette_options(cli, o->palette);
  cli.add_option("--threads", o->threads, "threads (default: 1)")->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write translations and paths as JSON");
  return [o, colour, &cli] {
    o->coloured = colour->count() > 0;
    look(*o, cli);
  };
}

}  // namespace heed::apps
