// The engine: long graphs, repeated and higher-order backward, what it refuses, and that gradients share
// nothing they should not.
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

Tensor leaf(const std::vector<double>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())}).set_requires_grad(true);
}
Tensor vector(const std::vector<double>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}

TEST(Engine, AMillionAddsForwardBackwardAndGone) {
  constexpr int kSteps = 1'000'000;
  const Tensor x = leaf({1, 2}), one = ones({2}, DType::f64);
  {
    Tensor y = x;
    for (int i = 0; i < kSteps; ++i) y = y + one;
    EXPECT_EQ(y.to_vector<double>()[1], 2 + kSteps);
    y.backward(vector({3, 4}));
    EXPECT_TRUE(all_close(x.grad(), vector({3, 4}), 0, 0));
  }
  Tensor never_walked = x;
  for (int i = 0; i < kSteps; ++i) never_walked = never_walked + one;
  const int64_t before = memory_stats().active_bytes;
  never_walked = Tensor{};  // no recursion: a chain of this length would overflow the stack
  EXPECT_LT(memory_stats().active_bytes, before - kSteps * 64);
}

TEST(Engine, ANodeUsedTwiceRunsOnceWithTheSumOfBoth) {
  const Tensor x = leaf({2, -3});
  const Tensor y = square(x);
  sum(y * y + y).backward();  // d = 4 x^3 + 2 x
  EXPECT_TRUE(all_close(x.grad(), vector({36, -114}), 0, 1e-12));
}

TEST(Engine, GradGivesWhatBackwardCollectsAndCollectsNothing) {
  const Tensor a = leaf({0.5, 2}), b = leaf({-1, 3});
  const auto loss = [&] { return sum(tanh(a * b) + exp(a)); };
  const std::vector<Tensor> gradients = grad(std::vector{loss()}, std::vector{a, b});
  EXPECT_FALSE(a.grad().defined());
  loss().backward();
  EXPECT_TRUE(all_close(a.grad(), gradients[0], 0, 0));
  EXPECT_TRUE(all_close(b.grad(), gradients[1], 0, 0));
}

TEST(Engine, GradReachesAnIntermediateValue) {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 3.0, z = sum(y * y);
  const auto g = grad(std::vector{z}, std::vector{y, x});
  EXPECT_TRUE(all_close(g[0], vector({6, 12}), 0, 0));
  EXPECT_TRUE(all_close(g[1], vector({18, 36}), 0, 0));
}

TEST(Engine, GradsOfGradsByCreateGraph) {
  const Tensor x = leaf({1.5});
  const Tensor y = x * x * x * x;
  const Tensor d1 = grad(std::vector{y}, std::vector{x}, {}, {.create_graph = true})[0];
  const Tensor d2 = grad(std::vector{d1}, std::vector{x}, {}, {.create_graph = true})[0];
  const Tensor d3 = grad(std::vector{d2}, std::vector{x})[0];
  EXPECT_NEAR(d1.item(), 4 * std::pow(1.5, 3), 1e-12);
  EXPECT_NEAR(d2.item(), 12 * std::pow(1.5, 2), 1e-12);
  EXPECT_NEAR(d3.item(), 24 * 1.5, 1e-12);
}

TEST(Engine, AFreedGraphSaysSoAndRetainGraphKeepsIt) {
  const Tensor x = leaf({2, 3});
  const Tensor y = sum(x * x);
  y.backward({}, /*retain_graph=*/true);
  y.backward();
  EXPECT_TRUE(all_close(x.grad(), vector({8, 12}), 0, 0));
  EXPECT_ERROR(GradError, "backward: the graph of 'mul' was freed by an earlier backward; pass retain_graph",
               y.backward());
}

TEST(Engine, ASavedValueChangedInPlaceIsFound) {
  const Tensor a = leaf({2, 3}), b = leaf({5, 7});
  const Tensor y = sum(a * b);
  {
    const NoGradGuard no_grad;
    a.fill_(1);
  }
  EXPECT_ERROR(GradError, "backward: saved input 0 of 'mul' was changed in place (version 1, expected 0)",
               y.backward());
  const Tensor z = tanh(a);
  z.detach().copy_(zeros({2}, DType::f64));  // through another view of the same storage
  EXPECT_ERROR(GradError, "backward: saved output 0 of 'tanh' was changed in place (version 1, expected 0)",
               sum(z).backward());
}

