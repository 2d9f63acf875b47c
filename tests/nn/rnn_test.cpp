// The LSTM's layers and directions, against one layer at a time and sentence by sentence.
#include <gtest/gtest.h>

#include <array>

#include "nn/nn.h"
#include "tests/testing/close.h"

namespace heed::nn {
namespace {

std::map<std::string, Tensor> named(const Module& module) {
  const NamedTensors all = module.named_parameters();
  return {all.begin(), all.end()};
}

TEST(LSTM, PaddingDoesNotReachTheResult) {
  const LSTM lstm(3, 4, {.layers = 2, .bidirectional = true});
  const Tensor x = randn({2, 5, 3}), lengths = from_vector<int64_t>({5, 2}, {2});
  const LstmResult batch = lstm(x, lengths);
  const Tensor alone = slice(slice(x, 0, 1, 2), 1, 0, 2).contiguous();
  const LstmResult single = lstm(alone, {});
  EXPECT_TRUE(all_close(slice(slice(batch.output, 0, 1, 2), 1, 0, 2).contiguous(), single.output, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(slice(batch.hidden, 0, 1, 2).contiguous(), single.hidden, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(slice(batch.cell, 0, 1, 2).contiguous(), single.cell, 1e-5, 1e-6));
  EXPECT_EQ(sum(square(slice(slice(batch.output, 0, 1, 2), 1, 2, 5))).item(), 0);
}

TEST(LSTM, BackwardDirectionIsTheForwardOneOnTheReversedSequence) {
  const LSTM lstm(2, 3, {.bidirectional = true});
  auto weights = named(lstm);
  const Tensor x = randn({1, 4, 2});
  std::vector<Tensor> steps;
  for (int64_t t = 3; t >= 0; --t) steps.push_back(slice(x, 1, t, t + 1));
  const LstmResult reversed = heed::lstm(concat(steps, 1), {}, {}, {}, weights.at("layer0_reverse.weight_ih"),
                                         weights.at("layer0_reverse.weight_hh"), weights.at("layer0_reverse.bias"));
  const LstmResult both = lstm(x, {});
  for (int64_t t = 0; t < 4; ++t) {
    const Tensor got = slice(slice(both.output, 1, t, t + 1), 2, 3, 6).contiguous();
    EXPECT_TRUE(all_close(got, slice(reversed.output, 1, 3 - t, 4 - t).contiguous(), 1e-5, 1e-6));
  }
  EXPECT_TRUE(all_close(slice(both.hidden, 1, 3, 6).contiguous(), reversed.hidden, 1e-5, 1e-6));
}

// Two layers of the same size: with residuals the output is the second layer's plus the first's; the states are the second layer's own.
template <class Recurrent, class Options>
void expect_residual_adds_the_input() {
  manual_seed(1);
  const Recurrent plain(3, 4, Options{.layers = 2, .bidirectional = true});
  Recurrent residual(3, 4, Options{.layers = 2, .bidirectional = true, .residual = true}), first(3, 4, Options{.bidirectional = true});
  const auto weights = named(plain);
  residual.load(weights, "plain");
  std::map<std::string, Tensor> of_first;
  for (const auto& [name, value] : weights) {
    if (name.starts_with("layer0")) of_first.emplace(name, value);
  }
  first.load(of_first, "plain");
  const Tensor x = randn({2, 5, 3}), lengths = from_vector<int64_t>({5, 2}, {2});
  EXPECT_TRUE(all_close(residual(x, lengths).output, plain(x, lengths).output + first(x, lengths).output, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(residual(x, lengths).hidden, plain(x, lengths).hidden, 1e-6, 1e-7));
}
TEST(LSTM, ResidualAddsALayersInput) { expect_residual_adds_the_input<LSTM, LSTMOptions>(); }
TEST(GRU, ResidualAddsALayersInput) { expect_residual_adds_the_input<GRU, GRUOptions>(); }

// While training, what the second layer reads is the first one's output after dropout; the last output has none.
template <class Recurrent, class Options>
void expect_dropout_between_layers() {
  manual_seed(2);
  constexpr double kRate = 0.4;
  Recurrent both(3, 4, Options{.layers = 2, .dropout = kRate}), first(3, 4), second(4, 4);
  std::map<std::string, Tensor> of_first, of_second;
  for (const auto& [name, value] : named(both)) {
    if (name.starts_with("layer0")) of_first.emplace(name, value);
    if (name.starts_with("layer1")) of_second.emplace("layer0" + name.substr(6), value);
  }
  first.load(of_first, "first");
  second.load(of_second, "second");
  const Tensor x = randn({2, 5, 3});
  manual_seed(3);
  const Tensor training = both(x, {}).output;
  manual_seed(3);
  EXPECT_TRUE(all_close(training, second(dropout(first(x, {}).output, kRate), {}).output, 1e-5, 1e-6));
  both.train(false);
  const Tensor decoding = both(x, {}).output;
  EXPECT_TRUE(all_close(decoding, second(first(x, {}).output, {}).output, 1e-5, 1e-6));
  EXPECT_FALSE(all_close(decoding, training, 1e-2, 1e-3));
}
TEST(LSTM, DropsOutBetweenLayersWhileTraining) { expect_dropout_between_layers<LSTM, LSTMOptions>(); }
TEST(GRU, DropsOutBetweenLayersWhileTraining) { expect_dropout_between_layers<GRU, GRUOptions>(); }

TEST(LSTM, OneStepByHand) {  // all weights 0.5, x = 1, h = c = 0, forget bias 1
  const Tensor w = full({4, 1}, 0.5), bias = init::lstm_bias(1);
  const LstmResult r = heed::lstm(ones({1, 1, 1}), {}, {}, {}, w, w, bias);
  const double gate = 1 / (1 + std::exp(-0.5)), cell = gate * std::tanh(0.5);
  EXPECT_NEAR(r.cell.item(), cell, 1e-6);
  EXPECT_NEAR(r.hidden.item(), gate * std::tanh(cell), 1e-6);
}

TEST(LSTM, RefusesSizesThatMakeNoSense) {
  EXPECT_THROW(LSTM(0, 3), ValueError);
  EXPECT_THROW(LSTM(2, 3, {.layers = 0}), ValueError);
}

}  // namespace
}  // namespace heed::nn
