// translator average: a run whose weights are the mean of those of several, such as the last checkpoints of a
// training [Vaswani et al. 2017, sec. 6.1].
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "framework/core/error.h"
#include "models/run/data.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/run/mean.h"
#include "models/run/new_run.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;
namespace run_files = models::run_files;

struct AverageOptions {
  std::vector<std::string> runs;
  std::string output, json;
  bool overwrite = false;
};

// Throws unless the weights of a run mean the same as those of the first one.
void require_same_model(const models::RunConfig& first, const models::TextFiles& text, const fs::path& folder,
                        const fs::path& of) {
  const fs::path path = folder / run_files::kConfig;
  const models::RunConfig config = models::parse_run_config(models::read_run_file(path), path.string());
  for (const models::RunOption& row : models::run_options()) {
    if (row.training_only || !row.applies(first)) continue;
    if (!row.applies(config) || row.get(config) != row.get(first))
      throw ValueError("average", fmt::format("'{}' is not the model of '{}': they differ in {}",
                                              folder.string(), of.string(), row.key));
  }
  for (const auto& [name, content] : models::text_of_run(folder, config)) {
    if (content != text.at(name))
      throw ValueError("average",
                       fmt::format("'{}' has another {} than '{}'", folder.string(), name, of.string()));
  }
}

void average(const AverageOptions& options) {
  Files files{.outputs = {{"--json", options.json}},
              .runs = options.runs,
              .new_folders = {{"--output", options.output}}};
  for (const std::string& run : options.runs) files.sources.push_back({"--run", run});
  check_files(files);
  if (options.runs.size() < 2)
    throw CLI::ValidationError("--run", "one run is its own mean; give two or more");
  catch_interrupts();
  const fs::path first = options.runs.front(), to = options.output;
  const models::RunConfig config = models::load_run(first).config;  // what is wrong with it is said first
  models::TextFiles text = models::text_of_run(first, config);
  std::vector<fs::path> weights;
  for (const fs::path run : options.runs) {
    require_same_model(config, text, run, first);
    weights.push_back(run / run_files::kModel);
  }
  const auto mean = models::mean_of_weights(weights);
  if (const std::string data = models::run_data_to_pass_on(first); !data.empty())
    text[run_files::kData] = data;
  models::replace_run(
      to, options.overwrite, config, text,
      {.file = run_files::kModel,
       .tensors = {mean.begin(), mean.end()},
       .metadata = {{"format", "heed.model"}, {"mean_of", fmt::format("{}", weights.size())}}},
      [&](const fs::path& at) {
        models::load_run(at);
        stop_if_interrupted();
      });
  say("'{}': the mean of {} runs\n", options.output, weights.size());
  write_json(options.json, {{"run", options.output}, {"mean_of", options.runs}});
}

}  // namespace

Command add_average(CLI::App& cli) {
  const auto o = std::make_shared<AverageOptions>();
  cli.add_option("-r,--run", o->runs, "runs of one model, two or more: RUN/checkpoints/*")
      ->required()
      ->transform(kNamesRun);
  cli.add_option("-o,--output", o->output, "run folder to write")->required();
  cli.add_flag("--overwrite", o->overwrite, "replace a run that is there");
  cli.add_option("--json", o->json, "write what was averaged as JSON");
  return [o] { average(*o); };
}

}  // namespace heed::apps
