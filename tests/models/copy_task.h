// A task that a small model learns in seconds, and its training.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "framework/core/random.h"
#include "models/architectures/recurrent/options.h"
#include "models/training/session.h"
#include "tests/models/tokens_of.h"

namespace heed::models {

inline RunConfig tiny_config() {
  RunConfig config;
  config.model = RecurrentOptions{.embedding = 24,
                                  .encoder_hidden = 24,
                                  .decoder_hidden = 48,
                                  .readout = 32,
                                  .attention_size = 24,
                                  .dropout = 0.1};
  config.train.batch_size = 8;
  config.train.epochs = 6;
  config.train.lr = 5e-3;
  config.train.log_every = 7;
  config.train.label_smoothing = 0.0;
  return config;
}

// Copying words is easy with attention and hopeless by chance.
inline TokenisedCorpus copy_corpus(int count, uint64_t seed) {
  TokenisedCorpus corpus;
  Generator generator(seed);
  for (int i = 0; i < count; ++i) {
    std::vector<std::string> words;
    const uint64_t length = 2 + generator.next_below(5);
    for (uint64_t k = 0; k < length; ++k) words.push_back("w" + std::to_string(generator.next_below(12)));
    corpus.source.push_back(words);
    for (std::string& word : words) word[0] = 'v';
    corpus.target.push_back(words);
  }
  return corpus;
}

inline double fake_clock() {
  static double now = 0;
  return now += 0.01;
}

inline std::shared_ptr<const TrainingData> copy_data() {
  return std::make_shared<const TrainingData>(copy_corpus(200, 1), copy_corpus(20, 2));
}

inline TrainResult train(const std::filesystem::path& folder, const RunConfig& config,
                         std::vector<int64_t> stops = {}) {
  const auto data = copy_data();
  TrainResult result;
  stops.push_back(INT64_MAX);
  for (size_t i = 0; i < stops.size(); ++i) {
    int64_t update = 0;
    TrainingSession session =
        i > 0 ? TrainingSession::resume(folder, config, data) : TrainingSession::start(folder, config, data);
    result = session.run({.progress = [&](const TrainProgress& p) { update = p.update; },
                          .should_stop = [&] { return update >= stops[i]; },
                          .clock = fake_clock});
  }
  return result;
}

}  // namespace heed::models
