// Hooks on a tensor's gradient and on a leaf whose gradient was collected.
#include "framework/autograd/tensor_hooks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

Tensor vector(const std::vector<double>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}
Tensor leaf(const std::vector<double>& values) { return vector(values).set_requires_grad(true); }
Tensor unchanged(const Tensor&) { return {}; }

TEST(TensorHook, SeesTheWholeGradientOnce) {
  const Tensor x = leaf({2, -3}), y = square(x);
  std::vector<std::vector<double>> seen;
  register_hook(y, [&](const Tensor& g) {
    seen.push_back(g.to_vector<double>());
    return Tensor{};
  });
  sum(y * y + y).backward();  // dy = 2 y + 1, from three uses
  EXPECT_EQ(seen, (std::vector<std::vector<double>>{{9, 19}}));
  EXPECT_TRUE(all_close(x.grad(), vector({36, -114}), 0, 1e-12));
}

TEST(TensorHook, WhatItGivesTakesTheGradientsPlace) {
  const Tensor x = leaf({2, -3}), y = x * 1.0;
  register_hook(y, [](const Tensor& g) { return g * 10.0; });
  register_hook(y, [](const Tensor& g) { return g + 1.0; });  // in the order of registration
  register_hook(x, [](const Tensor& g) { return neg(g); });
  sum(y * y).backward();
  EXPECT_TRUE(all_close(x.grad(), vector({-41, 59}), 0, 0));
}

TEST(TensorHook, OfOneOutputOfSeveral) {
  const Tensor x = randn({1, 2, 3}, DType::f64), w_ih = randn({8, 3}, DType::f64).set_requires_grad(true);
  const Tensor w_hh = randn({8, 2}, DType::f64).set_requires_grad(true),
               bias = randn({8}, DType::f64).set_requires_grad(true);
  const LSTMResult r = lstm(x, {}, {}, {}, w_ih, w_hh, bias);
  Tensor of_output, of_cell;
  int hidden_calls = 0;
  register_hook(r.output, [&](const Tensor& g) { return of_output = g, Tensor{}; });
  register_hook(r.cell, [&](const Tensor& g) { return of_cell = g, Tensor{}; });
  register_hook(r.hidden, [&](const Tensor&) { return ++hidden_calls, Tensor{}; });
  (sum(r.output * 2.0) + sum(r.cell * 3.0)).backward();
  EXPECT_TRUE(all_close(of_output, full({1, 2, 2}, 2, DType::f64), 0, 0));
  EXPECT_TRUE(all_close(of_cell, full({1, 2}, 3, DType::f64), 0, 0));
  EXPECT_EQ(hidden_calls, 0);  // no gradient arrived there
}

TEST(TensorHook, ActsInGradAsWell) {
  const Tensor x = leaf({2, -3}), y = x * 2.0;
  register_hook(y, [](const Tensor& g) { return g * 10.0; });
  const auto g = grad(std::vector{sum(y)}, std::vector{x, y});
  EXPECT_TRUE(all_close(g[0], vector({20, 20}), 0, 0));
  EXPECT_TRUE(all_close(g[1], vector({10, 10}), 0, 0));
}

TEST(TensorHook, IsRecordedUnderCreateGraph) {
  const Tensor x = leaf({2});
  register_hook(x, [](const Tensor& g) { return g * g; });
  const Tensor d = grad(std::vector{x * x * x}, std::vector{x}, {}, {.create_graph = true})[0];  // (3 x^2)^2
  EXPECT_EQ(d.item(), 144);
  // d' = 36 x^3, and the hook squares that as well
  EXPECT_EQ(grad(std::vector{d}, std::vector{x})[0].item(), 288 * 288.0);
}

TEST(TensorHook, TheHandleRemovesIt) {
  const Tensor x = leaf({1});
  int first = 0, second = 0;
  HookHandle handle;
  handle = register_hook(x, [&](const Tensor&) {
    ++first;
    handle.remove();  // while it runs
    return Tensor{};
  });
  HookHandle other = register_hook(x, [&](const Tensor&) { return ++second, Tensor{}; });
  sum(x).backward();
  sum(x).backward();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
  other.remove();
  other.remove();
  sum(x).backward();
  EXPECT_EQ(second, 2);
}

TEST(TensorHook, AnErrorLeavesTheEngineClean) {
  const Tensor x = leaf({2, 3}), y = x * 5.0;
  HookHandle handle = register_hook(y, [](const Tensor&) -> Tensor { throw std::runtime_error("mine"); });
  const Tensor z = sum(y * y);
  EXPECT_THROW(z.backward({}, true), std::runtime_error);
  EXPECT_TRUE(GradMode::enabled());
  EXPECT_FALSE(x.grad().defined());
  handle.remove();
  z.backward();
  EXPECT_TRUE(all_close(x.grad(), vector({100, 150}), 0, 0));
}

