// What ends a training before its time: a score that gets no better, gradients that are none, other data.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "framework/autograd/hooks.h"
#include "models/metrics/metric.h"
#include "models/training/json_number.h"
#include "tests/models/copy_task.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

using testing::HasSubstr;

TEST(StopBy, EveryChoiceEndsATrainingThatStandsStill) {
  for (const Metric* metric : stopping_metrics()) {
    SCOPED_TRACE(stopping_name(*metric));
    RunConfig config = tiny_config();
    config.train.epochs = 5;
    config.train.validate_every = 5;
    config.train.lr = 1e-12;  // only the last digits of the loss move
    config.train.patience = 3;
    config.train.stop_by = stopping_name(*metric);
    config.train.keep_best_by = "loss";
    const TempDir folder;
    std::vector<double> scores;
    const TrainResult result =
        TrainingSession::start(folder.path(), config, copy_data())
            .run({.validated = [&](const ValidationResult& v) { scores.push_back(v.stop_score); },
                  .clock = fake_clock});
    EXPECT_TRUE(result.finished);
    ASSERT_GE(scores.size(), 4U);
    for (const double score : scores) EXPECT_TRUE(std::isfinite(score));
    size_t best = 0;
    for (size_t i = 1; i < scores.size(); ++i)
      if (metric->beats(scores[i], scores[best])) best = i;
    EXPECT_EQ(scores.size(), std::min<size_t>(best + 4, 25));
    const std::string key = metric->keep.empty() ? metric->key : metric->keep;
    EXPECT_THAT(read_file(folder / "metrics.jsonl"), HasSubstr("\"validation_" + key + "\":"));
  }
}

// The count goes on with a run that is stopped in between.
TEST(StopBy, CountsOverAResume) {
  RunConfig config = tiny_config();
  config.train.epochs = 3;
  config.train.validate_every = 5;
  config.train.lr = 1e-12;
  config.train.patience = 3;
  config.train.stop_by = "exact_match";
  const TempDir whole, parts;
  const int64_t ended = train(whole.path(), config).updates;
  EXPECT_EQ(ended, 20);
  EXPECT_EQ(train(parts.path(), config, {7, 12, 18}).updates, ended);
}

TEST(StopBy, TheAlignmentLossIsThatOfTheTraining) {
  RunConfig config = tiny_config();
  config.train.stop_by = "alignment_loss";
  const TempDir folder;
  EXPECT_ERROR(ValueError, "stop-by: alignment_loss is of --guided-alignment, which is 0", check(config));
  config.train.guided_alignment = 0.5;
  config.train.guided_layer = 0;
  config.train.guided_from = 12;
  config.train.epochs = 2;
  config.train.validate_every = 5;
  config.train.patience = 50;
  std::vector<double> scores;
  TrainingSession::start(folder.path(), config, copy_data())
      .run({.validated = [&](const ValidationResult& v) { scores.push_back(v.stop_score); },
            .clock = fake_clock});
  ASSERT_EQ(scores.size(), 10U);
  EXPECT_TRUE(std::isnan(scores[0]) && std::isnan(scores[1]));  // it has not set in
  for (size_t i = 2; i < scores.size(); ++i) EXPECT_GT(scores[i], 0);
  EXPECT_LT(scores.back(), scores[2]);
}

// An infinite cotangent, as often as it is computed, where a chosen update begins its backward pass.
class BadUpdates : public BackwardHook {
 public:
  explicit BadUpdates(std::vector<int64_t> updates) : updates_(std::move(updates)) {}
  void before(Node& node) override {
    if (std::ranges::find(updates_, update) == updates_.end()) return;
    for (int i = 0; i < node.output_count(); ++i) {
      if (node.cotangents[i].defined()) node.cotangents[i] = node.cotangents[i] * static_cast<double>(NAN);
    }
  }
  int64_t update = 1;

 private:
  std::vector<int64_t> updates_;
};

TrainResult train_with_bad_updates(const std::filesystem::path& folder, const RunConfig& config,
                                   std::vector<int64_t> bad, bool resume = false) {
  BadUpdates hook(std::move(bad));
  TrainingSession session = resume ? TrainingSession::resume(folder, config, copy_data())
                                   : TrainingSession::start(folder, config, copy_data());
  return session.run({.ready = [&](const Trainer& trainer) { hook.update = trainer.update() + 1; },
                      .progress = [&](const TrainProgress& p) { hook.update = p.update + 1; },
                      .clock = fake_clock});
}

