// translator train: sentence pairs in, a run folder out.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_output.h"
#include "apps/translator/commands.h"
#include "apps/translator/pairs.h"
#include "apps/translator/preset.h"
#include "apps/translator/run_data.h"
#include "apps/translator/run_options.h"
#include "apps/translator/training.h"
#include "framework/io/file.h"

namespace heed::apps {
namespace {

struct Options {
  PairFiles files;
  std::string folder, json;
  const CLI::App* app = nullptr;
  bool resume = false, overwrite = false;
  int threads = 0;
  RunOptions run;
};

void check_files(const Options& options) {
  apps::check_files({.inputs = {{"--source", options.files.source},
                                {"--target", options.files.target},
                                {"--valid-source", options.files.valid_source},
                                {"--valid-target", options.files.valid_target},
                                {"--config", preset_of(*options.app)}},
                     .outputs = {{"--json", options.json}},
                     .runs = {options.folder},
                     .new_folders = {{"--run", options.folder}}});
  if (!options.resume) check_run_folder(options.folder, options.overwrite);
}

// With --resume alone the run says what it was trained on; else all four files are named.
void complete_files(Options& options) {
  PairFiles& f = options.files;
  const std::pair<const char*, const std::string*> all[] = {
      {"--source", &f.source}, {"--target", &f.target}, {"--valid-source", &f.valid_source}, {"--valid-target", &f.valid_target}};
  const bool none = std::ranges::all_of(all, [](const auto& file) { return file.second->empty(); });
  if (none && options.resume && is_run_folder(options.folder)) {
    f = files_of_run(options.folder);
    return;
  }
  for (const auto& [name, path] : all) {
    if (path->empty()) throw CLI::RequiredError(name);
  }
}

void train(Options& options) {
  complete_files(options);
  check_files(options);
  const std::filesystem::path folder = options.folder;
  const bool resume = options.resume && !is_unfinished_start(folder);  // what never began begins
  std::optional<FileLock> lock;
  if (is_run_folder(folder)) lock.emplace(lock_run_folder(folder));
  use_threads(options.threads);
  const models::ParallelLines lines = read_pairs(options.files.source, options.files.target);
  const models::ParallelLines valid_lines = read_pairs(options.files.valid_source, options.files.valid_target);
  models::RunConfig config;
  if (resume) {
    const std::filesystem::path file = folder / "config.toml";
    check_run_data(folder, options.files, lines, valid_lines);
    config = models::parse_run_config(read_file(file), file.string());
    if (config_of_preset(*options.app, config) != config) {
      throw ValueError(fmt::format("resume: --config is not what '{}' was started with", options.folder));
    }
    config = options.run.resumed(config, options.folder);
  } else {
    config = options.run.applied_to(config_of_preset(*options.app));
    models::check(config);
  }
  const models::TokenisedCorpus corpus = tokenised(lines, config), validation = tokenised(valid_lines, config);
  if (!resume) {
    models::Trainer::check_corpora(config, corpus, validation);  // all that may fail, before anything of an older run goes
    const models::Trainer::TextFiles text = models::Trainer::learn_text(config, corpus);
    lock.emplace(make_run_folder(folder, options.overwrite, std::move(lock)));
    write_file_atomically(folder / kRunData, run_data(options.files, lines, valid_lines));
    start_run(folder, config, text);
  }
  remove_temporaries(folder);
  catch_interrupts();
  const models::TrainResult result = train_run(folder, config, corpus, validation, resume);
  if (result.finished) {
    say("{}\n", summary(result));
  } else {
    say("stopped after update {}; the same command with --resume goes on\n", result.updates);
  }
  write_json(options.json, {{"run", options.folder},
                            {"finished", result.finished},
                            {"updates", result.updates},
                            {"skipped_updates", result.skipped},
                            {"train_seconds", result.seconds},
                            {"parameters", result.parameters},
                            {"keep_best_by", config.train.keep_best_by},
                            {"best_validation_bleu", result.best_bleu},
                            {"best_validation_chrf", result.best_chrf},
                            {"best_validation_loss", result.best_loss},
                            {"best_update", result.best_update}});
  if (!result.finished) throw Interrupted();
}

}  // namespace

Command add_train(CLI::App& cli) {
  const auto o = std::make_shared<Options>();
  cli.option_defaults()->take_last();                                             // a repeated option: the last one counts
  const auto file = [&](const char* name, std::string& path, const char* what) {  // two would not be the last one alone
    return cli.add_option(name, path, what)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  };
  file("-s,--source", o->files.source, "training sentences, one a line; - for standard input")->group(kPairs);
  file("-t,--target", o->files.target, "their translations, line by line")->group(kPairs);
  file("--valid-source", o->files.valid_source, "validation sentences")->group(kPairs);
  file("--valid-target", o->files.valid_target, "their translations")->group(kPairs);
  file("-r,--run", o->folder, "run folder to write")->required();
  auto* const resume =
      cli.add_flag("--resume", o->resume, "go on from the last checkpoint of the run folder, by itself with the files that the run names");
  cli.add_flag("--overwrite", o->overwrite, "replace a run that is there already")->excludes(resume);
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write the result as JSON")->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  o->run.add_to(cli);
  o->app = &cli;
  return [o] { train(*o); };
}

}  // namespace heed::apps
