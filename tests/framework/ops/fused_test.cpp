// Fused ops against the same built from public ops: outputs and every gradient, in f64 to rounding.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "framework/framework.h"
#include "tests/framework/recurrent_reference.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

// Outputs whose bit is clear in `used` get no cotangent, as when a model reads only one of them.
void expect_equal(const Function& fused, const Function& composed, std::vector<Tensor> inputs,
                  unsigned used = ~0U, double tolerance = 1e-12) {
  for (Tensor& x : inputs) {
    if (is_floating(x.dtype())) x = x.clone().set_requires_grad(true);
  }
  std::vector<std::vector<Tensor>> results;
  for (const Function& f : {fused, composed}) {
    const std::vector<Tensor> outputs = f(inputs);
    std::vector<Tensor> roots, cotangents, wanted, found;
    for (size_t i = 0; i < outputs.size(); ++i) {
      found.push_back(outputs[i].detach());
      if (!(used >> i & 1U)) continue;
      Tensor w = empty(outputs[i].shape(), outputs[i].dtype());
      for (int64_t k = 0; k < w.numel(); ++k)
        slice(reshape(w, {-1}), 0, k, k + 1)
            .fill_(0.5 + std::cos(1.7 * static_cast<double>(k) + static_cast<double>(i)));
      roots.push_back(outputs[i]);
      cotangents.push_back(w);
    }
    for (const Tensor& x : inputs) {
      if (x.requires_grad()) wanted.push_back(x);
    }
    for (const Tensor& g : grad(roots, wanted, cotangents, {.allow_unused = true})) {
      found.push_back(g.defined() ? g : zeros({}, DType::f64));
    }
    results.push_back(std::move(found));
  }
  ASSERT_EQ(results[0].size(), results[1].size());
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(all_close(results[0][i], results[1][i], tolerance, tolerance))
        << "result " << i << ", outputs used " << (used & 7U);
  }
}

Tensor lengths_of(std::vector<int64_t> lengths) {
  const auto n = static_cast<int64_t>(lengths.size());
  return from_vector(lengths, {n});
}

std::vector<Tensor> lstm_inputs(int64_t B, int64_t T, int64_t D, int64_t H, DType dtype = DType::f64) {
  manual_seed(static_cast<uint64_t>(B * 1000 + T * 100 + D * 10 + H));
  return {randn({B, T, D}, dtype),        randn({B, H}, dtype),           randn({B, H}, dtype),
          randn({4 * H, D}, dtype) * 0.5, randn({4 * H, H}, dtype) * 0.5, randn({4 * H}, dtype)};
}

TEST(Fused, LstmEqualsItsSteps) {
  for (const bool reverse : {false, true}) {
    for (const Tensor& lengths : {Tensor{}, lengths_of({3, 5, 1, 5, 2})}) {
      const auto run = [&](const auto& f) -> Function {
        return [&, f](const std::vector<Tensor>& x) {
          const LSTMResult r = f(x[0], lengths, x[1], x[2], x[3], x[4], x[5], reverse);
          return std::vector{r.output, r.hidden, r.cell};
        };
      };
      for (const unsigned used : {7U, 1U, 2U, 4U, 3U})
        expect_equal(run(lstm), run(lstm_reference), lstm_inputs(5, 5, 3, 4), used);
      expect_equal(run(lstm), run(lstm_reference), lstm_inputs(5, 5, 17, 19));
    }
  }
}

TEST(Fused, LstmWithoutInitialStatesStartsAtZero) {
  const auto run = [](const auto& f) -> Function {
    return [f](const std::vector<Tensor>& x) {
      const LSTMResult r = f(x[0], lengths_of({2, 4, 1}), {}, {}, x[3], x[4], x[5], false);
      return std::vector{r.output, r.hidden, r.cell};
    };
  };
  auto inputs = lstm_inputs(3, 4, 2, 3);
  expect_equal(run(lstm), run(lstm_reference), inputs);
}

// Large enough for oneDNN's packed weights, with fewer rows from step to step.
TEST(Fused, LstmInF32WithPackedWeights) {
  const auto run = [](const auto& f) -> Function {
    return [f](const std::vector<Tensor>& x) {
      const LSTMResult r = f(x[0], lengths_of({6, 5, 5, 4, 3, 3, 2, 1, 1, 1, 6, 6, 6, 6, 6, 6, 2, 2, 3}),
                             x[1], x[2], x[3], x[4], x[5], true);
      return std::vector{r.output, r.hidden, r.cell};
    };
  };
  auto inputs = lstm_inputs(19, 6, 64, 96, DType::f32);
  for (size_t i : {size_t{3}, size_t{4}}) inputs[i] = inputs[i] * 0.2;
  expect_equal(run(lstm), run(lstm_reference), inputs, 7U,
               2e-4);  // sums of 64..96 f32 products, over six steps
}

