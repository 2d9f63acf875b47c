// Which of a model's maps word alignments are read off, and the choice of it by the agreement of two
// directions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "framework/core/error.h"
#include "models/architectures/recurrent/options.h"
#include "models/evaluation/alignment.h"
#include "models/run/attention_choice.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

using testing::ElementsAre;

// A record of so many words a side, and end marks; each map looks where `at` says.
Translation record_with(size_t target, size_t source, const std::vector<std::vector<size_t>>& at) {
  Translation record;
  const auto side = [](TranslationSide& one, size_t words) {
    for (size_t i = 0; i < words; ++i) one.tokens.push_back({"w" + std::to_string(i), {}});
    one.tokens.push_back({"</s>", {}, true});
  };
  side(record.source, source);
  side(record.target, target);
  for (size_t m = 0; m < at.size(); ++m) {
    AttentionWeights map{static_cast<int>(m / 2), static_cast<int>(m % 2),
                         std::vector(target + 1, std::vector<float>(source + 1, 0.01F))};
    for (size_t t = 0; t <= target; ++t) map.weights[t][at[m][t]] = 0.9F;
    record.attention.push_back(map);
  }
  return record;
}

TEST(AttentionChoices, AreMeansLayersAndHeadsOfBothSteps) {
  const Translation one = record_with(1, 1, {{0, 1}});
  EXPECT_THAT(attention_choices(one), ElementsAre(AttentionChoice{}, AttentionChoice{.after = true}));
  const Translation four = record_with(1, 1, {{0, 1}, {0, 1}, {0, 1}, {0, 1}});
  const auto choices = attention_choices(four);
  EXPECT_EQ(choices.size(), 14U);
  EXPECT_EQ(choices[1], (AttentionChoice{.layer = 0}));
  EXPECT_EQ(choices[6], (AttentionChoice{.layer = 1, .head = 1}));
  EXPECT_EQ(choices[13], (AttentionChoice{.layer = 1, .head = 1, .after = true}));
  EXPECT_EQ(name_of(choices[0]), "mean of all maps");
  EXPECT_EQ(name_of(choices[1]), "layer 0, mean of its heads");
  EXPECT_EQ(name_of(choices[13]), "layer 1, head 1, read one step later");
}

TEST(AttentionChoices, WeightsAreThoseOfTheMap) {
  const Translation record = record_with(2, 2, {{0, 1, 2}, {1, 0, 2}});
  EXPECT_THAT(attention_links(record, {.layer = 0, .head = 1}),
              ElementsAre(AlignmentLink{1, 0}, AlignmentLink{0, 1}));
  EXPECT_THAT(attention_links(record, {.layer = 0, .head = 0}),
              ElementsAre(AlignmentLink{0, 0}, AlignmentLink{1, 1}));
  // one step later: word 0 has the row of word 1, word 1 that of the end mark, where all words are equal
  const auto later = chosen_weights(record, {.layer = 0, .head = 0, .after = true});
  EXPECT_FLOAT_EQ(later[0][1], 0.9F);
  EXPECT_FLOAT_EQ(later[1][2], 0.9F);
  EXPECT_EQ(later[2], later[1]);
  EXPECT_FLOAT_EQ(chosen_weights(record, {})[0][0], 0.455F);
  EXPECT_ERROR(ValueError, "attention: a record has no map 'layer 3, head 0'",
               chosen_weights(record, {.layer = 3, .head = 0}));
}

// Of a word of several pieces: each piece's row is that of the piece after, then the mean, the columns
// summed.
TEST(AttentionChoices, PiecesAreShiftedBeforeTheyAreWords) {
  Translation record = record_with(1, 1, {{0, 1}});
  record.pieces.emplace();
  record.pieces->source = {{"a", 0}, {"b", 0}, {"</s>", 1}};
  record.pieces->target = {{"x", 0}, {"y", 0}, {"</s>", 1}};
  record.pieces->attention = {{0, 0, {{0.1F, 0.2F, 0.7F}, {0.3F, 0.3F, 0.4F}, {0.5F, 0.4F, 0.1F}}}};
  const auto weights = chosen_weights(record, {.after = true});
  EXPECT_NEAR(weights[0][0], (0.6 + 0.9) / 2, 1e-6);
  EXPECT_NEAR(weights[0][1], (0.4 + 0.1) / 2, 1e-6);
}

