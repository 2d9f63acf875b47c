// Transformer layers: gradients in f64, masks, caches against whole sequences, layer normalisation.
#include "nn/transformer.h"

#include <gtest/gtest.h>

#include "framework/core/memory_pool.h"
#include "nn/attention/dot.h"
#include "nn/attention/multi_head.h"
#include "tests/testing/close.h"
#include "tests/testing/parameters.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

Tensor ids(const std::vector<int64_t>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}

// Gradients of f over `inputs` and all parameters of the module, first order: the fused attention has no
// second.
template <class F>
void expect_gradients(const Module& module, std::vector<Tensor> inputs, const F& f) {
  const size_t count = inputs.size();
  for (const Tensor& value : randomise_parameters(module, 0.5)) inputs.push_back(value);
  const GradcheckResult result = gradcheck(
      [&](const std::vector<Tensor>& x) {
        substitute_parameters(module, {x.begin() + static_cast<std::ptrdiff_t>(count), x.end()});
        return f(x);
      },
      inputs, {.order = 1});
  EXPECT_TRUE(result) << result.message;
}

TransformerOptions options(bool pre_norm) {
  return {.size = 6, .feed_forward = 5, .heads = 2, .dropout = 0.0, .pre_norm = pre_norm};
}

TEST(LayerNormModule, MeanZeroVarianceOneByHand) {
  // (1, 2, 6): mean 3, var ((-2)^2 + (-1)^2 + 3^2) / 3 = 14/3.
  LayerNorm norm(3, 0.0);
  const auto y = norm(from_vector(std::vector<float>{1, 2, 6}, {1, 3})).detach().to_vector<float>();
  const double s = std::sqrt(14.0 / 3);
  EXPECT_NEAR(y[0], -2 / s, 1e-6);
  EXPECT_NEAR(y[1], -1 / s, 1e-6);
  EXPECT_NEAR(y[2], 3 / s, 1e-6);
}

TEST(TransformerLayers, EncoderGradients) {
  manual_seed(1);
  for (const bool pre : {true, false}) {
    const TransformerEncoderLayer layer(options(pre));
    expect_gradients(layer, {randn({2, 4, 6}, DType::f64)}, [&](const auto& x) {
      return std::vector{layer(x[0], ids({4, 2}))};
    });
  }
}

TEST(TransformerLayers, DecoderGradients) {
  manual_seed(2);
  for (const bool pre : {true, false}) {
    const TransformerDecoderLayer layer(options(pre));
    expect_gradients(layer, {randn({2, 3, 6}, DType::f64), randn({2, 4, 6}, DType::f64)}, [&](const auto& x) {
      const auto out = layer(x[0], layer.prepare(x[1]), ids({3, 4}));
      return std::vector{out.output, out.self_weights, out.cross_weights};
    });
  }
}

TEST(TransformerLayers, RotaryGradientsAndCache) {
  manual_seed(8);
  TransformerOptions turned = options(true);
  turned.size = 8;
  turned.rotary = true;
  const TransformerDecoderLayer layer(turned);
  expect_gradients(layer, {randn({2, 3, 8}, DType::f64), randn({2, 4, 8}, DType::f64)}, [&](const auto& x) {
    const auto out = layer(x[0], layer.prepare(x[1]), ids({3, 4}));
    return std::vector{out.output, out.self_weights};
  });
  const SelfAttention attention(8, 2, /*causal=*/true, /*rotary=*/true);
  const Tensor x = randn({2, 5, 8});
  const auto whole = attention(x, {});
  KeyValuePool pool;
  DecodingHistory history;
  for (int64_t t = 0; t < 5; ++t) {
    history.advance(2);
    EXPECT_TRUE(all_close(attention.step(select(x, 1, t), pool, history).output,
                          select(whole.output, 1, t).contiguous(), 1e-4, 1e-5))
        << t;
  }
  EXPECT_THROW(SelfAttention(6, 2, true, true), ValueError);
}

