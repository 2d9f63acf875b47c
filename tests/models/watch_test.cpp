// The facts of a training, the sizes of its model, and what the watch says of series that go wrong and of
// those that do not.
#include "models/training/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "framework/io/file.h"
#include "models/training/session.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TrainingFacts of_thousand_words() {
  TrainingFacts facts;
  facts.source.vocabulary = facts.target.vocabulary = 1000;  // guessing: 6.908 nats
  return facts;
}

std::vector<Finding> updates(TrainingWatch& watch, int count, const std::function<double(int)>& loss,
                             int64_t skipped = 0) {
  std::vector<Finding> all;
  for (int i = 1; i <= count; ++i) {
    const double value = loss(i);
    for (Finding& f : watch.progress({.update = i, .skipped = skipped, .loss = 99, .update_loss = value}))
      all.push_back(f);
  }
  return all;
}

ValidationResult validation(double loss, double bleu, bool best = false) {
  ValidationResult result;
  result.scores = {{"loss", loss}, {"bleu", bleu}, {"chrf", bleu + 20}};
  result.best = best;
  result.outputs = 100;
  result.distinct_outputs = 90;
  return result;
}

TEST(TrainingWatch, SaysThatMemoryMayNotLast) {
  TrainingFacts facts = of_thousand_words();
  facts.weight_bytes = 3'000'000'000;
  facts.state_bytes = 3 * facts.weight_bytes;
  facts.available_memory = 30'000'000'001;  // 2.5 times what they take
  EXPECT_THAT(TrainingWatch(facts).begin(), IsEmpty());
  facts.available_memory -= 2;
  const std::vector<Finding> found = TrainingWatch(facts).begin();
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found[0].concern, Concern::little_memory);
  EXPECT_THAT(found[0].what, HasSubstr("take 12 GB of the 30 GB of memory"));
}

// Validations one after the other, with updates of the training losses between them.
std::vector<Finding> course(const std::vector<double>& losses, const std::vector<double>& training,
                            size_t best_until = 1) {
  TrainingWatch watch(of_thousand_words());
  std::vector<Finding> all;
  for (size_t i = 0; i < losses.size(); ++i) {
    updates(watch, 10, [&](int) { return training[i]; });
    for (Finding& f : watch.validated(validation(losses[i], 5.0 + static_cast<double>(i), i < best_until)))
      all.push_back(f);
  }
  return all;
}

TEST(TrainingWatch, SaysThatATrainingOverfits) {
  const auto found = course({3.0, 2.8, 2.9, 3.0, 3.1, 3.2}, {4, 3, 2.5, 2, 1.5, 1.2}, 2);
  ASSERT_EQ(found.size(), 1U);  // once
  EXPECT_EQ(found[0].concern, Concern::overfits);
  EXPECT_THAT(found[0].what,
              AllOf(HasSubstr("rose from 2.800 to 3.100"), HasSubstr("fell from 3.000 to 1.500")));
}

TEST(TrainingWatch, IsSilentWhereALossOnlyWavers) {
  EXPECT_THAT(course({3.0, 2.8, 2.9, 2.85, 2.9, 2.95}, {4, 3, 2.5, 2, 1.5, 1.2}, 2),
              IsEmpty());                                                                  // two in a row
  EXPECT_THAT(course({3.0, 2.8, 2.805, 2.81, 2.815}, {4, 3, 2.5, 2, 1.5}, 2), IsEmpty());  // half a per cent
  EXPECT_THAT(course({3.0, 2.8, 2.9, 3.0, 3.1}, {4, 3, 3, 3.2, 3.4}, 2),
              IsEmpty());  // both rise: it diverges
  EXPECT_THAT(course({3.0, 2.8, 2.9, 3.0, 3.1}, {4, 3, 2.5, 2, 1.5}, 5), IsEmpty());  // the score still grows
}

TEST(TrainingWatch, SaysThatATrainingDoesNotMove) {
  TrainingWatch watch(of_thousand_words());
  const auto found = updates(watch, 1000, [](int i) { return 6.9 + 0.05 * std::sin(i); });
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].concern, Concern::does_not_move);
  EXPECT_THAT(found[0].what, HasSubstr("after 300 updates, and guessing has 6.908"));
}

