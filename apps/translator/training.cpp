#include "apps/translator/training.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <optional>

#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/progress.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/metrics/metric.h"
#include "models/text/counted.h"

namespace heed::apps {
namespace {

// What is odd about the data and the machine, before the first update.
void say_what_is_odd(const models::Trainer& trainer) {
  const models::TrainConfig& config = trainer.config().train;
  for (const int64_t pair : trainer.skipped_validation()) {
    warn("translator",
         fmt::format("validation line {} is left out: it has more than 1000 words or pieces", pair + 1));
  }
  if (trainer.skipped_pairs() > 0) {
    note("left out for being empty or longer than {} tokens: {}\n", config.max_length,
         models::counted(static_cast<uint64_t>(trainer.skipped_pairs()), "pair"));
  }
  if (!trainer.metric_can_tell()) {
    warn("translator",
         "no validation target has four tokens, so BLEU is 0 whatever the model does: weights are kept by "
         "loss; "
         "--keep-best-by chrf tells more");
  }
  if (config.precision == models::Precision::bf16 && !has_bf16_products()) {
    warn("translator", "this CPU has no bf16 products: trains in f32");
  }
}

}  // namespace

models::TrainResult run_session(models::TrainingSession& session, const std::string& label) {
  ProgressPrinter printer(label);
  double last_loss = 0, guessing = 0;
  const auto ready = [&](const models::Trainer& trainer) {
    if (session.resumes()) {
      note("resumes '{}' after update {} of {}\n", session.folder().string(), trainer.update(),
           trainer.total_updates());
    }
    say_what_is_odd(trainer);
    note("{}vocabulary: {} and {} entries\n", label.empty() ? "" : label + ": ", trainer.source_vocabulary(),
         trainer.target_vocabulary());
    const models::TrainConfig& config = trainer.config().train;
    if (config.subwords != models::SubwordKind::none &&
        trainer.target_vocabulary() < config.subword_vocabulary * 9 / 10) {
      warn("translator", fmt::format("the text gives {} pieces of the {} that --subword-vocabulary asks for",
                                     trainer.target_vocabulary(), config.subword_vocabulary));
    }
    guessing = std::log(static_cast<double>(trainer.target_vocabulary()));
  };
  const models::TrainResult result = session.run({.ready = ready,
                                                  .progress = [&](const auto& p) { printer.progress(p); },
                                                  .validated =
                                                      [&](const auto& v) {
                                                        last_loss = v.scores.at("loss");
                                                        printer.validated(v);
                                                      },
                                                  .should_stop = [] { return interrupted.load() != 0; },
                                                  .clock = steady_seconds});
  if (last_loss > 2 * guessing) {
    warn("translator", fmt::format("training diverged: its validation loss ended at {:.3g} nats a token, "
                                   "where guessing has {:.3g}; lower --lr",
                                   last_loss, guessing));
  }
  if (result.skipped > 0) {
    warn("translator", fmt::format("{} of {} updates were left out: their loss or gradient was NaN or "
                                   "infinite (--on-bad-gradient skip); a lower "
                                   "--lr may help",
                                   result.skipped, result.updates));
  }
  return result;
}

std::string scores_text(const models::KeptScores& scores) {
  std::string text;
  for (const models::Metric* metric : models::kept_metrics()) {
    if (const auto found = scores.find(metric->keep); found != scores.end()) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", metric->name, metric->text(found->second));
    }
  }
  return text;
}

std::string summary(const models::TrainResult& result) {
  return fmt::format("trained {} in {}, {} parameters; kept update {}: validation {}",
                     models::counted(static_cast<uint64_t>(result.updates), "update"),
                     clock_time(result.seconds), result.parameters, result.best_update,
                     scores_text(result.best));
}

models::PairFiles training_files(const std::string& folder) {
  constexpr const char* kGive = "give --source, --target, --valid-source and --valid-target";
  const std::optional<models::PairFiles> files = models::files_of_run(folder);
  if (!files)
    throw IoError("resume", fmt::format("'{}' does not say what it was trained on; {}", folder, kGive));
  for (const std::string* path :
       {&files->source, &files->target, &files->valid_source, &files->valid_target}) {
    if (path->empty())
      throw IoError(
          "resume",
          fmt::format("'{}' was trained on the built-in corpus; go on with compare or demo", folder));
    if (*path == "-")
      throw IoError("resume", fmt::format("'{}' was trained on standard input or a pipe; {}", folder, kGive));
    if (!file_exists(*path))
      throw IoError("resume",
                    fmt::format("'{}' was trained on '{}', which is not there; {}", folder, *path, kGive));
    if (!std::filesystem::is_regular_file(*path))
      throw IoError("resume",
                    fmt::format("'{}' was trained on '{}', which is no file now; {}", folder, *path, kGive));
  }
  return *files;
}

}  // namespace heed::apps