// One head of each direction is the other's, read one step later there; all others say something else.
TEST(AttentionChoices, TheDirectionsChooseWhatTheyAgreeOn) {
  std::vector<Translation> forward, backward;
  for (int i = 0; i < 3; ++i) {
    forward.push_back(record_with(3, 3, {{0, 0, 0, 3}, {1, 1, 1, 3}, {2, 0, 1, 3}, {0, 1, 0, 3}}));
    // word s of the source is word t of the target where forward's third map has it: 0-1, 1-2, 2-0
    backward.push_back(record_with(3, 3, {{0, 0, 0, 3}, {3, 1, 2, 0}}));
  }
  const AgreedChoice agreed = choose_attention(forward, backward);
  EXPECT_EQ(agreed.forward, (AttentionChoice{.layer = 1, .head = 0}));
  EXPECT_EQ(agreed.backward, (AttentionChoice{.layer = 0, .head = 1, .after = true}));
  EXPECT_DOUBLE_EQ(agreed.agreement, 1);
  EXPECT_LT(agreed.usual, 1);
  EXPECT_ERROR(ValueError, "attention: 3 records forward, 2 backward",
               choose_attention(forward, std::span(backward).first(2)));
  forward[0].attention.clear();
  EXPECT_EQ(choose_attention(forward, backward).forward, agreed.forward);
  const std::vector<Translation> none(1);
  EXPECT_ERROR(ValueError, "attention: no pair of records has any", choose_attention(none, none));
}

// Each direction hesitates where the other does not.
TEST(AttentionChoices, TheProductOfBothDirectionsDecides) {
  Translation forward = record_with(2, 2, {{0, 0, 2}}), backward = record_with(2, 2, {{0, 1, 2}});
  forward.attention[0].weights = {{0.5F, 0.5F, 0}, {0.4F, 0.6F, 0}, {0, 0, 1}};
  backward.attention[0].weights = {{0.9F, 0.1F, 0}, {0.2F, 0.8F, 0}, {0, 0, 1}};
  EXPECT_THAT(joint_links(forward, backward), ElementsAre(AlignmentLink{0, 0}, AlignmentLink{1, 1}));
  backward.attention[0].weights = {{0.1F, 0.9F, 0}, {0.8F, 0.2F, 0}, {0, 0, 1}};
  EXPECT_THAT(joint_links(forward, backward), ElementsAre(AlignmentLink{0, 1}, AlignmentLink{1, 0}));
  EXPECT_TRUE(joint_links(forward, Translation()).empty());
  EXPECT_ERROR(ValueError, "align: pair 1 has 2 and 2 words in one direction, 2 and 3 in the other",
               joint_links(forward, record_with(2, 3, {{0, 1, 2}})));
}

TEST(AttentionChoices, AreKeptForTheseWeights) {
  const TempDir run;
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(run.path() / name) << text;
  };
  write("config.toml", "x");
  write("model.safetensors", "weights");
  EXPECT_EQ(read_attention_choice(run.path()), std::nullopt);
  write_attention_choice(run.path(), {{.layer = 1, .head = 2, .after = true}, "back", 0.75, 10});
  const auto kept = read_attention_choice(run.path());
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->choice, (AttentionChoice{.layer = 1, .head = 2, .after = true}));
  EXPECT_EQ(kept->reverse, "back");
  EXPECT_EQ(kept->agreement, 0.75);
  write("model.safetensors", "others");
  EXPECT_EQ(read_attention_choice(run.path()), std::nullopt);
  const std::string wrong =
      "'" + (run.path() / "attention.json").string() + "' is not the choice of a run's attention";
  for (
      const char* text :
      {"", "[]", "{}", R"({"format":"heed.attention-choice","layer":-1,"head":2})",
       R"({"format":"heed.attention-choice","run":"x","layer":-1,"head":2,"after":false,"reverse":"","agreement":0.5,"sentences":1})"}) {
    write("attention.json", text);
    EXPECT_ERROR(FormatError, wrong, read_attention_choice(run.path()));
  }
  write(
      "attention.json",
      R"({"format":"heed.attention-choice","run":"x","layer":1.5,"head":true,"after":false,"reverse":"","agreement":0.5,"sentences":1})");
  EXPECT_ERROR(FormatError, wrong, read_attention_choice(run.path()));
}

TEST(AttentionChoices, MustBeOfTheModel) {
  const TempDir run;
  RunConfig config;
  config.model = RecurrentOptions{
      .embedding = 8, .encoder_hidden = 8, .decoder_hidden = 8, .readout = 8, .attention_size = 8};
  const auto model = make_model(config.model, 9, 9);
  std::ofstream(run.path() / "config.toml") << "x";
  std::ofstream(run.path() / "model.safetensors") << "weights";
  EXPECT_EQ(usual_attention(run.path(), config, *model), AttentionChoice{});
  write_attention_choice(run.path(), {{.layer = 0, .head = 0}, "back", 0.75, 10});
  EXPECT_EQ(usual_attention(run.path(), config, *model), (AttentionChoice{.layer = 0, .head = 0}));
  write_attention_choice(run.path(), {{.layer = 9, .head = 3}, "back", 0.75, 10});
  EXPECT_ERROR(FormatError,
               "'" + (run.path() / "attention.json").string() + "': the model has no layer 9, head 3",
               usual_attention(run.path(), config, *model));
}

}  // namespace
}  // namespace heed::models
