// Gradient checkpointing: the same bits as without, less memory, and what it cannot do.
#include "framework/autograd/checkpoint.h"

#include <gtest/gtest.h>

#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

struct Weights {
  Tensor first, second;
  explicit Weights(DType dtype = DType::f32) {
    manual_seed(7);
    first = (randn({24, 16}, dtype) * 0.3).set_requires_grad(true);
    second = (randn({16, 24}, dtype) * 0.3).set_requires_grad(true);
  }
  Tensor block(const Tensor& x) const { return dropout(linear(gelu(linear(x, first)), second), 0.25) + x; }
};

// Gradients of x, first and second after three blocks that share their weights, with a use of x and a weight
// outside as well.
std::vector<std::vector<float>> gradients(bool with_checkpoints) {
  const Weights w;
  const Tensor x = randn({5, 16}).set_requires_grad(true);
  manual_seed(99);
  Tensor h = tanh(linear(linear(x, w.first), w.second));
  for (int i = 0; i < 3; ++i) {
    h = with_checkpoints ? checkpoint([&](const Tensor& in) { return w.block(in); }, h) : w.block(h);
  }
  mean(square(dropout(h, 0.5)) * x).backward();
  std::vector<std::vector<float>> result;
  for (const Tensor& leaf : {x, w.first, w.second}) result.push_back(leaf.grad().to_vector<float>());
  result.push_back(randn({4}).to_vector<float>());  // the generator stands where it stood
  return result;
}

TEST(Checkpoint, GivesTheSameBits) { EXPECT_EQ(gradients(true), gradients(false)); }

TEST(Checkpoint, GivesTheSameBitsNested) {
  const Weights w;
  const Tensor x = randn({5, 16}).set_requires_grad(true);
  const auto run = [&](bool with_checkpoints) {
    manual_seed(5);
    const auto two = [&](const Tensor& in) { return w.block(w.block(in)); };
    const auto inner = [&](const Tensor& in) { return checkpoint(two, w.block(in)); };
    const Tensor y = with_checkpoints ? checkpoint(inner, x) : two(w.block(x));
    return grad(std::vector{sum(y * y)}, std::vector{x, w.first, w.second});
  };
  const auto plain = run(false), nested = run(true);
  for (size_t i = 0; i < plain.size(); ++i)
    EXPECT_EQ(plain[i].to_vector<float>(), nested[i].to_vector<float>());
}

TEST(Checkpoint, SavesMemory) {
  const Tensor x = randn({256, 256}).set_requires_grad(true);
  const auto peak = [&](bool with_checkpoints) {
    x.zero_grad();
    const int64_t before = memory_stats().active_bytes;
    reset_peak_memory();
    Tensor h = x;
    const auto block = [](const Tensor& in) {
      Tensor y = in;
      for (int i = 0; i < 8; ++i) y = tanh(y);
      return y;
    };
    for (int i = 0; i < 8; ++i) h = with_checkpoints ? checkpoint(block, h) : block(h);
    sum(h).backward();
    return memory_stats().peak_bytes - before;
  };
  const int64_t one = 256 * 256 * 4;
  EXPECT_GT(peak(false), 64 * one);  // every tanh keeps its result
  EXPECT_LT(peak(true), 22 * one);   // 8 inputs, 8 results of the block being run again, and a few gradients
}

using Layers = std::vector<std::function<Tensor(const Tensor&)>>;

TEST(CheckpointPolicy, EveryPolicyGivesTheSameBits) {
  const Weights w;
  const Layers layers(5, [&](const Tensor& in) { return w.block(in); });
  const auto run = [&](const CheckpointPolicy& policy) {
    manual_seed(99);
    const Tensor x = randn({5, 16}).set_requires_grad(true);
    const Tensor y = checkpoint_chain(layers, x, policy);
    std::vector<std::vector<float>> result{y.to_vector<float>()};
    for (const Tensor& g : grad({mean(square(dropout(y, 0.5)) * x)}, {x, w.first, w.second}))
      result.push_back(g.to_vector<float>());
    return result;
  };
  const auto plain = run({});
  for (const int64_t segment : {1, 2, 5, 9}) EXPECT_EQ(run(CheckpointPolicy::every(segment)), plain);
  EXPECT_EQ(run(CheckpointPolicy::square_root()), plain);
  for (const int64_t bytes : {0, 1, 10000, 1 << 30}) EXPECT_EQ(run(CheckpointPolicy::budget(bytes)), plain);
}

