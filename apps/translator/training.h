// A training as the subcommands do it: with progress on standard error, and stopped by signals.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "models/run/data.h"
#include "models/training/session.h"

namespace heed::apps {

/// Runs a session. `label` stands in front of each line of progress. The result is not finished when a signal
/// came (catch_interrupts). `begins` is called before the first update; `ranks` are those that train
/// together. Throws what TrainingSession::run throws.
models::TrainResult run_session(models::TrainingSession& session, const std::string& label = "",
                                const std::function<void(const models::Trainer&)>& begins = {},
                                models::Ranks* ranks = nullptr);

/// The files that a run says it was trained on, for a training that goes on without being told. Throws
/// IoError for a run that does not say, that was trained on the built-in corpus or a pipe, and for a file
/// that is not there.
models::PairFiles training_files(const std::string& folder);

/// "trained 3000 updates in 0:46, 505219 parameters; kept update 2500: validation BLEU 12.34, chrF2 45.67,
/// loss 1.234 nats a token"
std::string summary(const models::TrainResult& result);

/// The facts of a training as lines: pairs, words or pieces, vocabularies, unknown shares, model, length.
std::string facts_text(const models::TrainingFacts& facts);
nlohmann::ordered_json facts_json(const models::TrainingFacts& facts);

/// "BLEU 12.34, chrF2 45.67, loss 1.234 nats a token"
std::string scores_text(const models::KeptScores& scores);

}  // namespace heed::apps
