#include "apps/translator/training.h"

#include <fmt/format.h>

#include <cmath>

#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/progress.h"
#include "framework/io/file.h"

namespace heed::apps {

models::TokenisedCorpus tokenised(const models::ParallelLines& lines, const models::RunConfig& config) {
  return {models::tokenize_lines(lines.source, config.source_text), models::tokenize_lines(lines.target, config.target_text)};
}

models::TrainResult train_run(const std::filesystem::path& folder, const models::RunConfig& config, const models::TokenisedCorpus& corpus,
                              const models::TokenisedCorpus& validation, bool resume, const std::string& label) {
  ProgressPrinter printer(label);
  double last_loss = 0;
  models::Trainer trainer(folder, config, corpus, validation,
                          {.progress = [&](const auto& p) { printer.progress(p); },
                           .validated =
                               [&](const auto& v) {
                                 last_loss = v.loss;
                                 printer.validated(v);
                               },
                           .should_stop = [] { return interrupted.load() != 0; },
                           .clock = steady_seconds});
  if (resume) {
    trainer.resume();
    if (const std::string text = models::to_toml(config); read_file(folder / "config.toml") != text) {
      write_file_atomically(folder / "config.toml", text);
    }
    note("resumes '{}' after update {} of {}\n", folder.string(), trainer.update(), trainer.total_updates());
  }
  for (const int64_t pair : trainer.skipped_validation()) {
    warn("translator", fmt::format("validation line {} is left out: it has more than 1000 words or pieces", pair + 1));
  }
  if (trainer.skipped_pairs() > 0) {
    note("left out: {} pairs that are empty or longer than {} tokens\n", trainer.skipped_pairs(), trainer.config().train.max_length);
  }
  if (!trainer.metric_can_tell()) {
    warn("translator",
         "no validation target has four tokens, so BLEU is 0 whatever the model does: weights are kept by loss; "
         "--keep-best-by chrf tells more");
  }
  if (trainer.config().train.precision == models::Precision::bf16 && !has_bf16_products()) {
    warn("translator", "this CPU has no bf16 products: trains in f32");
  }
  note("{}vocabulary: {} and {} entries\n", label.empty() ? "" : label + ": ", trainer.source_vocabulary(), trainer.target_vocabulary());
  if (config.train.subwords != models::SubwordKind::none && trainer.target_vocabulary() < config.train.subword_vocabulary * 9 / 10) {
    warn("translator", fmt::format("the text gives {} pieces of the {} that --subword-vocabulary asks for", trainer.target_vocabulary(),
                                   config.train.subword_vocabulary));
  }
  const models::TrainResult result = trainer.run();
  const double guessing = std::log(static_cast<double>(trainer.target_vocabulary()));
  if (last_loss > 2 * guessing) {
    warn("translator",
         fmt::format("training diverged: its validation loss ended at {:.3g} nats a token, where guessing has {:.3g}; lower --lr",
                     last_loss, guessing));
  }
  if (result.skipped > 0) {
    warn("translator",
         fmt::format("{} of {} updates were left out: their loss or gradient was NaN or infinite (--on-bad-gradient skip); a lower "
                     "--lr may help",
                     result.skipped, result.updates));
  }
  return result;
}

void start_run(const std::filesystem::path& folder, const models::RunConfig& config, const models::Trainer::TextFiles& text) {
  try {
    models::Trainer::start(folder, config, text);
  } catch (...) {
    std::error_code ignored;
    for (const auto& [name, content] : text) std::filesystem::remove(folder / name, ignored);
    for (const char* name : {"metrics.jsonl", "data.json", "config.toml"}) std::filesystem::remove(folder / name, ignored);
    throw;
  }
}

std::string summary(const models::TrainResult& result) {
  return fmt::format("trained {} updates in {}, {} parameters; kept update {}: validation BLEU {:.2f}, chrF {:.2f}", result.updates,
                     clock_time(result.seconds), result.parameters, result.best_update, result.best_bleu, result.best_chrf);
}

}  // namespace heed::apps
