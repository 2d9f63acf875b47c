// Every kind of attention on examples small enough to work out by hand; the arithmetic stands beside the
// numbers.
#include <gtest/gtest.h>

#include "nn/nn.h"
#include "tests/testing/close.h"

namespace heed::nn {
namespace {

using Values = std::vector<float>;

// The parameters in the order of their names' announcement, one list of values each.
void set(const Module& module, const std::vector<Values>& values) {
  const NoGradGuard no_grad;
  const NamedTensors named = module.named_parameters();
  ASSERT_EQ(named.size(), values.size());
  for (size_t i = 0; i < named.size(); ++i)
    named[i].second.copy_(from_vector(values[i], named[i].second.shape()));
}

// One sentence of its full length, one query.
Attention::Output attend(const Attention& attention, const Values& query, const Values& keys, int64_t length,
                         const Attention::State& state = {}) {
  const auto E = static_cast<int64_t>(keys.size()) / length;
  const Tensor q = from_vector(query, {1, 1, static_cast<int64_t>(query.size())}),
               k = from_vector(keys, {1, length, E});
  return attention.attend(q, attention.prepare(k, from_vector<int64_t>({length}, {1})), state);
}

testing::AssertionResult holds(const Tensor& x, const std::vector<double>& expected) {
  return all_close(x.to(DType::f64), from_vector(expected, x.shape()), 1e-5, 1e-6);
}

// softmax of (0, x): (1 - sigmoid(x), sigmoid(x))
double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

TEST(AttentionExample, Additive) {
  // q = 1, keys 0 and 2, all weights 1, no bias: e = tanh(1 + 0), tanh(1 + 2).
  const AdditiveAttention attention(1, 1, 1);
  set(attention, {{1}, {1}, {1}, {0}});  // energy, query_proj.weight, key_proj.weight, key_proj.bias
  const auto out = attend(attention, {1}, {0, 2}, 2);
  const double a = sigmoid_of(std::tanh(3.0) - std::tanh(1.0));
  EXPECT_TRUE(holds(out.weights, {1 - a, a}));
  EXPECT_TRUE(holds(out.context, {2 * a}));
}

TEST(AttentionExample, AdditiveWithCoverage) {
  // q = 0, keys 1 and 0, weights 1, w_c = -1. First e = tanh(1), 0, giving a0 and 1 - a0; then e = tanh(1 -
  // a0), tanh(0 - (1 - a0)).
  const AdditiveAttention attention(1, 1, 1, /*with_coverage=*/true);
  set(attention, {{1}, {-1}, {1}, {1}, {0}});  // energy, coverage, then as above
  const auto first = attend(attention, {0}, {1, 0}, 2);
  const double a0 = sigmoid_of(std::tanh(1.0));  // 0.6817
  EXPECT_TRUE(holds(first.weights, {a0, 1 - a0}));
  EXPECT_TRUE(holds(first.state.coverage, {a0, 1 - a0}));
  const auto second = attend(attention, {0}, {1, 0}, 2, first.state);
  // 0.6490: less than 0.6817 for the word already seen
  const double b0 = sigmoid_of(std::tanh(1 - a0) - std::tanh(a0 - 1));
  EXPECT_LT(b0, a0);
  EXPECT_TRUE(holds(second.weights, {b0, 1 - b0}));
  EXPECT_TRUE(holds(second.state.coverage, {a0 + b0, 2 - a0 - b0}));
}

TEST(AttentionExample, Dot) {
  // q = (1, 2), keys (1, 0), (0, 1), (1, 1): e = 1, 2, 3; softmax 0.0900306, 0.2447285, 0.6652410; context
  // (a0 + a2, a1 + a2).
  const DotAttention attention(2, 2);
  const auto out = attend(attention, {1, 2}, {1, 0, 0, 1, 1, 1}, 3);
  EXPECT_TRUE(holds(out.weights, {0.0900306, 0.2447285, 0.6652410}));
  EXPECT_TRUE(holds(out.context, {0.7552715, 0.9099694}));
}

TEST(AttentionExample, DotWithCoverage) {
  // q = 1, keys 1 and 0, w_c = -2. First e = 1, 0, giving a0 and 1 - a0; then e = 1 - 2 a0, -2 (1 - a0).
  const DotAttention attention(1, 1, /*with_coverage=*/true);
  set(attention, {{-2}});
  const auto first = attend(attention, {1}, {1, 0}, 2);
  const double a0 = sigmoid_of(1.0);  // 0.7311
  EXPECT_TRUE(holds(first.weights, {a0, 1 - a0}));
  const auto second = attend(attention, {1}, {1, 0}, 2, first.state);
  const double b0 = sigmoid_of(3 - 4 * a0);  // 0.5189: less than 0.7311 for the word already seen
  EXPECT_LT(b0, a0);
  EXPECT_TRUE(holds(second.weights, {b0, 1 - b0}));
  EXPECT_TRUE(holds(second.context, {b0}));
  EXPECT_TRUE(holds(second.state.coverage, {a0 + b0, 2 - a0 - b0}));
}

TEST(AttentionExample, DotOfDifferentSizes) {
  // q = 2, W_k = (1, -1), keys (1, 0), (0, 1): W_k h = 1, -1, e = 2, -2, the first weight sigmoid(4) =
  // 0.9820138.
  const DotAttention attention(1, 2);
  set(attention, {{1, -1}});
  EXPECT_TRUE(holds(attend(attention, {2}, {1, 0, 0, 1}, 2).weights, {0.9820138, 0.0179862}));
}

TEST(AttentionExample, General) {
  // Q = 4, V = (2 4; 0 2; 0 0; 0 0), so W = V / 2 = (1 2; 0 1; 0 0; 0 0), q = (1, 1, 5, 5): q W = (1, 3).
  // Keys (1, 0), (0, 1): e = 1, 3, the second weight sigmoid(2) = 0.8807971.
  const GeneralAttention attention(4, 2);
  set(attention, {{2, 4, 0, 2, 0, 0, 0, 0}});
  const auto out = attend(attention, {1, 1, 5, 5}, {1, 0, 0, 1}, 2);
  EXPECT_TRUE(holds(out.weights, {0.1192029, 0.8807971}));
  EXPECT_TRUE(holds(out.context, {0.1192029, 0.8807971}));
}

TEST(AttentionExample, Concat) {
  // W = (1, 0.5), v = 2, q = 1, keys 0 and 2: e = 2 tanh(1 + 0), 2 tanh(1 + 1).
  const ConcatAttention attention(1, 1, 1);
  set(attention, {{1, 0.5F}, {2}});  // weight, energy
  const double a = sigmoid_of(2 * std::tanh(2.0) - 2 * std::tanh(1.0));
  const auto out = attend(attention, {1}, {0, 2}, 2);
  EXPECT_TRUE(holds(out.weights, {1 - a, a}));
  EXPECT_TRUE(holds(out.context, {2 * a}));
}

TEST(AttentionExample, ScaledDot) {
  // A = 4, W_q and W_k all 1, W_v = 3, q = 1, keys 0 and 1: e = 0, 4 / sqrt(4) = 2; context 3 x 0.8807971.
  const ScaledDotAttention attention(1, 1, 4);
  set(attention, {{1, 1, 1, 1}, {1, 1, 1, 1}, {3}});
  const auto out = attend(attention, {1}, {0, 1}, 2);
  EXPECT_TRUE(holds(out.weights, {0.1192029, 0.8807971}));
  EXPECT_TRUE(holds(out.context, {2.6423913}));
}

TEST(AttentionExample, MultiHead) {
  // Two heads of size 1: W_q = (1, 2), W_k = (1, -1), W_v = (1, 10), W_o = (1, 1), q = 1, keys 0 and 1.
  // Head 0: e = 0, 1, second weight sigmoid(1) = 0.7310586. Head 1: e = 0, -2, second weight sigmoid(-2) =
  // 0.1192029. Their mean 0.4251308; context 0.7310586 x 1 + 0.1192029 x 10 = 1.9230876.
  const MultiHeadAttention attention(1, 1, 2, 2);
  set(attention, {{1, 2}, {1, -1}, {1, 10}, {1, 1}});
  const auto out = attend(attention, {1}, {0, 1}, 2);
  EXPECT_TRUE(holds(out.head_weights, {0.2689414, 0.7310586, 0.8807971, 0.1192029}));
  EXPECT_TRUE(holds(out.weights, {0.5748692, 0.4251308}));
  EXPECT_TRUE(holds(out.context, {1.9230876}));
}

TEST(AttentionExample, Location) {
  // M = 3, W q = (0, ln 2, ln 4): exp gives 1, 2, 4. Two words share 3, three share 7, a fourth is out of
  // reach.
  const LocationAttention attention(1, 3);
  set(attention, {{0, std::log(2.0F), std::log(4.0F)}});
  EXPECT_TRUE(holds(attend(attention, {1}, {5, 8}, 2).weights, {1 / 3.0, 2 / 3.0}));
  EXPECT_TRUE(holds(attend(attention, {1}, {5, 8}, 2).context, {7}));  // 5 / 3 + 16 / 3
  EXPECT_TRUE(holds(attend(attention, {1}, {5, 8, 0, 9}, 4).weights, {1 / 7.0, 2 / 7.0, 4 / 7.0, 0}));
}

TEST(AttentionExample, LocalPredictive) {
  // v = 0: p = 4 sigmoid(0) = 2. W = 0: equal scores. D = 1: the window holds positions 1, 2, 3, a third
  // each; sigma = 1/2, so exp(-1 / (2/4)) = exp(-2) one step away.
  LocalPredictiveAttention narrow(1, 1, 1, /*window=*/1);
  narrow.train(false);
  set(narrow, {{0}, {0}, {1}});  // position, scaled_key_proj.weight, position_proj.weight
  const double third = 1 / 3.0, far = std::exp(-2.0) / 3;
  EXPECT_TRUE(holds(attend(narrow, {1}, {1, 2, 3, 4}, 4).weights, {0, far, third, far}));
  // D = 2: positions 0 to 3, a quarter each; sigma = 1, so exp(-1/2) one step away and exp(-2) two steps
  // away.
  LocalPredictiveAttention wide(1, 1, 1, /*window=*/2);
  wide.train(false);
  set(wide, {{0}, {0}, {1}});
  const double one = std::exp(-0.5) / 4, two = std::exp(-2.0) / 4;
  EXPECT_TRUE(holds(attend(wide, {1}, {1, 2, 3, 4}, 4).weights, {two, one, 0.25, one}));
  // v = 2, W_p = 1, q = 1: p = 4 sigmoid(2 tanh(1)) = 4 x 0.8210 = 3.284, window 2.284 to 4.284: position 3
  // alone.
  set(narrow, {{2}, {0}, {1}});
  const double p = 4 * sigmoid_of(2 * std::tanh(1.0));
  EXPECT_TRUE(
      holds(attend(narrow, {1}, {1, 2, 3, 4}, 4).weights, {0, 0, 0, std::exp(-2 * (3 - p) * (3 - p))}));
  // While training the window is open: with v = 0 again, a quarter each, under the Gaussian around 2 or,
  // drawn, without it.
  narrow.train(true);
  set(narrow, {{0}, {0}, {1}});
  bool seen[2] = {};
  for (int seed = 0; seed < 16; ++seed) {
    manual_seed(seed);
    const Tensor weights = attend(narrow, {1}, {1, 2, 3, 4}, 4).weights;
    const bool with_gaussian =
        holds(weights, {std::exp(-8.0) / 4, std::exp(-2.0) / 4, 0.25, std::exp(-2.0) / 4});
    EXPECT_TRUE(with_gaussian || holds(weights, {0.25, 0.25, 0.25, 0.25}));
    seen[with_gaussian ? 1 : 0] = true;
  }
  EXPECT_TRUE(seen[0] && seen[1]);
}

TEST(AttentionExample, LocalMonotonic) {
  // W = 0: equal scores over the window, which is 1 to each side of word 0, 1, 3 and, beyond the source's
  // end, 3 again.
  const LocalMonotonicAttention attention(1, 1, /*window=*/1);
  set(attention, {{0}});
  const auto at = [&](int64_t step) { return attend(attention, {1}, {1, 2, 3, 4}, 4, {{}, step}).weights; };
  EXPECT_TRUE(holds(at(0), {0.5, 0.5, 0, 0}));
  EXPECT_TRUE(holds(at(1), {1 / 3.0, 1 / 3.0, 1 / 3.0, 0}));
  EXPECT_TRUE(holds(at(3), {0, 0, 0.5, 0.5}));
  EXPECT_TRUE(holds(at(9), {0, 0, 0.5, 0.5}));
}

TEST(AttentionExample, CoverageLoss) {
  // a_0 = (0.75, 0.25), a_1 = (0.5, 0.5). Nothing is covered at first: 0. Then c = a_0: min(0.5, 0.75) +
  // min(0.5, 0.25) = 0.75.
  const Tensor weights = from_vector<float>({0.75F, 0.25F, 0.5F, 0.5F}, {1, 2, 2});
  EXPECT_TRUE(holds(coverage_loss(weights), {0, 0.75}));
  // With (0.25, 0) covered before: 0.25 + 0; then c = (1, 0.25): 0.5 + 0.25.
  EXPECT_TRUE(holds(coverage_loss(weights, from_vector<float>({0.25F, 0}, {1, 2})), {0.25, 0.75}));
  EXPECT_THROW(coverage_loss(weights, zeros({1, 3})), ShapeError);
}

}  // namespace
}  // namespace heed::nn