// The same three vectors two places later give the same weights among themselves: only distances count (Su et
// al. 2021, eq. 16), which plain self-attention without positions cannot tell from any order.
TEST(TransformerLayers, RotaryWeightsDependOnDistancesAlone) {
  manual_seed(9);
  const SelfAttention attention(8, 2, /*causal=*/false, /*rotary=*/true), plain(8, 2, /*causal=*/false);
  const Tensor x = randn({1, 1, 8}), y = randn({1, 1, 8}), z = randn({1, 1, 8});
  // log weights of the first query, relative to its own
  const auto row = [](const SelfAttention& a, const std::vector<Tensor>& parts) {
    const Tensor w = log(select(select(a(concat(parts, 1), {}).weights, 1, 0), 1, 0));
    return (w - slice(w, 1, 0, 1)).detach().to_vector<float>();
  };
  const auto near = row(attention, {x, y, z}), far = row(attention, {x, z, y});
  EXPECT_GT(std::abs(near[1] - far[2]), 1e-4);  // y at distance 1 and at distance 2
  EXPECT_NEAR(row(plain, {x, y, z})[1], row(plain, {x, z, y})[2], 1e-5);
  // x at position 2
  const Tensor shifted =
      select(select(attention(concat(std::vector{z, y, x, y, z}, 1), {}).weights, 1, 0), 1, 2);
  const auto moved = log(shifted).detach().to_vector<float>();
  EXPECT_NEAR(moved[3] - moved[2], near[1], 1e-4);
  EXPECT_NEAR(moved[4] - moved[2], near[2], 1e-4);
}

// Without weights long sequences take the op that does not store them: the same results in less memory.
TEST(TransformerLayers, WithoutWeightsLongSequencesStoreNoScores) {
  manual_seed(13);
  const auto peak = [](const auto& f) {
    reset_peak_memory();
    const int64_t before = memory_stats().active_bytes;
    f();
    return memory_stats().peak_bytes - before;
  };
  {
    const NoGradGuard no_grad;
    const TransformerEncoderLayer layer(options(true));
    const Tensor x = randn({1, 4096, 6});
    Tensor weights, y;
    EXPECT_LT(peak([&] { y = layer(x, ids({4000})); }), int64_t{4096} * 4096);
    EXPECT_TRUE(all_close(y, layer(x, ids({4000}), &weights), 1e-5, 1e-5));
    EXPECT_EQ(weights.shape(), (Shape{1, 2, 4096, 4096}));
  }
  const TransformerDecoderLayer layer(options(true));
  const Tensor x = randn({1, 1024, 6}).set_requires_grad(true), source = randn({1, 3, 6});
  const auto run = [&](bool with_weights) {
    const auto seen = layer(x, layer.prepare(source), {}, {}, with_weights);
    EXPECT_EQ(seen.self_weights.defined(), with_weights);
    EXPECT_EQ(seen.cross_weights.defined(), with_weights);
    return std::pair{seen.output.detach(), grad({sum(square(seen.output))}, {x})[0]};
  };
  std::pair<Tensor, Tensor> with, without;
  EXPECT_LT(peak([&] { without = run(false); }), int64_t{1024} * 1024 * 2);
  with = run(true);
  EXPECT_TRUE(all_close(without.first, with.first, 1e-5, 1e-5));
  EXPECT_TRUE(all_close(without.second, with.second, 1e-4, 1e-4));
}

TEST(TransformerLayers, SelfAttentionByHand) {
  // One head of size 1, W_q = W_k = 1, W_v = 2, W_o = 1, no biases: with x = (0, ln 3) the second row scores
  // (0, (ln 3)^2).
  SelfAttention attention(1, 1, /*causal=*/true);
  substitute_parameters(attention, {from_vector(std::vector<double>{1, 1, 2}, {3, 1}), zeros({3}, DType::f64),
                                    ones({1, 1}, DType::f64), zeros({1}, DType::f64)});
  const double l = std::log(3.0), e = std::exp(l * l);
  const auto out = attention(from_vector(std::vector<double>{0, l}, {1, 2, 1}), {});
  const auto weights = out.weights.detach().to_vector<double>(), y = out.output.detach().to_vector<double>();
  EXPECT_DOUBLE_EQ(weights[0], 1);
  EXPECT_DOUBLE_EQ(weights[1], 0);  // the future
  EXPECT_NEAR(weights[2], 1 / (1 + e), 1e-12);
  EXPECT_NEAR(weights[3], e / (1 + e), 1e-12);
  EXPECT_NEAR(y[0], 0, 1e-12);
  EXPECT_NEAR(y[1], 2 * l * e / (1 + e), 1e-12);
}

