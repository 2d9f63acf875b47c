// Training on the built-in corpus: its setting, and how demo trains.
#pragma once

#include <filesystem>
#include <string>

#include "models/grammar/demo_corpus.h"
#include "models/training/trainer.h"

namespace heed::apps {

struct DemoTraining {
  uint64_t seed = 1;
  int64_t updates = 0;  // 0: the setting of demo_config
  int train_pairs = 16000;
};

models::RunConfig demo_config(const DemoTraining& options, const std::string& attention);

/// Replaces a run in `folder`. Throws Interrupted when a signal ends it.
models::TrainResult train_on_demo_corpus(const std::filesystem::path& folder, const models::RunConfig& config,
                                         const models::DemoCorpus& corpus, const std::string& label);

}  // namespace heed::apps