TEST(Engine, ABackwardThatFailedLeavesNothingBehind) {
  const Tensor a = leaf({2, 3}), b = leaf({5, 7});
  const Tensor y = sum(a * b);
  {
    const NoGradGuard no_grad;
    a.fill_(1);
  }
  EXPECT_THROW(y.backward(), GradError);  // d(a) had arrived when d(b) failed
  a.zero_grad();
  b.zero_grad();
  sum(a * b).backward();
  EXPECT_TRUE(all_close(a.grad(), vector({5, 7}), 0, 0));
  EXPECT_TRUE(all_close(b.grad(), vector({1, 1}), 0, 0));
}

TEST(Engine, GradientsOfTwoLeavesShareNoMemory) {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4}), seed = vector({1, 10});
  (a + b).backward(seed);  // add hands one cotangent to both
  a.grad().fill_(-1);
  EXPECT_TRUE(all_close(b.grad(), vector({1, 10}), 0, 0));
  EXPECT_TRUE(all_close(seed, vector({1, 10}), 0, 0));
}

TEST(Engine, TheSeedOfALeafIsNotTakenOver) {
  const Tensor a = leaf({1, 2}), seed = vector({1, 10});
  a.backward(seed);
  a.backward(seed);
  EXPECT_TRUE(all_close(a.grad(), vector({2, 20}), 0, 0));
  EXPECT_TRUE(all_close(seed, vector({1, 10}), 0, 0));
}

TEST(Engine, AnEarlierGradientKeptByTheCallerDoesNotChange) {
  const Tensor a = leaf({1, 2});
  sum(a * a).backward();
  const Tensor first = a.grad();
  sum(a * a).backward();
  EXPECT_TRUE(all_close(first, vector({2, 4}), 0, 0));
  EXPECT_TRUE(all_close(a.grad(), vector({4, 8}), 0, 0));
}

TEST(Engine, TwoBackwardCallsAddUp) {
  const Tensor a = leaf({1, 2});
  sum(a * 2.0).backward();
  sum(a * a).backward();
  EXPECT_TRUE(all_close(a.grad(), vector({4, 6}), 0, 0));
  a.zero_grad();
  EXPECT_FALSE(a.grad().defined());
}

TEST(Engine, AProductIsAddedToAGradientOfOneRowWithAnyStride) {
  const Tensor x = ones({1, 3}, DType::f64).set_requires_grad(true), w = ones({3, 2}, DType::f64);
  // the younger one's gradient comes first: [1, 3] with the strides 1, 1
  const Tensor product = matmul(x, w), turned = exp(transpose(x));
  (sum(product) + sum(turned)).backward();
  for (const double g : x.grad().to_vector<double>()) EXPECT_NEAR(g, 2 + std::exp(1.0), 1e-12);
}

TEST(Engine, NothingIsRecordedUnderNoGrad) {
  const Tensor a = leaf({1, 2});
  {
    const NoGradGuard outer;
    { const NoGradGuard inner; }
    const Tensor y = a * a;
    EXPECT_FALSE(y.requires_grad());
    EXPECT_TRUE(y.is_leaf());
  }
  EXPECT_TRUE((a * a).requires_grad());
}

TEST(InferenceGuard, RecordsNothingAndRefusesToTrain) {
  const Tensor a = leaf({1, 2}), recorded = sum(a * a);
  Tensor made;
  {
    const InferenceGuard inference;
    EXPECT_TRUE(InferenceGuard::active());
    made = a * a;
    EXPECT_FALSE(made.requires_grad());
    EXPECT_ERROR(GradError, "backward: not under InferenceGuard", recorded.backward());
    EXPECT_ERROR(GradError, "grad: not under InferenceGuard", grad(std::vector{recorded}, std::vector{a}));
    EXPECT_ERROR(GradError, "set_requires_grad: not under InferenceGuard", made.set_requires_grad(true));
    made.set_requires_grad(false);
    { const InferenceGuard inner; }
    EXPECT_TRUE(InferenceGuard::active());
    std::thread([] { EXPECT_FALSE(InferenceGuard::active()); }).join();
  }
  EXPECT_FALSE(InferenceGuard::active());
  EXPECT_TRUE(GradMode::enabled());
  sum(a * made).backward();  // a constant outside
  EXPECT_TRUE(all_close(a.grad(), vector({1, 4}), 0, 0));
}