TEST(TransformerLayers, TheFutureDoesNotReachThePast) {
  manual_seed(3);
  const NoGradGuard no_grad;
  const TransformerDecoderLayer layer(options(true));
  const Tensor memory = randn({1, 4, 6}), lengths = ids({4});
  const Tensor x = randn({1, 5, 6}), changed = x.clone();
  slice(changed, 1, 3, 5).fill_(7);
  const auto a = layer(x, layer.prepare(memory), lengths), b = layer(changed, layer.prepare(memory), lengths);
  EXPECT_EQ(slice(a.output, 1, 0, 3).contiguous().to_vector<float>(),
            slice(b.output, 1, 0, 3).contiguous().to_vector<float>());
  EXPECT_NE(slice(a.output, 1, 3, 5).contiguous().to_vector<float>(),
            slice(b.output, 1, 3, 5).contiguous().to_vector<float>());
}

TEST(TransformerLayers, PaddingDoesNotReachTheSentence) {
  manual_seed(4);
  const NoGradGuard no_grad;
  const TransformerEncoderLayer layer(options(true));
  const Tensor x = randn({1, 3, 6}), padded = concat(std::array{x, randn({1, 2, 6})}, 1);
  Tensor weights;
  const Tensor alone = layer(x, ids({3})), together = layer(padded, ids({3}), &weights);
  EXPECT_TRUE(all_close(slice(together, 1, 0, 3).contiguous(), alone, 1e-6, 1e-6));
  EXPECT_EQ(weights.shape(), (Shape{1, 2, 5, 5}));
}

// Hypotheses that end, branch and change places, as in a beam: each step equals that of the whole sequence.
TEST(TransformerLayers, StepsWithPoolsEqualTheWholeSequence) {
  manual_seed(5);
  const NoGradGuard no_grad;
  for (const bool pre : {true, false}) {
    const TransformerDecoderLayer layer(options(pre));
    const int64_t S = 4;
    const std::vector<int64_t> source_lengths{4, 2};
    const Tensor source = randn({2, S, 6});
    const KeyValue memory = layer.prepare(source);
    const KeyValue rows{reshape(memory.key, {2 * S, 6}), reshape(memory.value, {2 * S, 6})};
    KeyValuePool pool;
    DecodingHistory history;
    std::vector<std::vector<Tensor>> inputs(2);  // of each hypothesis, so far
    std::vector<int64_t> source_of{0, 1};
    // which hypotheses go on behind each step
    const std::vector<std::vector<int64_t>> kept{{0, 0, 1}, {2, 1, 1, 0}, {3, 0}, {1, 1, 1}, {2}, {0}};
    for (const std::vector<int64_t>& next : kept) {
      std::vector<Tensor> x;
      std::vector<int64_t> lengths, index;
      for (size_t b = 0; b < inputs.size(); ++b) {
        x.push_back(randn({1, 6}));
        inputs[b].push_back(x.back());
        lengths.push_back(source_lengths[static_cast<size_t>(source_of[b])]);
        for (int64_t s = 0; s < S; ++s) index.push_back(source_of[b] * S + s);
      }
      const auto B = static_cast<int64_t>(inputs.size());
      history.advance(B);
      const auto step = layer.step(concat(x, 0), pool, history, rows, from_vector(index, {B, S}),
                                   from_vector(lengths, {B}));
      for (size_t b = 0; b < inputs.size(); ++b) {
        const Tensor alone = unsqueeze(concat(inputs[b], 0), 0);
        const int64_t r = source_of[b], last = alone.size(1) - 1;
        const auto whole = layer(alone, layer.prepare(slice(source, 0, r, r + 1)), ids({lengths[b]}));
        const auto at = static_cast<int64_t>(b);
        EXPECT_TRUE(all_close(select(step.output, 0, at).contiguous(),
                              select(select(whole.output, 0, 0), 0, last).contiguous(), 1e-5, 1e-6));
        EXPECT_TRUE(all_close(select(step.self_weights, 0, at).contiguous(),
                              select(select(whole.self_weights, 0, 0), 1, last).contiguous(), 1e-5, 1e-6));
        EXPECT_TRUE(all_close(select(step.cross_weights, 0, at).contiguous(),
                              select(select(whole.cross_weights, 0, 0), 1, last).contiguous(), 1e-5, 1e-6));
      }
      history.select(next);
      std::vector<std::vector<Tensor>> chosen;
      std::vector<int64_t> sources;
      for (const int64_t b : next) {
        chosen.push_back(inputs[static_cast<size_t>(b)]);
        sources.push_back(source_of[static_cast<size_t>(b)]);
      }
      inputs = chosen;
      source_of = sources;
    }
  }
}