TEST(TrainingWatch, IsSilentWhereItMovesOrWasTrainedBefore) {
  TrainingWatch moves(of_thousand_words());
  EXPECT_THAT(updates(moves, 1000, [](int i) { return 6.9 - 0.002 * i; }), IsEmpty());
  TrainingWatch tuned(of_thousand_words());
  EXPECT_THAT(updates(tuned, 1000, [](int) { return 1.5; }), IsEmpty());
  TrainingWatch shorter(of_thousand_words());
  EXPECT_THAT(updates(shorter, 249, [](int) { return 6.9; }), IsEmpty());
}

TEST(TrainingWatch, SaysThatUpdatesAreLeftOut) {
  TrainingWatch watch(of_thousand_words());
  std::vector<Finding> found;
  for (int i = 1; i <= 200; ++i) {
    for (Finding& f : watch.progress({.update = i, .skipped = i / 10, .update_loss = i < 5 ? NAN : 5.0}))
      found.push_back(f);
  }
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].concern, Concern::bad_updates);
  EXPECT_THAT(found[0].what, HasSubstr("3 of the last 30 updates"));
  TrainingWatch once(of_thousand_words());  // one of the first twenty, and one more
  for (int i = 1; i <= 200; ++i)
    EXPECT_THAT(once.progress({.update = i, .skipped = i < 18 ? 1 : 2, .update_loss = 5.0}), IsEmpty()) << i;
  TrainingWatch rare(of_thousand_words());
  EXPECT_THAT(updates(
                  rare, 200, [](int) { return 5.0; }, /*skipped=*/9),
              IsEmpty());  // before it was resumed
}

TEST(TrainingWatch, SaysThatAScoreTellsNothing) {
  TrainingWatch watch(of_thousand_words());
  std::vector<Finding> found;
  for (const double loss : {3.0, 2.9, 2.8, 2.7}) {
    ValidationResult result = validation(loss, 0.001);
    result.scores["chrf"] = 10 / loss;
    for (Finding& f : watch.validated(result)) found.push_back(f);
  }
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].concern, Concern::no_information);
  EXPECT_EQ(found[0].metric, "bleu");
  EXPECT_THAT(found[0].what, HasSubstr("BLEU tells nothing: it was 0.00 in each of 3 validations"));
  TrainingWatch alive(of_thousand_words());
  for (const double bleu : {0.0, 0.0, 0.3, 0.3, 0.4})
    EXPECT_THAT(alive.validated(validation(3, bleu)), IsEmpty());
}

TEST(TrainingWatch, SaysThatAllTranslationsAreTheSame) {
  for (const int64_t empty : {0, 100}) {
    TrainingWatch watch(of_thousand_words());
    ValidationResult result = validation(3, 1);
    result.distinct_outputs = 1;
    result.empty_outputs = empty;
    result.sample_output = "ein mann";
    EXPECT_THAT(watch.validated(result), IsEmpty());
    result.scores["bleu"] = 2;
    result.scores["chrf"] = 2;
    const auto found = watch.validated(result);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].concern, Concern::one_output);
    EXPECT_THAT(found[0].what, HasSubstr(empty == 0 ? "are the same: 'ein mann'" : "are empty"));
  }
  TrainingWatch single(of_thousand_words());  // of one sentence there is one translation
  ValidationResult one = validation(3, 1);
  one.outputs = one.distinct_outputs = 1;
  single.validated(one);
  one.scores = {{"loss", 3}, {"bleu", 2}, {"chrf", 2}};
  EXPECT_THAT(single.validated(one), IsEmpty());
}

TEST(TrainingWatch, SaysThatManyWordsAreUnknown) {
  TrainingFacts facts = of_thousand_words();
  facts.target.validation_unknown = 0.15;
  EXPECT_THAT(TrainingWatch(facts).begin(), IsEmpty());
  facts.target.validation_unknown = 0.151;
  TrainingWatch watch(facts);
  const auto found = watch.begin();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].concern, Concern::unknown_words);
  EXPECT_THAT(found[0].what, HasSubstr("15.1 % in validation"));
  EXPECT_THAT(watch.begin(), IsEmpty());
}

std::shared_ptr<const TrainingData> pairs() {
  const std::vector<std::vector<std::string>> source{{"a", "b"}, {"a"}, {"c", "a", "a"}, {}},
      target{{"x"}, {"y", "x"}, {"x", "x"}, {"x"}};
  return std::make_shared<const TrainingData>(TokenisedCorpus{source, target},
                                              TokenisedCorpus{{{"a", "q", "r", "b"}}, {{"z", "x"}}});
}

