// A small run that was trained for a moment, with every file that a training writes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "models/architectures/recurrent/options.h"
#include "models/architectures/transformer/options.h"
#include "models/run/data.h"
#include "models/training/session.h"

namespace heed::models {

inline TokenisedCorpus small_corpus() {
  TokenisedCorpus lines;
  for (int i = 0; i < 24; ++i) {
    lines.source.push_back({"word" + std::to_string(i % 5), "and", "word" + std::to_string(i % 7)});
    lines.target.push_back({"Wort" + std::to_string(i % 5), "und", "Wort" + std::to_string(i % 7)});
  }
  return lines;
}

/// @param transformer a Transformer with subwords, else a recurrent one with words
inline RunConfig small_config(bool transformer) {
  RunConfig config;
  config.model = RecurrentOptions{
      .embedding = 8, .encoder_hidden = 8, .decoder_hidden = 8, .readout = 8, .attention_size = 8};
  if (transformer)
    config.model = TransformerOptions{.decoder_layers = 1, .model_size = 8, .feed_forward = 8, .heads = 2};
  config.train.subwords = transformer ? SubwordKind::bpe : SubwordKind::none;
  config.source_text.tokenizer = config.target_text.tokenizer = Tokenizer::words;
  config.train.subword_vocabulary = 30;
  config.train.batch_size = 8;
  config.train.updates = 4;
  config.train.validate_every = 2;
  config.train.log_every = 1;
  config.train.average = 3;
  return config;
}

/// @param lines what data.json says that it was trained on
/// @return what it was trained on
inline std::shared_ptr<const TrainingData> train_small(const std::filesystem::path& folder,
                                                       const RunConfig& config, const ParallelLines& lines) {
  const auto data = std::make_shared<const TrainingData>(small_corpus(), small_corpus());
  double now = 0;
  TrainingSession::start(folder, config, data,
                         {.data = run_data({"a.en", "a.de", "b.en", "b.de", "a licence", "whom to name"},
                                           marks_of(lines, lines))})
      .run({.clock = [&] { return now += 0.01; }});
  return data;
}

}  // namespace heed::models