TEST(TransformerLayers, RefuseHeadsThatDoNotDivide) {
  EXPECT_ERROR(ValueError, "attention: 4 heads do not divide a size of 6", SelfAttention(6, 4, true));
  EXPECT_ERROR(ValueError, "attention: 0 heads do not divide a size of 6", CrossAttention(6, 0));
}

// true where key s may be seen by query t: s < length[b] (and s <= t).
Tensor seen(const std::vector<int64_t>& lengths, int64_t T, int64_t S, bool causal) {
  std::vector<bool> mask;
  for (const int64_t length : lengths) {
    for (int64_t t = 0; t < T; ++t) {
      for (int64_t s = 0; s < S; ++s) mask.push_back(s < length && (!causal || s <= t));
    }
  }
  return from_vector(mask, {static_cast<int64_t>(lengths.size()), T, S});
}

TEST(Attention, AMaskHidesWhatLengthsAndCausalityHide) {
  manual_seed(31);
  const Tensor x = randn({2, 4, 8}), lengths = from_vector<int64_t>({4, 2}, {2});
  SelfAttention free(8, 2, /*causal=*/false), causal(8, 2, /*causal=*/true);
  const NamedTensors state = free.state_dict();
  causal.load({state.begin(), state.end()}, "free");
  EXPECT_TRUE(all_close(free(x, {}, seen({4, 2}, 4, 4, false)).output, free(x, lengths).output, 0, 0));
  EXPECT_TRUE(all_close(free(x, {}, seen({4, 4}, 4, 4, true)).output, causal(x, {}).output, 1e-6, 1e-6));
  const CrossAttention cross(8, 2);
  const KeyValue memory = cross.prepare(x);
  const Tensor query = randn({2, 3, 8});
  EXPECT_TRUE(all_close(cross(query, memory, {}, seen({4, 2}, 3, 4, false)).output,
                        cross(query, memory, lengths).output, 0, 0));
  const TransformerEncoderLayer layer({.size = 8, .feed_forward = 16, .heads = 2, .dropout = 0});
  EXPECT_TRUE(all_close(layer(x, {}, nullptr, seen({4, 2}, 4, 4, false)), layer(x, lengths), 0, 0));
  const MultiHeadAttention several(8, 8, 8, 2);
  Attention::Memory hidden = several.prepare(x, from_vector<int64_t>({4, 4}, {2}));
  hidden.mask = seen({4, 2}, 3, 4, false);
  EXPECT_TRUE(all_close(several.attend(query, hidden).context,
                        several.attend(query, several.prepare(x, lengths)).context, 0, 0));
  const DotAttention dot(8, 8);
  hidden = dot.prepare(x, from_vector<int64_t>({4, 4}, {2}));
  hidden.mask = zeros({2, 1, 4});
  EXPECT_ERROR(ValueError, "attention: a mask of this kind is bool, got f32[2, 1, 4]",
               dot.attend(query, hidden));
}

TEST(Attention, SeveralHeadsHaveGradientsOfSecondOrder) {
  const SelfAttention attention(4, 2, /*causal=*/true);
  std::vector<Tensor> inputs = {randn({2, 3, 4}, DType::f64), randn({2, 3, 3}, DType::f64)};
  for (const Tensor& p : randomise_parameters(attention, 0.7)) inputs.push_back(p);
  const auto f = [&](const std::vector<Tensor>& x) {
    substitute_parameters(attention, {x.begin() + 2, x.end()});
    const SelfAttention::Output r = attention(x[0], from_vector<int64_t>({3, 2}, {2}), x[1]);
    return std::vector{r.output, r.weights};
  };
  const GradcheckResult result = gradcheck(f, inputs, {.order = 2});
  EXPECT_TRUE(result) << result.message;
}

}  // namespace
}  // namespace heed::nn
