// translator models: the translators of the box and of folders, what they are and what they score.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>

#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/box.h"
#include "models/run/data.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/run/scores.h"
#include "models/run/weights.h"
#include "models/text/counted.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

struct ModelsOptions {
  std::vector<std::string> folders;
  std::string json;
};

// A row of the list.
struct Listed {
  std::string name;  // what -r takes
  fs::path folder;
  std::string problem;  // why it cannot be used; empty: it can
  std::string damage;   // why its terms or scores are not known
  std::string source, target, model, licence, attribution;
  int64_t parameters = 0;
  uint64_t bytes = 0;  // of the files that translation needs
  std::optional<models::RunScores> scores;
};

uint64_t size_of(const fs::path& folder) {
  namespace run_files = models::run_files;
  uint64_t bytes = 0;
  for (const std::string& name :
       {std::string(run_files::kConfig), std::string(run_files::kModel), run_files::vocabulary("source"),
        run_files::vocabulary("target"), run_files::pieces("source"), run_files::pieces("target")}) {
    std::error_code error;
    if (const auto size = fs::file_size(folder / name, error); !error) bytes += size;
  }
  return bytes;
}

Listed listed(const fs::path& folder, const std::string& name) {
  Listed row{.name = name, .folder = folder, .bytes = size_of(folder)};
  try {
    const models::LoadedRun run = models::load_run(folder);
    row.source = run.config.source_text.language;
    row.target = run.config.target_text.language;
    row.model = run.model->describe();
    row.parameters = run.model->parameter_count();
  } catch (const Error& error) {
    row.problem = error.what();
    return row;
  }
  try {  // it translates without these
    row.scores = models::read_scores(folder);
  } catch (const Error& error) {
    row.damage = error.what();
  }
  try {
    if (const auto data = models::files_of_run(folder)) {
      row.licence = data->licence;
      row.attribution = data->attribution;
    }
  } catch (const Error& error) {
    row.damage += (row.damage.empty() ? "" : "; ") + std::string(error.what());
  }
  return row;
}

// The runs in a folder, or the folder itself if it is one.
std::vector<fs::path> runs_in(const std::string& folder) {
  if (!file_exists(folder)) throw IoError(fmt::format("there is no folder '{}'", folder));
  const auto is_run = [](const fs::path& path) {  // or was one
    std::error_code ignored;  // what cannot be looked into, such as a link to itself, is none
    return models::is_run_folder(path) || (fs::is_regular_file(path / models::run_files::kConfig, ignored) &&
                                           fs::is_regular_file(path / models::run_files::kModel, ignored));
  };
  if (is_run(folder)) return {folder};
  std::vector<fs::path> runs;
  for (const fs::path& path : list_folder(folder)) {
    if (is_run(path)) runs.push_back(path);
  }
  std::ranges::sort(runs);
  return runs;
}

std::string line_of(const Listed& row, size_t width) {
  if (!row.problem.empty()) return fmt::format("{:<{}}  cannot be used: {}\n", row.name, width, row.problem);
  const auto language = [](const std::string& code) { return code.empty() ? "?" : code; };
  const std::string score = row.scores ? fmt::format("{:5.2f}  {:5.2f}", row.scores->bleu, row.scores->chrf)
                                       : fmt::format("{:>5}  {:>5}", "-", "-");
  return fmt::format("{:<{}}  {:>3} > {:<3}  {}  {:6.1f}  {:7.1f}  {}\n", row.name, width,
                     language(row.source), language(row.target), score,
                     static_cast<double>(row.parameters) / 1e6, static_cast<double>(row.bytes) / 1e6,
                     row.model);
}

