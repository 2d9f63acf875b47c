#include "apps/translator/experiment/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/translator/training.h"
#include "framework/io/file.h"
#include "models/run/files.h"
#include "models/text/fingerprint.h"
#include "models/text/json.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

void stop_if_interrupted(const std::string& where) {
  if (interrupted.load() == 0) return;
  say("stopped {}; the same command with --resume goes on\n", where);
  throw Interrupted();
}

// Comparisons before 0.2.0 kept one file for all their runs: the fingerprint of all sentences, by kind.
void check_data_of_old_comparison(const TrainingPlan& plan, const PlannedRun& run,
                                  const Sentences& sentences) {
  const fs::path file = plan.folder / models::run_files::kData;
  if (file_exists(run.folder / models::run_files::kData) || !file_exists(file)) return;
  const auto known = models::parse_json(read_file(file));
  if (!known.is_object())
    throw FormatError(fmt::format("'{}' is not what a comparison wrote", file.string()));
  std::string text;
  for (const auto* lines : {&sentences.train.source, &sentences.train.target, &sentences.validation.source,
                            &sentences.validation.target}) {
    for (const std::string& line : *lines) text += line + '\n';
    text += '\0';
  }
  if (known.value(run.attention, nlohmann::json()) != models::fingerprint(text)) {
    throw ValueError("resume", fmt::format("'{}' was started with other training or validation sentences",
                                           run.folder.string()));
  }
}

// A session for each run: all that are new are made before the first is trained, so that what is stopped can
// go on as a whole.
void open_sessions(TrainingPlan& plan, const Sentences& sentences) {
  const models::RunConfig& config = plan.runs.front().config;
  const auto data = models::prepare(config, sentences.train, sentences.validation);
  const models::DataMarks marks = models::marks_of(sentences.train, sentences.validation);
  for (const PlannedRun& run : plan.runs) {
    if (!run.started) continue;
    check_data_of_old_comparison(plan, run, sentences);
    models::check_run_data(run.folder, sentences.files, marks);
  }
  const std::string about = models::run_data(sentences.files, marks);
  models::TextFiles text;  // the same for every kind
  if (std::ranges::any_of(plan.runs, [](const PlannedRun& run) { return !run.started; }))
    text = models::learn_text(config, *data->train);
  catch_interrupts();
  for (const PlannedRun& run : plan.runs) {
    std::optional<FileLock> lock;
    if (auto node = plan.locks.extract(run.attention)) lock.emplace(std::move(node.mapped()));
    if (run.started) {
      plan.sessions.push_back(
          models::TrainingSession::resume(run.folder, run.config, data, std::move(lock), about));
      continue;
    }
    // it would speak of weights that are gone
    for (const fs::path& report : plan.reports) remove_file(report);
    plan.sessions.push_back(models::TrainingSession::start(
        run.folder, run.config, data,
        {.text = text, .data = about, .overwrite = true, .lock = std::move(lock)}));
    stop_if_interrupted("before the training");
  }
}

}  // namespace

std::vector<FailedTraining> train_planned(TrainingPlan& plan, const Sentences& sentences) {
  open_sessions(plan, sentences);
  const size_t all = plan.sessions.size();
  std::vector<FailedTraining> failed;
  for (size_t i = 0; i < all; ++i) {
    const std::string& kind = plan.runs[i].attention;
    try {
      const models::TrainResult result =
          run_session(plan.sessions[i], fmt::format("{} ({} of {})", kind, i + 1, all));
      if (!result.finished) {
        say("{} stopped after update {}, {} of {} models trained; the same command with --resume goes on\n",
            kind, result.updates, i - failed.size(), all);
        throw Interrupted();
      }
      say("{}: {}{}\n", kind, summary(result), i + 1 < all ? fmt::format("; {} left", all - i - 1) : "");
      std::fflush(stdout);
    } catch (const std::exception& error) {
      failed.push_back({kind, error.what()});
      warn("translator", fmt::format("{}: {}", kind, error.what()));
    }
    stop_if_interrupted(fmt::format("with {} of {} models trained", i + 1 - failed.size(), all));
  }
  return failed;
}

}  // namespace heed::apps