TEST(BadGradients, TheStateBeforeThemIsSavedAndTheOpIsNamed) {
  RunConfig config = tiny_config();
  config.train.updates = 20;
  const TempDir stopped, whole;
  EXPECT_THAT(
      [&] { train_with_bad_updates(stopped.path(), config, {9}); },
      testing::ThrowsMessage<Error>(testing::AllOf(
          testing::StartsWith("training: the norm of the gradient is nan at update 9; try a lower lr; "
                              "computed again: backward: "),
          HasSubstr(" gave NaN as the gradient of its input "), testing::Not(HasSubstr("recorded by")))));
  config.train.on_bad_gradient = BadGradient::skip;
  EXPECT_EQ(train_with_bad_updates(whole.path(), config, {9}).skipped, 1);
  EXPECT_EQ(train_with_bad_updates(stopped.path(), config, {9}, /*resume=*/true).skipped, 1);
  EXPECT_EQ(read_file(whole.path() / "model.safetensors"), read_file(stopped.path() / "model.safetensors"));
}

TEST(BadGradients, AreSkippedSoOftenAndNoMore) {
  RunConfig config = tiny_config();
  config.train.updates = 20;
  config.train.on_bad_gradient = BadGradient::skip;
  config.train.max_bad_gradients = 2;
  const TempDir folder;
  EXPECT_THAT(
      [&] {
        train_with_bad_updates(folder.path(), config, {3, 8, 15, 17});
      },
      testing::ThrowsMessage<Error>(HasSubstr(
          "the norm of the gradient is nan at update 15, after 2 that were skipped, which is the most")));
  config.train.max_bad_gradients = 4;
  EXPECT_EQ(train_with_bad_updates(folder.path(), config, {3, 8, 15, 17}, /*resume=*/true).skipped, 4);
}

TEST(OtherData, IsRefusedByItsFingerprint) {
  RunConfig config = tiny_config();
  config.train.updates = 2;
  const TempDir folder;
  train(folder.path(), config);
  config.train.updates = 4;
  TokenisedCorpus changed = tokens_of(*copy_data()->train);
  std::swap(changed.target[3], changed.target[4]);
  const auto other = std::make_shared<const TrainingData>(changed, copy_data()->validation);
  EXPECT_THAT(
      [&] { TrainingSession::resume(folder.path(), config, other).run({.clock = fake_clock}); },
      testing::ThrowsMessage<FormatError>(testing::MatchesRegex(
          "resume '.*': was trained on pairs with the fingerprint [0-9a-f]{16}, given are others, with "
          "[0-9a-f]{16}")));
  EXPECT_TRUE(
      TrainingSession::resume(folder.path(), config, copy_data()).run({.clock = fake_clock}).finished);
}

TEST(MetricsLines, HaveNoNumberThatJsonLacks) {
  for (const double value : {1.5, -2e300, 0.0, static_cast<double>(NAN), static_cast<double>(INFINITY),
                             static_cast<double>(-INFINITY), std::numeric_limits<double>::denorm_min()}) {
    const auto json = nlohmann::json::parse("[" + json_number(value) + "]");
    EXPECT_EQ(json[0].is_null(), !std::isfinite(value));
  }
}

// A line that a kill or a full disk cut is not in the way of what comes later.
TEST(MetricsLines, AreWholeAfterAResumeWhateverStoodThere) {
  RunConfig config = tiny_config();
  config.train.updates = 10;
  config.train.log_every = 1;
  const TempDir folder;
  train(folder.path(), config);
  const std::string path = folder / "metrics.jsonl", whole = read_file(path);
  config.train.updates = 12;
  for (const std::string& tail : {std::string("{\"update\":11,\"ep"), std::string(3, '\0'),
                                  std::string("\n\n{\"update\":10,\"loss\":nan}\n"), whole.substr(0, 1)}) {
    write_file_atomically(path, whole + tail);
    TrainingSession::resume(folder.path(), config, copy_data()).run({.clock = fake_clock});
    ++config.train.updates;
    std::istringstream lines(read_file(path));
    int64_t last = 0;
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      ASSERT_TRUE(json.is_object()) << line;
      EXPECT_GE(json["update"].get<int64_t>(), last);
      last = json["update"];
    }
  }
}

}  // namespace
}  // namespace heed::models