TEST(Engine, DetachCutsTheGraphAndSharesTheValues) {
  const Tensor a = leaf({2, 3}), cut = (a * a).detach();
  EXPECT_FALSE(cut.requires_grad());
  sum(cut * a).backward();
  EXPECT_TRUE(all_close(a.grad(), vector({4, 9}), 0, 0));
  EXPECT_EQ(a.detach().data<double>(), a.data<double>());
}

// A graph begun on one thread and continued on another runs in the right order whichever of the two has
// recorded more before.
TEST(Engine, AGraphMayBeBegunOnOneThreadAndContinuedOnAnother) {
  for (const int recorded_there : {0, 20'000}) {
    const Tensor x = leaf({2});
    Tensor begun;
    std::thread([&] {
      for (int i = 0; i < recorded_there; ++i) x * 2.0;
      begun = x * x;
      begun = begun * begun;
    }).join();
    for (int i = 0; i < 10; ++i) x * 2.0;
    const Tensor left = begun * 3.0, right = begun * begun;  // x^4, x^8
    sum(left + right).backward();
    EXPECT_EQ(x.grad().item(), 3 * 4 * 8.0 + 8 * 128.0);
  }
}

// Leaves of a wide graph, and one that is read a thousand times.
TEST(Engine, AWideGraphRunsEachNodeOnce) {
  std::vector<Tensor> leaves, parts;
  const Tensor shared = leaf({1});
  for (int i = 0; i < 1000; ++i) {
    leaves.push_back(leaf({double(i)}));
    parts.push_back(leaves.back() * shared);
  }
  sum(concat(parts, 0)).backward();
  EXPECT_EQ(shared.grad().item(), 499500);
  for (const Tensor& x : leaves) EXPECT_EQ(x.grad().item(), 1);
}

TEST(Engine, ALeafThatDiedCollectsNothing) {
  const Tensor x = leaf({1, 2});
  Tensor y;
  {
    const Tensor gone = leaf({3, 4});
    y = sum(x + gone);  // add keeps neither input
  }
  y.backward();
  EXPECT_TRUE(all_close(x.grad(), vector({1, 1}), 0, 0));
}

TEST(Engine, ALeafThatNoLongerWantsAGradientCollectsNothing) {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  const Tensor y = sum(x + w);
  w.set_requires_grad(false);
  y.backward();
  EXPECT_FALSE(w.grad().defined());
  EXPECT_TRUE(all_close(x.grad(), vector({1, 1}), 0, 0));
}

TEST(Engine, AnUnwantedInputGetsNoGradient) {
  const Tensor x = leaf({1, 2}), constant = vector({3, 4});
  sum(x * constant).backward();
  EXPECT_FALSE(constant.grad().defined());
  EXPECT_TRUE(all_close(x.grad(), constant, 0, 0));
}

TEST(Engine, WhatItRefuses) {
  const Tensor x = leaf({1, 2}), other = leaf({1}), plain = vector({1, 2});
  EXPECT_ERROR(GradError, "backward: nothing that the tensor was made from wants a gradient",
               sum(plain).backward());
  EXPECT_ERROR(ShapeError, "backward: f64[2] needs a cotangent; or make one element of it (sum, mean)",
               (x * x).backward());
  EXPECT_ERROR(ShapeError, "backward: cotangent f64[1] for a tensor f64[2]",
               (x * x).backward(ones({1}, DType::f64)));
  EXPECT_ERROR(GradError, "grad: an input wants no gradient: f64[2]",
               grad(std::vector{sum(x)}, std::vector{plain}));
  EXPECT_ERROR(GradError, "grad: the outputs do not depend on input 1",
               grad(std::vector{sum(x)}, std::vector{x, other}));
  EXPECT_FALSE(grad(std::vector{sum(x)}, std::vector{other}, {}, {.allow_unused = true})[0].defined());
  EXPECT_ERROR(GradError, "set_requires_grad: only a leaf can be marked, this tensor was made by an op",
               (x * x).set_requires_grad(true));
  EXPECT_ERROR(DTypeError, "set_requires_grad: only floating values have a gradient: i64[3]",
               arange(3).set_requires_grad(true));
  EXPECT_ERROR(GradError, "fill_: the tensor f64[2] records gradients; write in place under NoGradGuard only",
               x.fill_(0));
  EXPECT_ERROR(GradError, "copy_: the tensor f64[2] records gradients; write in place under NoGradGuard only",
               x.copy_(plain));
}

// A linear model fitted by gradient descent; the bits must not depend on what other threads do.
std::vector<float> trained(uint64_t seed) {
  manual_seed(seed);
  const Tensor x = randn({64, 8}), target = randn({64, 3});
  const Tensor w = randn({3, 8}).set_requires_grad(true), b = zeros({3}).set_requires_grad(true);
  for (int step = 0; step < 200; ++step) {
    mean(square(dropout(linear(x, w, b), 0.1) - target)).backward();
    const NoGradGuard no_grad;
    for (const Tensor& parameter : {w, b}) {
      parameter.copy_(parameter - parameter.grad() * 0.1);
      parameter.zero_grad();
    }
  }
  return w.to_vector<float>();
}

TEST(Engine, TwoThreadsTrainTwoModels) {
  const std::vector<float> alone[] = {trained(1), trained(2)};
  std::vector<float> together[2];
  std::thread first([&] { together[0] = trained(1); }), second([&] { together[1] = trained(2); });
  first.join();
  second.join();
  EXPECT_EQ(together[0], alone[0]);
  EXPECT_EQ(together[1], alone[1]);
  EXPECT_NE(alone[0], alone[1]);
}

// An op that keeps nothing and is asked for its gradient under a graph of its own: higher orders come from
// public ops.
struct Cube {
  static constexpr const char* kName = "cube";
  Tensor forward(const Tensor& x, Saved& saved) const {
    saved.input(x);
    return mul(x, mul(x, x));
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const { d.add(0, g * 3.0 * saved[0] * saved[0]); }
};

// y = 2 x, with a vjp that hides what the cotangent comes from.
struct Twice {
  static constexpr const char* kName = "twice";
  Tensor forward(const Tensor& x, Saved&) const { return x * 2.0; }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, g.detach() * 2.0); }
};