nlohmann::ordered_json json_of(const Listed& row) {
  nlohmann::ordered_json json{{"name", row.name}, {"folder", row.folder.string()}};
  if (!row.problem.empty()) {
    json["problem"] = row.problem;
    return json;
  }
  if (!row.damage.empty()) json["damage"] = row.damage;
  json.update({{"source_language", row.source},
               {"target_language", row.target},
               {"model", row.model},
               {"parameters", row.parameters},
               {"bytes", row.bytes},
               {"licence", row.licence},
               {"attribution", row.attribution}});
  if (row.scores) {
    json["test"] = row.scores->test;
    json["sentences"] = row.scores->sentences;
    json["search"] = row.scores->search;
    json["bleu"] = row.scores->bleu;
    json["bleu_signature"] = row.scores->bleu_signature;
    json["chrf"] = row.scores->chrf;
    json["chrf_signature"] = row.scores->chrf_signature;
    json["bleu_by_length"] = nlohmann::ordered_json::array();
    for (const models::LengthScore& score : row.scores->by_length) {
      json["bleu_by_length"].push_back(
          {{"words", models::LengthBucket{score.min, score.max}.name()},
           {"sentences", score.sentences},
           {"bleu", std::isnan(score.bleu) ? nlohmann::ordered_json() : nlohmann::ordered_json(score.bleu)}});
    }
  }
  return json;
}

void list_models(const ModelsOptions& options) {
  check_files({.outputs = {{"--json", options.json}}});
  std::vector<Listed> rows;
  for (const fs::path& run : models::box_runs()) rows.push_back(listed(run, run.filename().string()));
  if (rows.empty()) note("no translators came with this heed (HEED_TRANSLATORS names a folder of them)\n");
  for (const std::string& folder : options.folders) {
    const std::vector<fs::path> runs = runs_in(folder);
    if (runs.empty()) note("'{}' holds no run\n", folder);
    for (const fs::path& run : runs) {
      std::error_code error;
      const bool known = std::ranges::any_of(
          rows, [&](const Listed& row) { return fs::equivalent(row.folder, run, error); });
      if (!known) rows.push_back(listed(run, run.string()));
    }
  }
  size_t width = 4;
  for (const Listed& row : rows) width = std::max(width, row.name.size());
  if (!rows.empty()) {
    say("{:<{}}  {:>9}  {:>5}  {:>5}  {:>6}  {:>7}  {}\n", "name", width, "languages", "BLEU", "chrF2",
        "mill.", "MB", "model");
  }
  for (const Listed& row : rows) {
    say("{}", line_of(row, width));
    if (!row.damage.empty()) warn("translator", row.damage);
  }
  std::vector<std::pair<std::string, std::vector<std::string>>> said;  // a line and the rows that it is of
  const auto note_of = [&](const std::string& line, const std::string& name) {
    const auto found =
        std::ranges::find(said, line, &std::pair<std::string, std::vector<std::string>>::first);
    if (found != said.end()) {
      found->second.push_back(name);
    } else {
      said.push_back({line, {name}});
    }
  };
  for (const Listed& row : rows) {
    if (row.scores)
      note_of(fmt::format("scores on {} ({}), {}: {}", row.scores->test,
                          models::counted(row.scores->sentences, "sentence"), row.scores->search,
                          row.scores->bleu_signature),
              row.name);
  }
  for (const Listed& row : rows) {
    if (!row.licence.empty() || !row.attribution.empty())
      note_of(fmt::format("{}{}{}", row.licence, row.licence.empty() || row.attribution.empty() ? "" : ", ",
                          row.attribution),
              row.name);
  }
  for (const auto& [line, names] : said)
    say("{}\n", one_line(fmt::format("{}: {}", fmt::join(names, ", "), line)));
  auto list = nlohmann::ordered_json::array();
  for (const Listed& row : rows) list.push_back(json_of(row));
  write_json(options.json, {{"models", list}});
}

}  // namespace

Command add_models(CLI::App& cli) {
  const auto o = std::make_shared<ModelsOptions>();
  cli.add_option("folder", o->folders, "folders of runs, listed after the translators that come with heed");
  cli.add_option("--json", o->json, "write the list as JSON; - for standard output");
  return [o] { list_models(*o); };
}

}  // namespace heed::apps
