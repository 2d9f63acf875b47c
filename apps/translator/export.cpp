// translator export: a run for use and for passing on: its best weights, stored smaller, without what a
// training needs. translator quantize: the same in 8 bits, and what that costs.
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/idle.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "apps/translator/pairs.h"
#include "apps/translator/search_options.h"
#include "framework/core/error.h"
#include "models/evaluation/evaluation.h"
#include "models/run/attention_choice.h"
#include "models/run/data.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/run/new_run.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;
namespace run_files = models::run_files;

struct ExportOptions {
  std::string run, output, json;
  models::WeightType weights = models::WeightType::bf16;
  bool overwrite = false;
};

// Writes the run and says its size.
nlohmann::ordered_json write_exported(const ExportOptions& options) {
  apps::check_files({.outputs = {{"--json", options.json}},
                     .runs = {options.run},
                     .new_folders = {{"--output", options.output}},
                     .sources = {{"--run", options.run}}});
  catch_interrupts();
  const fs::path from = options.run, to = options.output;
  const models::LoadedRun run =
      models::load_run(from);  // whatever is wrong with it is said before anything is written
  models::usual_attention(from, run.config, *run.model);
  const auto choice = models::read_attention_choice(from);
  const std::string data = models::run_data_to_pass_on(from);
  models::TextFiles text = models::text_of_run(from, run.config);
  if (!data.empty()) text[run_files::kData] = data;
  models::replace_run(to, options.overwrite, run.config, text,
                      {.file = run_files::kModel,
                       .tensors = run.model->state_dict(),
                       .metadata = {{"format", "heed.model"}},
                       .type = options.weights},
                      [&](const fs::path& at) {
                        if (choice) models::write_attention_choice(at, *choice);
                        stop_if_interrupted();
                      });
  release_interrupts();
  const auto before = fs::file_size(from / run_files::kModel), after = fs::file_size(to / run_files::kModel);
  say("'{}': weights as {}, {:.2f} MB ({:.2f} MB in '{}')\n", options.output,
      models::name_of_choice(options.weights), static_cast<double>(after) / 1e6,
      static_cast<double>(before) / 1e6, options.run);
  if (after >= before) note("nothing is saved: '{}' is as small already\n", options.run);
  return {{"run", options.output},
          {"weights", models::name_of_choice(options.weights)},
          {"bytes", after},
          {"bytes_before", before}};
}

void export_run(const ExportOptions& options) {
  const nlohmann::ordered_json report = write_exported(options);
  write_json(options.json, report);
}

struct QuantizeOptions : ExportOptions {
  std::string source, target;
  models::TranslateOptions translate;
  int threads = 0;
};

// Scores and speed of both runs on the same sentences.
void measure_loss(const QuantizeOptions& options, const models::ParallelLines& lines,
                  nlohmann::ordered_json& report) {
  const std::array folders{options.run, options.output};
  std::vector<models::Evaluation> results;
  for (const std::string& folder : folders) {
    const models::Translator translator(models::load_run(folder));
    results.push_back(models::evaluate(translator, lines.source, lines.target, steady_seconds,
                                       options.translate, {}, {}, lines.documents));
  }
  size_t differ = 0;
  for (size_t i = 0; i < results[0].translations.size(); ++i) {
    differ += results[0].translations[i].target.text == results[1].translations[i].target.text ? size_t{0}
                                                                                               : size_t{1};
  }
  say("{:<14}  {:>8}  {:>8}  {:>10}\n", "", "before", "in int8", "difference");
  const auto row = [&](const char* name, const char* key, const std::array<double, 2>& values) {
    say("{:<14}  {:>8.2f}  {:>8.2f}  {:>+10.2f}\n", name, values[0], values[1], values[1] - values[0]);
    report[key] = {values[0], values[1]};
  };
  const auto of = [&](const char* metric) {
    return std::array{results[0].value(metric), results[1].value(metric)};
  };
  row("BLEU 13a", "bleu_13a", of("bleu_13a"));
  row("chrF2", "chrf2", of("chrf2"));
  row("sentences/s", "sentences_per_second", of("sentences_per_second"));
  say("{} of {} translations differ\n", differ, results[0].translations.size());
  report["sentences"] = results[0].translations.size();
  report["differ"] = differ;
}

void quantize_run(const QuantizeOptions& options, const CLI::App& cli) {
  if (options.source.empty() != options.target.empty())
    throw CLI::ValidationError(options.source.empty() ? "--source" : "--target",
                               "sentences and their translations go together");
  apps::check_files({.inputs = {{"--source", options.source}, {"--target", options.target}}});
  if (options.source.empty()) refuse_idle_group(cli, kDecoding, {}, "without --source and --target");
  check_search_options(cli, options.translate.search);
  if (options.translate.search.n_best > 1)
    throw ValueError("n-best", "evaluation scores one translation a sentence");
  use_threads(options.threads);
  std::optional<models::ParallelLines> lines;  // read before anything is written
  if (!options.source.empty()) lines = read_pairs(options.source, options.target);
  nlohmann::ordered_json report = write_exported(options);
  if (lines) measure_loss(options, *lines, report);
  write_json(options.json, report);
}

// What both commands take.
void add_export_options(CLI::App& cli, ExportOptions& o) {
  cli.add_option("-r,--run", o.run, "trained translator: a run folder or a name of the box")
      ->required()
      ->transform(kNamesRun);
  cli.add_option("-o,--output", o.output, "run folder to write, without the state of the training")
      ->required();
  cli.add_flag("--overwrite", o.overwrite, "replace a run that is there");
  cli.add_option("--json", o.json, "write sizes as JSON");
}

}  // namespace

Command add_quantize(CLI::App& cli) {
  const auto o = std::make_shared<QuantizeOptions>();
  o->weights = models::WeightType::int8;
  add_export_options(cli, *o);
  cli.add_option("-s,--source", o->source,
                 "sentences to translate before and after, to see what 8 bits cost; with --target");
  cli.add_option("-t,--target", o->target, "their reference translations");
  add_search_options(cli, o->translate);
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  return [o, &cli] { quantize_run(*o, cli); };
}

Command add_export(CLI::App& cli) {
  const auto o = std::make_shared<ExportOptions>();
  add_export_options(cli, *o);
  add_choice(
      cli, "--weights", o->weights,
      "how they are stored: f32, f16, or bf16 or int8 (a scale a row), with which it then translates as "
      "they are, see translate --products");
  return [o] { export_run(*o); };
}

}  // namespace heed::apps