std::vector<Tensor> attention_inputs(int64_t B, int64_t T, int64_t S, int64_t D, int64_t E, int64_t H,
                                     int64_t A, DType dtype = DType::f64) {
  manual_seed(static_cast<uint64_t>(B + T + S + D + E + H + A));
  return {randn({B, T, D}, dtype),        randn({B, S, E}, dtype),
          randn({B, S, A}, dtype),        randn({B, H}, dtype),
          randn({B, H}, dtype),           randn({4 * H, D + E}, dtype) * 0.5,
          randn({4 * H, H}, dtype) * 0.5, randn({4 * H}, dtype),
          randn({A, H}, dtype),           randn({A}, dtype)};
}

TEST(Fused, AttentionLstmEqualsItsSteps) {
  const auto run = [](const auto& f, const Tensor& targets, const Tensor& sources) -> Function {
    return [=](const std::vector<Tensor>& x) {
      const AttentionLSTMResult r = f(x[0], targets, x[1], x[2], sources, x[3], x[4], x[5], x[6], x[7], x[8],
                                      x[9], 0, PredictedPosition{});
      return std::vector{r.hidden, r.context, r.weights};
    };
  };
  const Tensor targets = lengths_of({2, 4, 1, 4}), sources = lengths_of({5, 1, 3, 5}),
               with_empty = lengths_of({5, 0, 3, 2});
  for (const unsigned used : {7U, 1U, 2U, 4U, 3U}) {
    expect_equal(run(attention_lstm, targets, sources), run(attention_lstm_reference, targets, sources),
                 attention_inputs(4, 4, 5, 3, 2, 4, 3), used);
  }
  expect_equal(run(attention_lstm, {}, sources), run(attention_lstm_reference, {}, sources),
               attention_inputs(4, 4, 5, 9, 18, 17, 21));
  expect_equal(run(attention_lstm, targets, with_empty), run(attention_lstm_reference, targets, with_empty),
               attention_inputs(4, 4, 5, 3, 2, 4, 3));
}

TEST(Fused, AttentionLstmWithDotEnergiesEqualsItsSteps) {
  const Tensor targets = lengths_of({2, 4, 1, 4}), sources = lengths_of({5, 0, 3, 5});
  for (const bool own_query : {true, false}) {
    const auto run = [&](const auto& f) -> Function {
      return [&, f](const std::vector<Tensor>& x) {
        const AttentionLSTMResult r = f(x[0], targets, x[1], x[2], sources, x[3], x[4], x[5], x[6], x[7],
                                        own_query ? x[8] : Tensor{}, Tensor{}, 0, PredictedPosition{});
        return std::vector{r.hidden, r.context, r.weights};
      };
    };
    auto inputs = attention_inputs(4, 4, 5, 3, 2, 4, own_query ? 3 : 4);
    inputs.resize(own_query ? 9 : 8);
    for (const unsigned used : {7U, 1U, 4U})
      expect_equal(run(attention_lstm), run(attention_lstm_reference), inputs, used);
  }
}

TEST(Fused, AttentionLstmOfHeadsAndInAWindowEqualsItsSteps) {
  const Tensor targets = lengths_of({2, 6, 1, 6}), sources = lengths_of({5, 0, 3, 2});
  for (const int64_t heads : {1, 2, 3}) {
    for (const int64_t window : {0, 1, 2, 9}) {
      const auto run = [&](const auto& f) -> Function {
        return [&, f](const std::vector<Tensor>& x) {
          const AttentionLSTMResult r = f(x[0], targets, x[1], x[2], sources, x[3], x[4], x[5], x[6], x[7],
                                          x[8], Tensor{}, window, PredictedPosition{});
          return std::vector{r.hidden, r.context, r.weights};
        };
      };
      auto inputs = attention_inputs(4, 6, 5, 3, 6 * heads, 4, 2 * heads);
      inputs.resize(9);
      if (heads > 1) {
        inputs[1] = randn({4, heads, 5, 6}, DType::f64);
        inputs[2] = randn({4, heads, 5, 2}, DType::f64);
      }
      for (const unsigned used : {7U, 1U, 4U})
        expect_equal(run(attention_lstm), run(attention_lstm_reference), inputs, used);
    }
  }
}

