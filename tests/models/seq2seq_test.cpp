// The translator's model: fused against step by step, batched against single, attention against none.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/architectures/recurrent/recurrent.h"
#include "models/decoding/search.h"
#include "models/text/vocabulary.h"
#include "tests/models/translation_model.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

std::vector<EncodedPair> pairs() {
  return {{{5, 6, 7, 2}, {4, 5, 6}}, {{8, 2}, {7}}, {{9, 4, 5, 6, 2}, {5, 4, 4, 8, 9}}};
}

std::vector<int64_t> all() { return {0, 1, 2}; }

class FusedKinds : public testing::TestWithParam<const char*> {};

TEST_P(FusedKinds, FusedDecoderEqualsStepByStep) {
  manual_seed(1);
  Seq2Seq model(tiny_model(GetParam()), 12, 11);
  model.train(GetParam() != std::string("local_p"));  // which draws numbers while it trains: fused_test.cpp
  const Batch batch = make_batch(pairs(), all());
  const auto run = [&](bool fused) {
    for (const Tensor& p : model.parameters()) p.zero_grad();
    const Encoded encoded = model.encode(batch.source, batch.source_lengths);
    const Decoder::States states = fused ? model.decoder().run(encoded, batch.target_in, batch.target_lengths)
                                         : model.decoder().run_stepwise(encoded, batch.target_in);
    std::vector<Tensor> results;
    Tensor loss;
    for (int64_t b = 0; b < 3; ++b) {  // only what is not padding is promised to be equal
      const int64_t n = batch.target_lengths.data<int64_t>()[b];
      for (const Tensor& x : {states.hidden, states.context, states.weights}) {  // the last but one are steps
        if (!x.defined()) continue;
        const Tensor part = slice(slice(x, 0, b, b + 1), x.ndim() - 2, 0, n);
        results.push_back(part.detach().contiguous());
        const Tensor term = sum(part * part * part + part);
        loss = loss.defined() ? loss + term : term;
      }
    }
    loss.backward();
    for (const auto& [name, p] : model.named_parameters()) {
      if (p.grad().defined()) results.push_back(p.grad().clone());
    }
    return results;
  };
  const auto fused = run(true), plain = run(false);
  ASSERT_EQ(fused.size(), plain.size());
  for (size_t i = 0; i < fused.size(); ++i) EXPECT_TRUE(all_close(fused[i], plain[i], 1e-4, 1e-5)) << i;
}

INSTANTIATE_TEST_SUITE_P(Attention, FusedKinds,
                         testing::Values("none", "none_state", "additive", "dot", "general", "concat",
                                         "scaled_dot", "multi_head", "location", "local_m", "local_p"));

TEST(Seq2Seq, AttentionCostsLessThanFivePercentOfTheParameters) {
  const RecurrentOptions with{}, without{.attention = "none"};
  const double a = static_cast<double>(Seq2Seq(with, 5000, 6000).parameter_count());
  const double b = static_cast<double>(Seq2Seq(without, 5000, 6000).parameter_count());
  EXPECT_GT(a, b);
  EXPECT_LT(a / b, 1.05);
}

TEST(Seq2Seq, RefusesWhatMakesNoSense) {
  EXPECT_THROW(Seq2Seq({.attention = "magic"}, 10, 10), ValueError);
  EXPECT_ERROR(ValueError, "architecture: 'magic' is not known (recurrent, transformer, convolutional)",
               find_architecture("magic"));
  EXPECT_THROW(make_model(RecurrentOptions{.attention = "location", .coverage = true}, 10, 10), ValueError);
  EXPECT_THROW(make_model(TransformerOptions{.model_size = 10, .heads = 4}, 10, 10), ValueError);
  EXPECT_NO_THROW(
      make_model(RecurrentOptions{.attention = "multi_head", .attention_size = 15, .heads = 3}, 10, 10));
  EXPECT_THROW(make_model(TransformerOptions{.tie = Tie::all}, 10, 11), ValueError);
  EXPECT_THROW(
      make_model(TransformerOptions{.model_size = 12, .heads = 4, .positions = Positions::rotary}, 10, 10),
      ValueError);
  EXPECT_THROW(make_model(ConvolutionalOptions{.tie = Tie::all}, 10, 11), ValueError);
  EXPECT_THROW(make_model(ConvolutionalOptions{.kernel_width = 0}, 10, 10), ValueError);
  EXPECT_THROW(Seq2Seq({.embedding = 8, .readout = 9, .tie = Tie::output}, 10, 10), ValueError);
  EXPECT_THROW(Seq2Seq({.embedding = 8, .readout = 8, .tie = Tie::all}, 10, 11), ValueError);
  EXPECT_THROW(Seq2Seq({.readout = 0}, 10, 10), ValueError);
  EXPECT_THROW(Seq2Seq({.dropout = 1.0}, 10, 10), ValueError);
}

TEST(Seq2Seq, TiedTablesAreOneParameterAndTheProjection) {
  manual_seed(2);
  RecurrentOptions config = tiny_model();
  config.readout = config.embedding;
  const auto count = [&](Tie tie) {
    config.tie = tie;
    return make_model(config, 11, 11)->parameter_count();
  };
  const int64_t none = count(Tie::none), table = 11 * config.embedding;
  EXPECT_EQ(count(Tie::output), none - table - 11);  // no projection, no bias of it
  EXPECT_EQ(count(Tie::all), none - 2 * table - 11);
  // Every row of the table gets a gradient: those that no source or target holds from the projection.
  const Seq2Seq model(config, 11, 11);
  model.loss(make_batch(pairs(), all()), 0.1).backward();
  const auto found = model.named_parameters();
  const auto shared =
      std::ranges::find_if(found, [](const auto& p) { return p.first == "encoder.embedding.weight"; });
  ASSERT_NE(shared, found.end());
  const auto gradient = shared->second.grad().to_vector<float>();
  for (size_t row = 1; row < 11; ++row) {
    float largest = 0;
    for (size_t d = 0; d < 6; ++d) largest = std::max(largest, std::abs(gradient[row * 6 + d]));
    EXPECT_GT(largest, 0) << row;
  }
}