TEST(CheckpointPolicy, RunsAgainWhatItDoesNotKeep) {
  std::vector<int> runs(5);
  Layers layers;
  for (size_t i = 0; i < runs.size(); ++i)
    layers.emplace_back([&runs, i](const Tensor& in) { return ++runs[i], tanh(in); });
  const auto count = [&](const CheckpointPolicy& policy) {
    runs.assign(5, 0);
    sum(checkpoint_chain(layers, ones({64, 64}).set_requires_grad(true), policy)).backward();
    return runs;
  };
  const int64_t one = 64 * 64 * 4;
  EXPECT_EQ(count({}), (std::vector{1, 1, 1, 1, 1}));
  EXPECT_EQ(count(CheckpointPolicy::every(2)), (std::vector{2, 2, 2, 2, 2}));
  EXPECT_EQ(count(CheckpointPolicy::budget(0)), (std::vector{2, 2, 2, 2, 2}));
  EXPECT_EQ(count(CheckpointPolicy::budget(1)), (std::vector{1, 2, 2, 2, 2}));
  EXPECT_EQ(count(CheckpointPolicy::budget(3 * one + one / 2)), (std::vector{1, 1, 1, 2, 2}));
  EXPECT_EQ(count(CheckpointPolicy::budget(1 << 30)), (std::vector{1, 1, 1, 1, 1}));
  EXPECT_EQ(CheckpointPolicy::square_root().segment(16), 4);
  EXPECT_EQ(CheckpointPolicy::square_root().segment(1), 1);
  const NoGradGuard no_grad;
  EXPECT_EQ((runs.assign(5, 0), checkpoint_chain(layers, ones({2}), CheckpointPolicy::every(2)), runs),
            (std::vector{1, 1, 1, 1, 1}));
}

TEST(CheckpointPolicy, KeepsWhatItSays) {
  const Tensor x = randn({256, 256}).set_requires_grad(true);
  const Layers layers(16, [](const Tensor& in) {
    Tensor y = in;
    for (int i = 0; i < 8; ++i) y = tanh(y);
    return y;
  });
  const int64_t one = 256 * 256 * 4;
  const auto peak = [&](const CheckpointPolicy& policy) {
    x.zero_grad();
    const int64_t before = memory_stats().active_bytes;
    reset_peak_memory();
    sum(checkpoint_chain(layers, x, policy)).backward();
    return (memory_stats().peak_bytes - before) / one;
  };
  EXPECT_GT(peak({}), 127);
  EXPECT_LT(peak(CheckpointPolicy::square_root()), 4 + 32 + 6);  // inputs, a segment again, a few gradients
  EXPECT_LT(peak(CheckpointPolicy::every(1)), 16 + 8 + 6);
  EXPECT_GT(peak(CheckpointPolicy::budget(40 * one)), 40);
  EXPECT_LT(peak(CheckpointPolicy::budget(40 * one)), 40 + 11 + 8 + 6);
}

TEST(CheckpointPolicy, WhatItRefuses) {
  EXPECT_ERROR(ValueError, "CheckpointPolicy: a segment has at least one layer, got 0",
               CheckpointPolicy::every(0));
  EXPECT_ERROR(ValueError, "CheckpointPolicy: a budget of -1 bytes", CheckpointPolicy::budget(-1));
  EXPECT_ERROR(ValueError, "checkpoint_chain: there is no function",
               checkpoint_chain(Layers(1), ones({2}), {}));
}