TEST(Fused, AttentionLstmOfPositionsAloneEqualsItsSteps) {
  const Tensor targets = lengths_of({2, 4, 1, 4}), sources = lengths_of({5, 0, 3, 5});
  for (const int64_t window : {0, 1}) {
    const auto run = [&](const auto& f) -> Function {
      return [&, f](const std::vector<Tensor>& x) {
        const AttentionLSTMResult r = f(x[0], targets, x[1], Tensor{}, sources, x[2], x[3], x[4], x[5], x[6],
                                        x[7], Tensor{}, window, PredictedPosition{});
        return std::vector{r.hidden, r.context, r.weights};
      };
    };
    auto inputs = attention_inputs(4, 4, 5, 3, 2, 4, 5);
    inputs.erase(inputs.begin() + 2);
    inputs.resize(8);
    for (const unsigned used : {7U, 1U, 4U})
      expect_equal(run(attention_lstm), run(attention_lstm_reference), inputs, used);
  }
}

TEST(Fused, AttentionLstmWithAPredictedPositionEqualsItsSteps) {
  const Tensor targets = lengths_of({2, 4, 1, 4}), sources = lengths_of({5, 0, 3, 5});
  const Tensor factors = uniform({4, 4}, 0, 1, DType::f64);
  for (const int64_t window : {0, 1, 2}) {
    for (const bool factored : {false, true}) {
      for (const bool additive : {false, true}) {
        const auto run = [&](const auto& f) -> Function {
          return [&, f](const std::vector<Tensor>& x) {
            const PredictedPosition position{x[9], x[10], 0.75, factored ? factors : Tensor{}};
            const AttentionLSTMResult r = f(x[0], targets, x[1], x[2], sources, x[3], x[4], x[5], x[6], x[7],
                                            x[8], additive ? x[11] : Tensor{}, window, position);
            return std::vector{r.hidden, r.context, r.weights};
          };
        };
        auto inputs = attention_inputs(4, 4, 5, 3, 2, 4, 3);
        const Tensor v = inputs.back();
        inputs.pop_back();
        inputs.insert(inputs.end(), {randn({6, 4}, DType::f64), randn({6}, DType::f64)});
        if (additive) inputs.push_back(v);
        for (const unsigned used : {7U, 1U, 2U, 4U})
          expect_equal(run(attention_lstm), run(attention_lstm_reference), inputs, used);
      }
    }
  }
}

TEST(Fused, AttentionLstmInF32WithPackedWeights) {
  const Tensor targets = lengths_of({5, 4, 3, 1, 5, 2}), sources = lengths_of({7, 6, 1, 7, 3, 2});
  const auto run = [&](const auto& f) -> Function {
    return [&, f](const std::vector<Tensor>& x) {
      const AttentionLSTMResult r = f(x[0], targets, x[1], x[2], sources, x[3], x[4], x[5], x[6], x[7], x[8],
                                      x[9], 0, PredictedPosition{});
      return std::vector{r.hidden, r.context, r.weights};
    };
  };
  auto inputs = attention_inputs(6, 5, 7, 64, 96, 80, 72, DType::f32);
  for (size_t i : {size_t{5}, size_t{6}, size_t{8}, size_t{9}}) inputs[i] = inputs[i] * 0.2;
  expect_equal(run(attention_lstm), run(attention_lstm_reference), inputs, 7U,
               3e-4);  // sums of up to 176 f32 products, over five steps
}

TEST(Fused, OnlyTheWantedGradientsAreComputed) {
  std::vector<Tensor> x = lstm_inputs(2, 3, 4, 5);
  x[4].set_requires_grad(true);  // weight_hh alone
  lstm(x[0], {}, x[1], x[2], x[3], x[4], x[5]).output.backward(ones({2, 3, 5}, DType::f64));
  EXPECT_TRUE(x[4].grad().defined());
  EXPECT_FALSE(x[0].grad().defined());
  std::vector<Tensor> a = attention_inputs(2, 2, 3, 2, 2, 2, 2);
  a[9].set_requires_grad(true);  // v alone
  attention_lstm(a[0], {}, a[1], a[2], lengths_of({3, 2}), a[3], a[4], a[5], a[6], a[7], a[8], a[9])
      .context.backward(ones({2, 2, 2}, DType::f64));
  EXPECT_TRUE(a[9].grad().defined());
}