// Past the last learned position nothing is put out, whatever the length limits say.
TEST(Transformer, OutputsEndWhereLearnedPositionsDo) {
  manual_seed(3);
  TransformerOptions config = tiny_transformer();
  config.positions = Positions::learned;
  config.max_positions = 6;
  auto model = make_model(config, 12, 11);
  model->train(false);
  const std::vector<std::vector<int>> sources{{5, 6, 7, 2}};
  for (const int64_t beam : {1, 3}) {
    EXPECT_EQ(
        search_best(*model, sources, {.max_length = 50, .min_length = 50, .beam = beam}).front().ids.size(),
        5U);
  }
  EXPECT_EQ(model->longest_target(), 5);
  EXPECT_THROW(search_best(*model, std::vector<std::vector<int>>{{5, 6, 7, 8, 9, 10, 2}}), IndexError);
}

// The longest first; those of more units than a batch may have come alone.
TEST(Batches, LongSourcesComeInSmallerBatches) {
  std::vector<std::vector<int>> sources;
  for (const size_t length : {3, 50, 4, 0, 12, 4, 20, 7, 11, 2, 1}) sources.emplace_back(length, 5);
  using Batches = std::vector<std::vector<int64_t>>;
  EXPECT_EQ(batches_by_length(sources, 4), (Batches{{1, 6, 4, 8}, {7, 2, 5, 0}, {9, 10, 3}}));
  EXPECT_EQ(batches_by_length(sources, 4, 32), (Batches{{1}, {6}, {4, 8}, {7, 2, 5, 0}, {9, 10, 3}}));
  EXPECT_EQ(batches_by_length(sources, 4, 1),
            (Batches{{1}, {6}, {4}, {8}, {7}, {2}, {5}, {0}, {9}, {10}, {3}}));
  EXPECT_TRUE(batches_by_length({}, 4, 1).empty());
}

TEST(Batches, EveryPairOnceAndTheSameForTheSameEpoch) {
  std::vector<EncodedPair> many;
  for (int i = 0; i < 103; ++i)
    many.push_back({std::vector<int>(static_cast<size_t>(i % 7 + 1), 4),
                    std::vector<int>(static_cast<size_t>(i % 5 + 1), 4)});
  const auto first = epoch_batches(many, 10, 1, 0);
  EXPECT_EQ(first, epoch_batches(many, 10, 1, 0));
  EXPECT_NE(first, epoch_batches(many, 10, 1, 1));
  EXPECT_NE(first, epoch_batches(many, 10, 2, 0));
  std::vector<int> seen(many.size());
  for (const auto& batch : first) {
    EXPECT_LE(batch.size(), 10U);
    for (const int64_t i : batch) ++seen[static_cast<size_t>(i)];
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 103);
}

TEST(Batches, OfTokensHoldNoMoreThanAsked) {
  std::vector<EncodedPair> many;
  for (int i = 0; i < 300; ++i)
    many.push_back({std::vector<int>(static_cast<size_t>(i % 13 + 1), 4),
                    std::vector<int>(static_cast<size_t>(i % 7 + 1), 4)});
  many.push_back({std::vector<int>(90, 4), {4}});  // alone longer than a batch
  std::vector<int> seen(many.size());
  int alone = 0;
  for (const auto& batch : epoch_batches(many, 64, 1, 3, 60)) {
    size_t longest = 0;
    for (const int64_t i : batch) {
      ++seen[static_cast<size_t>(i)];
      longest = std::max({longest, many[static_cast<size_t>(i)].source.size(),
                          many[static_cast<size_t>(i)].target.size() + 1});
    }
    if (longest == 90) ++alone;
    EXPECT_TRUE(longest * batch.size() <= 60 || batch.size() == 1) << longest << " x " << batch.size();
  }
  EXPECT_EQ(alone, 1);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 301);
  EXPECT_EQ(epoch_batches(many, 64, 1, 3, 60), epoch_batches(many, 64, 1, 3, 60));
  // a run's updates are known ahead
  EXPECT_EQ(epoch_batches(many, 64, 1, 3, 60).size(), epoch_batches(many, 64, 1, 4, 60).size());
}

TEST(Batches, PadsAndMarksBothEnds) {
  const Batch batch = make_batch(pairs(), std::vector<int64_t>{1, 0});
  EXPECT_EQ(batch.source.to_vector<int64_t>(), (std::vector<int64_t>{8, 2, 0, 0, 5, 6, 7, 2}));
  EXPECT_EQ(batch.source_lengths.to_vector<int64_t>(), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(batch.target_in.to_vector<int64_t>(), (std::vector<int64_t>{1, 7, 0, 0, 1, 4, 5, 6}));
  EXPECT_EQ(batch.target_out.to_vector<int64_t>(), (std::vector<int64_t>{7, 2, 0, 0, 4, 5, 6, 2}));
}

}  // namespace
}  // namespace heed::models
