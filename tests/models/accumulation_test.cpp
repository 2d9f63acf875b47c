// Gradients of several batches in one update, and validations on a sample.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "models/run/folder.h"
#include "models/training/encoded.h"
#include "tests/models/copy_task.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

// The weights after some updates in which every pair is seen once each.
std::map<std::string, Tensor> weights_with(const RunConfig& config, bool links) {
  const TempDir folder;
  const auto data = std::make_shared<const TrainingData>(copy_corpus(60, 1), copy_corpus(5, 2));
  const auto pairs = tokens_of(*data->train).source;
  std::optional<WordLinks> given;
  if (links) {
    given.emplace();
    for (size_t i = 0; i < pairs.size(); ++i) {
      given->emplace_back();  // some pairs have none: links and words are counted apart
      for (int k = 0; i % 3 != 0 && k < static_cast<int>(pairs[i].size()); ++k)
        given->back().push_back({k, k});
    }
  }
  TrainingSession::start(folder / "run", config, data, {.links = given}).run({.clock = fake_clock});
  std::map<std::string, Tensor> weights;
  for (const auto& [name, value] : load_safetensors(folder / "run" / "state.safetensors").tensors) {
    if (name.starts_with("weights.")) weights.emplace(name, value);
  }
  return weights;
}

TEST(Accumulation, EqualsTheLargerBatch) {
  for (const bool links : {false, true}) {
    RunConfig config = tiny_config();
    config.model.as<RecurrentOptions>().dropout = 0;
    config.train.label_smoothing = 0.1;
    config.train.epochs = 3;
    config.train.clip = 0.5;
    config.train.guided_alignment = links ? 0.7 : 0;
    config.train.guided_layer = 0;
    config.train.batch_size = 60;
    const auto whole = weights_with(config, links);
    config.train.batch_size = 7;  // the lengths of the batches differ, and the last one has 4 pairs
    const auto apart = weights_with(config, links);
    config.train.accumulate = 9;
    const auto added = weights_with(config, links);
    double largest = 0, moved = 0;
    for (const auto& [name, value] : whole) {
      const auto a = value.to_vector<float>(), b = added.at(name).to_vector<float>(),
                 c = apart.at(name).to_vector<float>();
      for (size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
        moved = std::max(moved, static_cast<double>(std::abs(a[i] - c[i])));
      }
    }
    EXPECT_LT(largest, 1e-4);  // Adam divides rounding by the size of small gradients
    EXPECT_GT(moved, 1e-2);    // batches alone make nine updates each time
  }
}

TEST(Accumulation, AnEpochHasFewerUpdatesAndEndsWithWhatIsLeft) {
  RunConfig config = tiny_config();
  config.train.epochs = 2;
  config.train.accumulate = 4;  // 25 batches an epoch
  const TempDir folder;
  std::vector<int64_t> validated;
  const TrainResult result =
      TrainingSession::start(folder.path(), config, copy_data())
          .run({.validated = [&](const ValidationResult& v) { validated.push_back(v.update); },
                .clock = fake_clock});
  EXPECT_EQ(result.updates, 14);
  EXPECT_EQ(result.facts.updates_per_epoch, 7);
  EXPECT_EQ(validated, (std::vector<int64_t>{7, 14}));
}

TEST(ValidationSample, IsDrawnOnceBySeedAndKeepsItsOrder) {
  EncodedData all;
  for (int i = 0; i < 100; ++i) {
    all.validation.push_back({{i, 1}, {i, 2}});
    all.references.push_back(std::to_string(i));
    all.reference_texts.push_back("t" + std::to_string(i));
    all.validation_sources.push_back("s" + std::to_string(i));
  }
  const auto sample = [&](int64_t most, uint64_t seed) {
    EncodedData data = all;
    sample_validation(data, most, seed);
    std::vector<int> kept;
    for (size_t i = 0; i < data.validation.size(); ++i) {
      kept.push_back(data.validation[i].source[0]);
      EXPECT_EQ(data.references[i], std::to_string(kept.back()));
      EXPECT_EQ(data.reference_texts[i], "t" + std::to_string(kept.back()));
      EXPECT_EQ(data.validation_sources[i], "s" + std::to_string(kept.back()));
    }
    EXPECT_TRUE(std::ranges::is_sorted(kept));
    return kept;
  };
  EXPECT_EQ(sample(0, 1).size(), 100U);
  EXPECT_EQ(sample(200, 1).size(), 100U);
  const auto kept = sample(20, 1);
  EXPECT_EQ(kept.size(), 20U);
  EXPECT_EQ(std::set<int>(kept.begin(), kept.end()).size(), 20U);
  EXPECT_EQ(kept, sample(20, 1));
  EXPECT_NE(kept, sample(20, 2));
  EXPECT_GT(kept.back(), 60);  // of the whole file
  EXPECT_LT(kept.front(), 40);
}

TEST(ValidationSample, IsWhatTheTrainingValidatesWith) {
  RunConfig config = tiny_config();
  config.train.updates = 5;
  config.train.validation_sentences = 6;
  const TempDir folder;
  int64_t outputs = 0;
  const TrainResult result =
      TrainingSession::start(folder.path(), config, copy_data())
          .run({.validated = [&](const ValidationResult& v) { outputs = v.outputs; }, .clock = fake_clock});
  EXPECT_EQ(outputs, 6);
  EXPECT_EQ(result.facts.validation_pairs, 6);
}

}  // namespace
}  // namespace heed::models