TEST(Fused, ASequenceOpSaysThatItHasFirstOrderGradientsOnly) {
  const std::vector<Tensor> x = lstm_inputs(2, 3, 4, 5);
  x[0].set_requires_grad(true);
  const Tensor y = sum(lstm(x[0], {}, x[1], x[2], x[3], x[4], x[5]).output);
  EXPECT_ERROR(GradError,
               "lstm: the fused op has first-order gradients only; build the steps from linear, sigmoid and "
               "tanh for higher orders",
               grad(std::vector{y}, std::vector{x[0]}, {}, {.create_graph = true}));
}

TEST(Fused, LinearCrossEntropyEqualsBoth) {
  manual_seed(8);
  for (const bool with_bias : {true, false}) {
    for (const CrossEntropyOptions& options : {CrossEntropyOptions{}, CrossEntropyOptions{0.1, 2}}) {
      const Tensor targets = lengths_of({0, 2, 8, 2, 5, 1});
      const auto fused = [&](const std::vector<Tensor>& x) {
        return std::vector{linear_cross_entropy(x[0], x[1], with_bias ? x[2] : Tensor{}, targets, options)};
      };
      const auto composed = [&](const std::vector<Tensor>& x) {
        return std::vector{cross_entropy(linear(x[0], x[1], with_bias ? x[2] : Tensor{}), targets, options)};
      };
      expect_equal(fused, composed,
                   {randn({6, 7}, DType::f64), randn({9, 7}, DType::f64), randn({9}, DType::f64)});
    }
  }
}

// Logits come in pieces of rows; the last one is short.
TEST(Fused, LinearCrossEntropyOfManyRowsEqualsBoth) {
  manual_seed(12);
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < 150; ++i) ids.push_back(i * 7 % 11);
  const Tensor targets = from_vector(ids, {150});
  expect_equal(
      [&](const auto& x) {
        return std::vector{linear_cross_entropy(x[0], x[1], x[2], targets, {0.1, 3})};
      },
      [&](const auto& x) {
        return std::vector{cross_entropy(linear(x[0], x[1], x[2]), targets, {0.1, 3})};
      },
      {randn({150, 4}, DType::f64), randn({11, 4}, DType::f64), randn({11}, DType::f64)});
}

std::vector<int64_t> ids_below(int64_t count, int64_t classes) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(i * 7 % classes);
  return ids;
}

// Beyond some 256 rows forward makes the gradients of those before. With 5000 classes the rows that are
// scored at a time do not divide a block, and with so few features two blocks are enough.
TEST(Fused, LinearCrossEntropyOfRowsInBlocksEqualsBoth) {
  manual_seed(15);
  const std::vector<std::pair<int64_t, int64_t>> sizes = {{255, 11},  {256, 11},  {257, 11},   {1025, 11},
                                                          {1500, 11}, {2500, 11}, {300, 5000}, {600, 5000}};
  for (const auto& [rows, classes] : sizes) {
    const Tensor targets = from_vector(ids_below(rows, classes), {rows});
    const Tensor x = randn({rows, 3}, DType::f64), w = randn({classes, 3}, DType::f64),
                 b = randn({classes}, DType::f64);
    for (const auto& wanted : {std::array{true, true}, std::array{true, false}, std::array{false, true}}) {
      x.set_requires_grad(wanted[0]);
      w.set_requires_grad(wanted[1]);
      b.set_requires_grad(wanted[1]);
      std::vector<Tensor> leaves;
      if (wanted[0]) leaves.push_back(x);
      if (wanted[1]) leaves.insert(leaves.end(), {w, b});
      const Tensor fused = linear_cross_entropy(x, w, b, targets, {0.1, 3}) * 3.0,
                   composed = cross_entropy(linear(x, w, b), targets, {0.1, 3}) * 3.0;
      EXPECT_TRUE(all_close(fused, composed, 1e-12, 1e-12)) << rows;
      const auto once = grad(std::vector{fused}, leaves, {}, {.retain_graph = true}),
                 twice = grad(std::vector{fused}, leaves), all = grad(std::vector{composed}, leaves);
      for (size_t i = 0; i < leaves.size(); ++i) {
        EXPECT_TRUE(all_close(once[i], all[i], 1e-10, 1e-12)) << rows << " " << i;
        EXPECT_EQ(once[i].to_vector<double>(), twice[i].to_vector<double>()) << rows << " " << i;
      }
    }
  }
}

