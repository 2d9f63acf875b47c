// translator export: a run for use and for passing on: its best weights, stored smaller, without what a
// training needs.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/common/choice.h"
#include "apps/common/files.h"
#include "apps/common/print.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
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

void export_run(const ExportOptions& options) {
  apps::check_files({.outputs = {{"--json", options.json}},
                     .runs = {options.run},
                     .new_folders = {{"--output", options.output}},
                     .sources = {{"--run", options.run}}});
  const fs::path from = options.run, to = options.output;
  const models::LoadedRun run =
      models::load_run(from);  // whatever is wrong with it is said before anything is written
  const std::string data = models::run_data_to_pass_on(from);
  models::TextFiles text = models::text_of_run(from, run.config);
  if (!data.empty()) text[run_files::kData] = data;
  const auto lock = models::make_run_folder(to, options.overwrite);
  models::write_run(to, run.config, text,
                    {.file = run_files::kModel,
                     .tensors = run.model->state_dict(),
                     .metadata = {{"format", "heed.model"}},
                     .type = options.weights});
  const auto before = fs::file_size(from / run_files::kModel), after = fs::file_size(to / run_files::kModel);
  say("'{}': weights as {}, {:.2f} MB ({:.2f} MB in '{}')\n", options.output,
      models::name_of_choice(options.weights), static_cast<double>(after) / 1e6,
      static_cast<double>(before) / 1e6, options.run);
  write_json(options.json, {{"run", options.output},
                            {"weights", models::name_of_choice(options.weights)},
                            {"bytes", after},
                            {"bytes_before", before}});
}

}  // namespace

Command add_export(CLI::App& cli) {
  const auto o = std::make_shared<ExportOptions>();
  cli.add_option("-r,--run", o->run, "trained translator: a run folder or a name of the box")
      ->required()
      ->transform(kNamesRun);
  cli.add_option("-o,--output", o->output, "run folder to write, without the state of the training")
      ->required();
  add_choice(cli, "--weights", o->weights,
             "how they are stored: f32, f16, bf16, or int8 (a scale a row), with which it then translates in "
             "products of 8 bits, see translate --products");
  cli.add_flag("--overwrite", o->overwrite, "replace a run that is there");
  cli.add_option("--json", o->json, "write sizes as JSON");
  return [o] { export_run(*o); };
}

}  // namespace heed::apps