TEST(Checkpoint, SeveralInputsAndOutputsSomeOfThemUndefined) {
  const Tensor a = from_vector<double>({1, 2}, {2}).set_requires_grad(true),
               b = from_vector<double>({3, 4}, {2});
  const auto f = [](const std::vector<Tensor>& in) {
    EXPECT_FALSE(in[2].defined());
    return std::vector{in[0] * in[1], Tensor{}, arange(3), in[0]};
  };
  const std::vector<Tensor> y = checkpoint(f, {a, b, Tensor{}});
  EXPECT_FALSE(y[1].defined());
  EXPECT_EQ(y[2].to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_TRUE(a.is_leaf());  // given back by f, and still itself
  sum(y[0] + y[3] * 10.0).backward();
  EXPECT_EQ(a.grad().to_vector<double>(), (std::vector<double>{13, 14}));
  EXPECT_FALSE(b.grad().defined());
}

TEST(Checkpoint, AParameterAloneGetsItsGradient) {
  const Tensor w = from_vector<double>({2, 3}, {2}).set_requires_grad(true),
               x = from_vector<double>({5, 7}, {2});
  sum(checkpoint([&](const Tensor& in) { return in * w; }, x)).backward();
  EXPECT_EQ(w.grad().to_vector<double>(), (std::vector<double>{5, 7}));
}

TEST(Checkpoint, GradientsOfGradientsMatchFiniteDifferences) {
  const auto f = [](const std::vector<Tensor>& x) {
    return checkpoint([](const std::vector<Tensor>& in) { return std::vector{tanh(in[0] * in[1]) * in[0]}; },
                      x);
  };
  EXPECT_TRUE(gradcheck(f, {randn({3}, DType::f64), randn({3}, DType::f64)}, {.order = 2}));
}

TEST(Checkpoint, RunsOnceUnderNoGrad) {
  int runs = 0;
  const Tensor x = ones({2}).set_requires_grad(true);
  const auto f = [&](const Tensor& in) { return ++runs, in * 2.0; };
  {
    const NoGradGuard no_grad;
    EXPECT_FALSE(checkpoint(f, x).requires_grad());
  }
  EXPECT_EQ(runs, 1);
  const Tensor y = checkpoint(f, x);
  EXPECT_EQ(runs, 2);
  sum(y).backward();
  EXPECT_EQ(runs, 3);
}

TEST(Checkpoint, WhatItRefuses) {
  const Tensor x = ones({2}).set_requires_grad(true);
  const auto f = [](const Tensor& in) { return in * in; };
  const Tensor y = sum(checkpoint(f, x));
  y.backward();
  EXPECT_ERROR(GradError,
               "backward: the graph of 'checkpoint' was freed by an earlier backward; pass retain_graph",
               y.backward());
  const Tensor changed = sum(checkpoint(f, x));
  {
    const NoGradGuard no_grad;
    x.fill_(3);
  }
  EXPECT_ERROR(GradError,
               "backward: saved input 0 of 'checkpoint' was changed in place (version 1, expected 0)",
               changed.backward());
  int run = 0;
  const Tensor moody =
      sum(checkpoint([&](const Tensor& in) { return ++run == 1 ? in : slice(in, 0, 0, 1); }, x));
  EXPECT_ERROR(GradError, "checkpoint: the function gave f32[1] when it ran again, f32[2] before",
               moody.backward());
  const Tensor throwing = sum(
      checkpoint([&](const Tensor& in) { return ++run == 3 ? in : throw std::runtime_error("mine"); }, x));
  x.zero_grad();
  const Generator::State before = default_generator().state();
  EXPECT_THROW(throwing.backward(), std::runtime_error);
  EXPECT_TRUE(GradMode::enabled());
  EXPECT_EQ(default_generator().state(), before);
  sum(x * 2.0).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 2}));
}

TEST(Checkpoint, WithoutAFunctionIsRefused) {
  EXPECT_ERROR(ValueError, "checkpoint: there is no function",
               checkpoint(std::function<Tensor(const Tensor&)>(), ones({2})));
  EXPECT_ERROR(ValueError, "gradcheck: there is no function", gradcheck(nullptr, {ones({2}, DType::f64)}));
  EXPECT_ERROR(ValueError, "gradcheck: takes order 1 or 2, got 3",
               gradcheck([](const auto& x) { return std::vector{x[0] * 2.0}; }, {ones({2}, DType::f64)},
                         {.order = 3}));
}

}  // namespace
}  // namespace heed