// Gradients that are there already are added to.
TEST(Fused, LinearCrossEntropyInBlocksAddsToGradients) {
  manual_seed(16);
  const Tensor targets = from_vector(ids_below(1500, 7), {1500});
  const Tensor x = randn({1500, 4}, DType::f64).set_requires_grad(true),
               w = randn({7, 4}, DType::f64).set_requires_grad(true);
  linear_cross_entropy(x, w, {}, targets).backward();
  const std::vector<double> dx = x.grad().to_vector<double>(), dw = w.grad().to_vector<double>();
  linear_cross_entropy(x, w, {}, targets).backward();
  const auto twice = [](const std::vector<double>& once) {
    return from_vector<double>(once, {static_cast<int64_t>(once.size())}) * 2.0;
  };
  EXPECT_TRUE(all_close(reshape(x.grad(), {-1}), twice(dx), 1e-12, 1e-15));
  EXPECT_TRUE(all_close(reshape(w.grad(), {-1}), twice(dw), 1e-12, 1e-15));
}

// However many rows: no more than a block of logits is held, nor when all is over.
TEST(Fused, LinearCrossEntropyHoldsABlockOfLogits) {
  constexpr int64_t kRows = 6000, kClasses = 1000, kBlockBytes = 256 * kClasses * 4;
  const Tensor x = randn({kRows, 8}).set_requires_grad(true),
               w = randn({kClasses, 8}).set_requires_grad(true);
  const Tensor targets = zeros({kRows}, DType::i64);
  reset_peak_memory();
  const int64_t before = memory_stats().active_bytes;
  linear_cross_entropy(x, w, {}, targets).backward();
  const int64_t products =
      (2 * kRows + 3 * kClasses) * 8 * 4;  // gradients, those of the blocks before, and packed
  EXPECT_LT(memory_stats().peak_bytes - before, 2 * kBlockBytes + products);
}

TEST(Fused, LinearCrossEntropyInF32OnPackedWeights) {
  manual_seed(14);
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < 150; ++i) ids.push_back(i * 7 % 200);
  const Tensor targets = from_vector(ids, {150});
  expect_equal(
      [&](const auto& x) {
        return std::vector{linear_cross_entropy(x[0], x[1], x[2], targets, {0.1, 3})};
      },
      [&](const auto& x) {
        return std::vector{cross_entropy(linear(x[0], x[1], x[2]), targets, {0.1, 3})};
      },
      {randn({150, 64}), randn({200, 64}) * 0.2, randn({200})}, 1U, 1e-4);  // sums of 200 f32 products
}

TEST(Fused, LinearCrossEntropyOfNothingIsZero) {
  const Tensor w = randn({5, 4}).set_requires_grad(true), none = zeros({0, 4}),
               x = randn({2, 4}).set_requires_grad(true);
  for (const Tensor& loss : {linear_cross_entropy(none, w, {}, from_vector<int64_t>({}, {0})),
                             linear_cross_entropy(x, w, {}, lengths_of({3, 3}), {0.1, 3})}) {
    EXPECT_EQ(loss.item(), 0);
    EXPECT_EQ(sum(abs(grad(std::vector{loss}, std::vector{w}).front())).item(), 0);
  }
}

// The gradient of the logits, the largest buffer of a training step, goes when backward has used it and not
// with the loss.
TEST(Fused, LinearCrossEntropyFreesItsLogitsInBackward) {
  const Tensor x = randn({256, 8}).set_requires_grad(true), w = randn({4000, 8}).set_requires_grad(true);
  const Tensor loss = linear_cross_entropy(x, w, {}, zeros({256}, DType::i64));
  const int64_t before = memory_stats().active_bytes;
  loss.backward();
  EXPECT_LT(memory_stats().active_bytes, before - 256 * 4000 * 3);
}

// In bf16 loss and gradients stay near those in f32: operands are off by 2^-8 at most, sums of thousands by
// less in the mean.
TEST(Fused, LinearCrossEntropyInBf16) {
  manual_seed(13);
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < 300; ++i) ids.push_back(i * 7 % 200);
  const Tensor targets = from_vector(ids, {300});
  const Tensor x = randn({300, 64}).set_requires_grad(true),
               w = (randn({200, 64}) * 0.3).detach().set_requires_grad(true);
  const auto run = [&](bool autocast) {
    const AutocastGuard guard(autocast);
    const Tensor loss = linear_cross_entropy(x, w, {}, targets, {.label_smoothing = 0.1});
    std::vector<Tensor> results{loss.detach()};
    for (const Tensor& g : grad(std::vector{loss}, std::vector{x, w})) results.push_back(g);
    return results;
  };
  const auto f32 = run(false), bf16 = run(true);
  EXPECT_NEAR(bf16[0].item(), f32[0].item(), 1e-2);
  for (size_t i = 1; i < 3; ++i) {
    const double off = std::sqrt(sum(square(bf16[i] - f32[i])).item() / sum(square(f32[i])).item());
    EXPECT_LT(off, 0.02) << i;
    if (has_bf16_products()) {
      EXPECT_GT(off, 1e-5) << "bf16 was not used";
    }
  }
}