TEST(TrainingFacts, CountWhatATrainingIsAbout) {
  const TempDir folder;
  RunConfig config;
  set_size(config.model, ModelSize::tiny);
  config.train.min_count = 2;
  config.train.batch_size = 2;
  config.train.epochs = 3;
  TrainingSession session = TrainingSession::start(folder.path() / "run", config, pairs());
  double now = 0;
  const TrainResult result = session.run({.clock = [&] { return now += 0.01; }});
  const TrainingFacts& f = result.facts;
  EXPECT_EQ(f.train_pairs, 3);
  EXPECT_EQ(f.skipped_pairs, 1);
  EXPECT_EQ(f.validation_pairs, 1);
  EXPECT_FALSE(f.pieces);
  EXPECT_EQ(f.source.vocabulary, 5);  // a
  EXPECT_EQ(f.source.tokens, 6);
  EXPECT_DOUBLE_EQ(f.source.unknown, 2.0 / 6);  // b, c
  EXPECT_DOUBLE_EQ(f.source.validation_unknown, 3.0 / 4);
  EXPECT_EQ(f.target.tokens, 5);
  EXPECT_DOUBLE_EQ(f.target.unknown, 1.0 / 5);
  EXPECT_DOUBLE_EQ(f.target.validation_unknown, 1.0 / 2);
  EXPECT_EQ(f.updates, 6);
  EXPECT_EQ(f.updates_per_epoch, 2);
  EXPECT_EQ(f.epochs(), 3);
  EXPECT_EQ(f.parameters, result.parameters);
  EXPECT_EQ(f.weight_bytes, 4 * f.parameters);
  // the files have names and counters beside what is large
  const auto bytes = [&](const char* file) {
    return static_cast<int64_t>(std::filesystem::file_size(folder.path() / "run" / file));
  };
  EXPECT_NEAR(bytes("model.safetensors"), f.weight_bytes, 10'000);
  EXPECT_GT(bytes("state.safetensors"), f.state_bytes);
  EXPECT_NEAR(bytes("state.safetensors"), f.state_bytes, 30'000);
  EXPECT_NEAR(f.state_bytes, 3 * f.weight_bytes, 1000);
}

TEST(TrainingFacts, NothingIsUnknownToBytes) {
  const TempDir folder;
  RunConfig config;
  set_size(config.model, ModelSize::tiny);
  config.train.subwords = SubwordKind::bpe;
  config.train.subword_vocabulary = 300;
  config.train.updates = 1;
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i) lines.push_back("some words of a text number " + std::to_string(i));
  const auto data = prepare(config, {lines, lines}, {{"quiz žšć"}, {"новый"}});
  double now = 0;
  const TrainingFacts f = TrainingSession::start(folder.path() / "run", config, data)
                              .run({.clock = [&] { return now += 0.01; }})
                              .facts;
  EXPECT_TRUE(f.pieces);
  EXPECT_EQ(f.source.validation_unknown, 0);
  EXPECT_EQ(f.target.validation_unknown, 0);
}

TEST(ModelSize, GrowsWithThePairsAndMakesEveryArchitecture) {
  EXPECT_EQ(size_for(10'000), ModelSize::tiny);
  EXPECT_EQ(size_for(10'001), ModelSize::small);
  EXPECT_EQ(size_for(30'000), ModelSize::small);
  EXPECT_EQ(size_for(100'000), ModelSize::small);
  EXPECT_EQ(size_for(100'001), ModelSize::base);
  for (const Architecture* architecture : architectures()) {
    int64_t smaller = 0;
    for (const ModelSize size : {ModelSize::tiny, ModelSize::small, ModelSize::base}) {
      ModelConfig config(*architecture);
      set_size(config, size);
      const int64_t parameters = make_model(config, 5000, 5000)->parameter_count();
      EXPECT_GT(parameters, smaller) << architecture->name << ' ' << name_of_choice(size);
      smaller = parameters;
    }
    for (const Dimension& dimension : architecture->dimensions) {
      EXPECT_TRUE(is_dimension(ModelConfig(*architecture), dimension.key));
      EXPECT_LE(dimension.tiny, dimension.small);
      EXPECT_LE(dimension.small, dimension.base);
    }
    EXPECT_FALSE(is_dimension(ModelConfig(*architecture), "dropout"));
  }
}

}  // namespace
}  // namespace heed::models