TEST(TensorHook, KeepsTheGradientThatItWasGiven) {
  const Tensor x = leaf({2, 3});
  Tensor kept;
  register_hook(x, [&](const Tensor& g) { return kept = g, Tensor{}; });
  sum(x * x).backward();
  sum(x * x).backward();
  EXPECT_TRUE(all_close(kept, vector({4, 6}), 0, 0));
  EXPECT_TRUE(all_close(x.grad(), vector({8, 12}), 0, 0));
  kept.fill_(0);
  EXPECT_TRUE(all_close(x.grad(), vector({8, 12}), 0, 0));
}

TEST(TensorHook, GoesWithTheGraphAndWithALeafThatDies) {
  const auto owned = std::make_shared<int>(0);
  const auto counting = [owned](const Tensor&) { return ++*owned, Tensor{}; };
  Tensor y;
  {
    const Tensor gone = leaf({3, 4}), x = leaf({1, 2});
    register_hook(gone, counting);
    y = sum(x + gone);
    register_hook(y, counting);
    EXPECT_EQ(owned.use_count(), 4);
  }
  EXPECT_EQ(owned.use_count(), 3);
  y.backward();
  EXPECT_EQ(*owned, 1);  // y's alone
  y = Tensor{};
  EXPECT_EQ(owned.use_count(), 2);
}

TEST(TensorHook, WhatItRefuses) {
  const Tensor x = leaf({1, 2});
  EXPECT_ERROR(GradError, "register_hook: the tensor f64[2] wants no gradient",
               register_hook(vector({1, 2}), unchanged));
  EXPECT_ERROR(GradError, "register_accumulation_hook: the tensor f64[2] is not a leaf that wants a gradient",
               register_accumulation_hook(x * 2.0, [](const Tensor&) {}));
  const Tensor y = x * 2.0;
  register_hook(y, [](const Tensor&) { return ones({3}, DType::f64); });
  EXPECT_ERROR(ShapeError, "hook: gave f64[3] for the gradient f64[2] of 'affine'", sum(y).backward());
}

TEST(AccumulationHook, IsCalledOnceTheLeafHasItsGradient) {
  const Tensor x = leaf({2, -3});
  std::vector<std::vector<double>> seen;
  HookHandle handle =
      register_accumulation_hook(x, [&](const Tensor& w) { seen.push_back(w.grad().to_vector<double>()); });
  sum(x * x + x).backward();
  sum(x).backward();
  EXPECT_EQ(seen, (std::vector<std::vector<double>>{{5, -5}, {6, -4}}));
  grad(std::vector{sum(x)}, std::vector{x});  // collects nothing
  EXPECT_EQ(seen.size(), 2U);
  handle.remove();
  sum(x).backward();
  EXPECT_EQ(seen.size(), 2U);
}

TEST(AccumulationHook, StepsAnOptimiserInsideBackward) {
  const Tensor a = leaf({4, 1}), b = leaf({2, 3}), plain_a = leaf({4, 1}), plain_b = leaf({2, 3});
  for (const Tensor& parameter : {a, b}) {
    register_accumulation_hook(parameter, [](const Tensor& w) {
      w.copy_(w - w.grad() * 0.1);
      w.zero_grad();
    });
  }
  for (int step = 0; step < 5; ++step) {
    sum(tanh(a * b) * b).backward();
    sum(tanh(plain_a * plain_b) * plain_b).backward();
    const NoGradGuard no_grad;
    for (const Tensor& w : {plain_a, plain_b}) {
      w.copy_(w - w.grad() * 0.1);
      w.zero_grad();
    }
  }
  EXPECT_FALSE(a.grad().defined());
  EXPECT_EQ(a.to_vector<double>(), plain_a.to_vector<double>());
  EXPECT_EQ(b.to_vector<double>(), plain_b.to_vector<double>());
}

TEST(AccumulationHook, MayDropTheLeafItself) {
  auto x = std::make_unique<Tensor>(leaf({2, 3}));
  const Tensor y = sum(*x * 2.0);
  Tensor seen;
  register_accumulation_hook(*x, [&](const Tensor& w) {
    x.reset();
    seen = w.grad();
  });
  y.backward();
  EXPECT_TRUE(all_close(seen, vector({2, 2}), 0, 0));
}

}  // namespace
}  // namespace heed