TEST(Fused, LinearCrossEntropyTwiceOverARetainedGraph) {
  manual_seed(9);
  const Tensor x = randn({3, 4}).set_requires_grad(true), w = randn({5, 4}).set_requires_grad(true);
  const Tensor loss = linear_cross_entropy(x, w, {}, lengths_of({4, 0, 1}));
  const auto first = grad(std::vector{loss}, std::vector{x, w}, {}, {.retain_graph = true});
  const auto second = grad(std::vector{loss}, std::vector{x, w});
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(all_close(second[i], first[i], 0, 0));
}

TEST(Fused, AdditiveEnergyEqualsTanhAndProduct) {
  manual_seed(10);
  const auto fused = [](const std::vector<Tensor>& x) {
    return std::vector{additive_energy(x[0], x[1], x[2])};
  };
  const auto composed = [](const std::vector<Tensor>& x) {
    const Tensor z = tanh(unsqueeze(x[0], 2) + unsqueeze(x[1], 1));  // [B, T, S, A]
    return std::vector{sum(z * x[2], {3})};
  };
  expect_equal(fused, composed,
               {randn({3, 4, 18}, DType::f64), randn({3, 5, 18}, DType::f64), randn({18}, DType::f64)});
}

// The plain form: heads cut out, scores masked by -inf, softmax and products op by op.
std::vector<Tensor> plain_scaled_dot(const std::vector<Tensor>& x, int64_t heads, bool causal) {
  const int64_t B = x[0].size(0), T = x[0].size(1), S = x[1].size(1);
  const auto split = [&](const Tensor& m) {
    const int64_t N = m.size(1), d = m.size(2) / heads;
    return reshape(permute(reshape(m, {B, N, heads, d}), {0, 2, 1, 3}), {B * heads, N, d});
  };
  const double scale = 1 / std::sqrt(static_cast<double>(x[0].size(2) / heads));
  const Tensor scores = matmul(split(x[0]), transpose(split(x[1]))) * scale;
  std::vector<int64_t> seen;
  for (int64_t i = 0; i < B * heads * T; ++i) {
    const int64_t length = x[3].data<int64_t>()[i / (heads * T)];
    seen.push_back(causal ? std::min(length, i % T + 1) : length);
  }
  const Tensor weights =
      reshape(masked_softmax(reshape(scores, {B * heads * T, S}), lengths_of(seen)), {B * heads, T, S});
  const Tensor context = matmul(weights, split(x[2]));
  const int64_t e = context.size(2);
  return {reshape(permute(reshape(context, {B, heads, T, e}), {0, 2, 1, 3}), {B, T, heads * e}),
          reshape(weights, {B, heads, T, S})};
}

TEST(ScaledDotAttention, MatchesThePlainForm) {
  struct Case {
    int64_t B, T, S, D, E, heads;
    bool causal;
    std::vector<int64_t> lengths;
  };
  for (const Case& c : {Case{2, 3, 5, 8, 4, 2, false, {5, 1}}, Case{3, 6, 6, 12, 12, 4, true, {6, 2, 4}},
                        Case{1, 1, 9, 4, 4, 1, false, {9}}, Case{2, 17, 33, 64, 64, 4, false, {33, 0}}}) {
    manual_seed(static_cast<uint64_t>(c.S));
    const std::vector<Tensor> inputs{randn({c.B, c.T, c.D}, DType::f64), randn({c.B, c.S, c.D}, DType::f64),
                                     randn({c.B, c.S, c.E}, DType::f64), lengths_of(c.lengths)};
    for (const unsigned used : {1U, 2U, 3U}) {
      expect_equal(
          [&](const auto& x) {
            const ScaledDotAttentionResult r =
                scaled_dot_attention(x[0], x[1], x[2], x[3], c.heads, c.causal);
            return std::vector{r.context, r.weights};
          },
          [&](const auto& x) { return plain_scaled_dot(x, c.heads, c.causal); }, inputs, used);
    }
  }
}

