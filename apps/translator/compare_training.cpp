#include "apps/translator/compare_training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/fingerprint.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_output.h"
#include "apps/translator/training.h"
#include "framework/io/file.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDataFile = "data.json";
constexpr const char* kAttention = "--attention";

models::RunConfig with_attention(models::RunConfig config, const std::string& attention) {
  run_option(kAttention).set(config, attention);
  return config;
}

std::string attention_of(const models::RunConfig& config) {
  const models::RunOption& row = run_option(kAttention);
  return row.applies(config) ? std::get<std::string>(row.get(config)) : config.model.architecture().name;
}

// Whether the folder holds a run. Without config.toml it is one that was stopped while it was started, unless it has weights.
bool holds_run(const fs::path& folder) {
  if (file_exists(folder / "config.toml")) return true;
  for (const char* weights : {"model.safetensors", "state.safetensors"}) {
    if (file_exists(folder / weights)) throw IoError(fmt::format("resume '{}': config.toml is missing", folder.string()));
  }
  return false;
}

void stop_if_interrupted(const std::string& where) {
  if (interrupted.load() == 0) return;
  say("stopped {}; the same command with --resume goes on\n", where);
  throw Interrupted();
}

std::string fingerprint(const models::ParallelLines& train, const models::ParallelLines& validation) {
  std::string text;
  for (const auto* lines : {&train.source, &train.target, &validation.source, &validation.target}) {
    for (const std::string& line : *lines) text += line + '\n';
    text += '\0';
  }
  return apps::fingerprint(text);
}

// data.json as it should be: the fingerprint of the sentences that each kind is trained on.
nlohmann::ordered_json data_of(const TrainingPlan& plan, const std::string& data) {
  nlohmann::ordered_json known = nlohmann::ordered_json::object();
  const fs::path file = plan.folder / kDataFile;
  if (file_exists(file)) known = nlohmann::ordered_json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  if (!known.is_object()) throw FormatError(fmt::format("'{}' is not what a comparison wrote", file.string()));
  for (const TrainingPlan::Run& run : plan.runs) {
    if (run.started && known.value(run.attention, nlohmann::ordered_json()) != data) {
      throw ValueError(fmt::format("resume: '{}' was started with other training or validation sentences", run.folder.string()));
    }
    known[run.attention] = data;
  }
  return known;
}

}  // namespace

TrainingPlan plan_training(const fs::path& folder, const std::vector<std::string>& kinds, const models::RunConfig& config,
                           const RunOptions& options, bool resume) {
  TrainingPlan plan{folder, {}, {}, {}};
  for (const std::string& kind : kinds) plan.runs.push_back({kind, folder / kind, config});
  const TrainingPlan::Run* first = nullptr;
  for (TrainingPlan::Run& run : plan.runs) {
    if (!resume || !holds_run(run.folder)) continue;
    const std::string file = (run.folder / "config.toml").string();
    const models::RunConfig before = models::parse_run_config(read_file(file), file);
    if (attention_of(before) != run.attention) {
      throw ValueError(fmt::format("resume: '{}' was trained with attention {}", run.folder.string(), attention_of(before)));
    }
    run.config = options.resumed(before, run.folder.string());
    run.started = true;
    if (!first) first = &run;
    if (with_attention(run.config, first->attention) != first->config) {
      throw ValueError(fmt::format("resume: '{}' and '{}' have different options", first->folder.string(), run.folder.string()));
    }
  }
  for (TrainingPlan::Run& run : plan.runs) {
    if (is_run_folder(run.folder)) plan.locks.emplace(run.attention, lock_run_folder(run.folder));
  }
  for (TrainingPlan::Run& run : plan.runs) {
    if (run.started) continue;
    run.config = with_attention(first ? first->config : config, run.attention);
    check_run_folder(run.folder, /*overwrite=*/true);
    models::check(run.config);
    models::make_model(run.config.model, models::Vocabulary::kSpecials, models::Vocabulary::kSpecials);  // sizes that only it can judge
  }
  return plan;
}

std::vector<FailedTraining> train_planned(TrainingPlan& plan, const models::ParallelLines& train, const models::ParallelLines& validation) {
  const size_t all = plan.runs.size();
  const models::RunConfig& config = plan.runs.front().config;
  const models::TokenisedCorpus corpus = tokenised(train, config), valid = tokenised(validation, config);
  models::Trainer::check_corpora(config, corpus, valid);
  const nlohmann::ordered_json data = data_of(plan, fingerprint(train, validation));
  models::Trainer::TextFiles text;  // the same for every kind
  const auto is_new = [](const TrainingPlan::Run& run) { return !run.started; };
  if (std::ranges::any_of(plan.runs, is_new)) text = models::Trainer::learn_text(config, corpus);
  catch_interrupts();
  for (const TrainingPlan::Run& run : plan.runs) {
    if (run.started) continue;
    for (const fs::path& report : plan.reports) remove_file(report);  // it would speak of weights that are gone
    std::optional<FileLock> held;
    if (auto node = plan.locks.extract(run.attention)) held.emplace(std::move(node.mapped()));
    plan.locks.emplace(run.attention, make_run_folder(run.folder, /*overwrite=*/true, std::move(held)));
  }
  write_json((plan.folder / kDataFile).string(), data);  // behind the old runs, which it does not speak of
  for (const TrainingPlan::Run& run : plan.runs) {
    if (!run.started) start_run(run.folder, run.config, text);
    stop_if_interrupted("before the training");
  }
  std::vector<FailedTraining> failed;
  for (size_t i = 0; i < all; ++i) {
    const TrainingPlan::Run& run = plan.runs[i];
    try {
      remove_temporaries(run.folder);
      const models::TrainResult result =
          train_run(run.folder, run.config, corpus, valid, run.started, fmt::format("{} ({} of {})", run.attention, i + 1, all));
      if (!result.finished) {
        say("{} stopped after update {}, {} of {} models trained; the same command with --resume goes on\n", run.attention, result.updates,
            i - failed.size(), all);
        throw Interrupted();
      }
      say("{}: {}{}\n", run.attention, summary(result), i + 1 < all ? fmt::format("; {} left", all - i - 1) : "");
      std::fflush(stdout);
    } catch (const std::exception& error) {
      failed.push_back({run.attention, error.what()});
      warn("translator", fmt::format("{}: {}", run.attention, error.what()));
    }
    stop_if_interrupted(fmt::format("with {} of {} models trained", i + 1 - failed.size(), all));
  }
  return failed;
}

}  // namespace heed::apps