TEST(Gradcheck, AtOrderTwoSeesTheCotangentOfALinearOp) {
  const auto twice = [](const std::vector<Tensor>& x) { return std::vector{apply(Twice{}, x[0])}; };
  EXPECT_TRUE(gradcheck(twice, {vector({0.5, -1.5})}));
  const GradcheckResult result = gradcheck(twice, {vector({0.5, -1.5})}, {.order = 2});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.message.rfind("order 2: input 0 element ", 0), 0U) << result.message;
}

TEST(Gradcheck, PassesARightRuleAndNamesTheWorstElementOfAWrongOne) {
  const auto cube = [](const std::vector<Tensor>& x) { return std::vector{apply(Cube{}, x[0])}; };
  EXPECT_TRUE(gradcheck(cube, {vector({0.5, -1.5, 2})}, {.order = 2}));
  const auto wrong = [](const std::vector<Tensor>& x) {
    return std::vector{apply(Cube{}, x[0]) + x[0].detach()};  // hides a part of its input
  };
  const GradcheckResult result = gradcheck(wrong, {vector({0.5, -1.5})});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.message.rfind("order 1: input 0 element 0: analytic ", 0), 0U) << result.message;
  EXPECT_ERROR(DTypeError, "gradcheck: inputs must be f64, got f32[2]", gradcheck(cube, {zeros({2})}));
}

}  // namespace
}  // namespace heed