TEST(ScaledDotAttention, ReadsSlicesOfAJointProjectionInPlace) {
  manual_seed(3);
  const Tensor joint = randn({2, 4, 24}, DType::f64), lengths = lengths_of({4, 3});
  expect_equal(
      [&](const auto& x) {
        const ScaledDotAttentionResult r = scaled_dot_attention(slice(x[0], 2, 0, 8), slice(x[0], 2, 8, 16),
                                                                slice(x[0], 2, 16, 24), lengths, 2, true);
        return std::vector{r.context, r.weights};
      },
      [&](const auto& x) {
        return plain_scaled_dot({slice(x[0], 2, 0, 8).clone(), slice(x[0], 2, 8, 16).clone(),
                                 slice(x[0], 2, 16, 24).clone(), lengths},
                                2, true);
      },
      {joint});
}

// One query of channels first, and rows that are one row over and over: strides below the rows' size.
TEST(ScaledDotAttention, ReadsRowsThatOverlap) {
  manual_seed(3);
  const Tensor image = randn({2, 8, 1}, DType::f64), row = randn({2, 1, 8}, DType::f64),
               words = randn({2, 5, 8}, DType::f64);
  const Tensor one = transpose(image), stretched = expand(row, {2, 5, 8});
  const std::vector<std::array<Tensor, 3>> all = {{one, words, words},
                                                  {words, one, one},
                                                  {stretched, words, words},
                                                  {words, stretched, words},
                                                  {words, words, stretched}};
  for (const auto& [q, k, v] : all) {
    const auto gradients = [&](bool dense, bool flash) {
      std::vector<Tensor> x;
      for (const Tensor& part : {q, k, v})
        x.push_back((dense ? part.clone() : part.detach()).set_requires_grad(true));
      const Tensor y = flash ? flash_attention(x[0], x[1], x[2], {}, 2)
                             : scaled_dot_attention(x[0], x[1], x[2], {}, 2).context;
      std::vector<Tensor> result = grad({sum(y * y)}, std::span<const Tensor>(x));
      result.push_back(y.detach());
      return result;
    };
    const std::vector<Tensor> expected = gradients(true, false);
    for (const bool flash : {false, true}) {
      const std::vector<Tensor> got = gradients(false, flash);
      for (size_t i = 0; i < got.size(); ++i) EXPECT_LE(amax(abs(got[i] - expected[i])).item(), 1e-10) << i;
    }
  }
}

TEST(ScaledDotAttention, NoKeysGiveZerosAndNoNan) {
  const Tensor q = randn({1, 2, 4}).set_requires_grad(true), k = randn({1, 3, 4}).set_requires_grad(true);
  const ScaledDotAttentionResult r = scaled_dot_attention(q, k, k, lengths_of({0}), 2);
  sum(r.context + 1.0).backward();
  for (const Tensor& x : {r.context, r.weights, q.grad(), k.grad()}) {
    for (const float v : x.detach().to_vector<float>()) EXPECT_EQ(v, 0.0F);
  }
}

