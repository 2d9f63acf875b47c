// A training as the subcommands do it: with progress on standard error, and stopped by signals.
#pragma once

#include <filesystem>
#include <string>

#include "models/text/lines.h"
#include "models/training/trainer.h"

namespace heed::apps {

models::TokenisedCorpus tokenised(const models::ParallelLines& lines, const models::RunConfig& config);

/// Trains the run that Trainer::start made in `folder`; with `resume` it goes on where it stopped, and a `config` that trains longer than
/// the run's own replaces it as soon as run and corpus are known to fit. `label` stands in front of each line of progress. The result is
/// not finished when a signal came (catch_interrupts). Throws what Trainer throws.
models::TrainResult train_run(const std::filesystem::path& folder, const models::RunConfig& config, const models::TokenisedCorpus& corpus,
                              const models::TokenisedCorpus& validation, bool resume, const std::string& label = "");

/// "trained 3000 updates in 0:46, 505219 parameters; kept update 2500: validation BLEU 12.34, chrF 45.67"
std::string summary(const models::TrainResult& result);

/// Trainer::start in an empty folder; what a start that fails has written is removed again, so that it can be repeated.
void start_run(const std::filesystem::path& folder, const models::RunConfig& config, const models::Trainer::TextFiles& text);

}  // namespace heed::apps