// Every form of a mask against one added to the scores of the plain form in full, with lengths and a causal
// bound beside it.
TEST(ScaledDotAttention, MasksMatchThePlainForm) {
  manual_seed(11);
  constexpr int64_t B = 2, T = 4, S = 4, heads = 2;
  const double hidden = -std::numeric_limits<double>::infinity();
  const Tensor lengths = lengths_of({4, 3});
  const std::vector<Tensor> inputs{randn({B, T, 6}, DType::f64), randn({B, S, 6}, DType::f64),
                                   randn({B, S, 8}, DType::f64)};
  const auto split = [](const Tensor& x) {
    return permute(reshape(x, {B, x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
  };
  const Tensor rows = unsqueeze(arange(T), 1), columns = arange(S);
  for (const Shape& shape : {Shape{T, S}, Shape{1, S}, Shape{B, T, S}, Shape{B, 1, S}, Shape{B, heads, T, S},
                             Shape{1, heads, T, 1}}) {
    for (const bool causal : {false, true}) {
      for (const bool of_bool : {false, true}) {
        const Tensor drawn = randn(shape, DType::f64),
                     mask = of_bool ? gt(drawn, full({}, -0.5, DType::f64)) : drawn;
        const Tensor by_head = mask.ndim() == 3 ? unsqueeze(mask, 1) : mask;
        const auto plain = [&](const std::vector<Tensor>& x) {
          Tensor scores = matmul(split(x[0]), transpose(split(x[1]))) / std::sqrt(3.0);
          scores = of_bool ? where(by_head, scores, full({}, hidden, DType::f64)) : scores + by_head;
          const Tensor past = logical_not(lt(columns, reshape(lengths, {B, 1, 1, 1})));
          scores = masked_fill(scores, past, hidden);
          if (causal) scores = masked_fill(scores, gt(columns, rows), hidden);
          const Tensor seen = gt(scores, full({}, hidden, DType::f64)),
                       finite = where(seen, scores, full({}, 0, DType::f64));
          const Tensor e = where(seen, exp(finite), full({}, 0, DType::f64)),
                       total = sum(e, {-1}, KeepDim::yes);
          const Tensor weights =
              e / where(gt(total, full({}, 0, DType::f64)), total, full({}, 1, DType::f64));
          return std::vector{reshape(permute(matmul(weights, split(x[2])), {0, 2, 1, 3}), {B, T, 8}),
                             weights};
        };
        expect_equal(
            [&](const auto& x) {
              const ScaledDotAttentionResult r =
                  scaled_dot_attention(x[0], x[1], x[2], lengths, heads, causal, mask);
              return std::vector{r.context, r.weights};
            },
            plain, inputs);
      }
    }
  }
}

TEST(ScaledDotAttention, AMaskThatHidesEverythingGivesZerosAndNoNan) {
  const Tensor none = full({2, 3}, 0, DType::i64).to(DType::boolean),
               added = full({2, 3}, -std::numeric_limits<double>::infinity());
  for (const Tensor& mask : {none, added}) {
    manual_seed(5);
    const Tensor q = randn({1, 2, 4}).set_requires_grad(true), k = randn({1, 3, 4}).set_requires_grad(true);
    const ScaledDotAttentionResult r = scaled_dot_attention(q, k, k, {}, 2, false, mask);
    sum(r.context + 1.0).backward();
    for (const Tensor& x : {r.context, r.weights, q.grad(), k.grad()}) {
      for (const float v : x.detach().to_vector<float>()) EXPECT_EQ(v, 0.0F);
    }
  }
}

TEST(ScaledDotAttention, RefusesAMaskThatDoesNotFit) {
  const Tensor q = zeros({2, 3, 4}), k = zeros({2, 5, 4});
  EXPECT_ERROR(ShapeError, "scaled_dot_attention: mask [5, 3] does not fit [3, 5], [2, 3, 5] or [2, 2, 3, 5]",
               scaled_dot_attention(q, k, k, {}, 2, false, zeros({5, 3})));
  EXPECT_ERROR(ShapeError, "scaled_dot_attention: mask [5] does not fit [3, 5], [2, 3, 5] or [2, 2, 3, 5]",
               scaled_dot_attention(q, k, k, {}, 2, false, zeros({5})));
  EXPECT_ERROR(DTypeError, "scaled_dot_attention: a mask is bool or f32, got f64[3, 5]",
               scaled_dot_attention(q, k, k, {}, 2, false, zeros({3, 5}, DType::f64)));
}

TEST(LayerNorm, MatchesThePlainForm) {
  manual_seed(4);
  for (const auto& [rows, n] : {std::pair{1, 19}, {3, 19}, {300, 19}, {7, 300}, {18, 1025}}) {
    expect_equal(
        [](const auto& x) { return std::vector{layer_norm(x[0], x[1], x[2])}; },
        [](const auto& x) {
          const Tensor centred = x[0] - mean(x[0], {-1}, KeepDim::yes);
          return std::vector{centred / sqrt(mean(square(centred), {-1}, KeepDim::yes) + 1e-5) * x[1] + x[2]};
        },
        {randn({rows, n}, DType::f64), randn({n}, DType::f64), randn({n}, DType::f64)}, ~0U, 1e-11);
  }
}

TEST(LayerNorm, ThreadsDoNotChangeTheBits) {
  manual_seed(5);
  const int before = num_threads();
  std::vector<std::vector<float>> found;
  const Tensor x = randn({700, 33}), g = randn({33}), b = randn({33});
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const Tensor gain = g.clone().set_requires_grad(true);
    sum(square(layer_norm(x, gain, b))).backward();
    found.push_back(gain.grad().to_vector<float>());
  }
  set_num_threads(before);
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(found[0], found[2]);
}

}  // namespace
}  // namespace heed
