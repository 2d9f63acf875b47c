// What ops keep for backward: whatever is written into an op's inputs and results between forward and
// backward, backward gives the same gradients or refuses. Every sample of every op, in both orders.
#include <gtest/gtest.h>

#include <functional>

#include "framework/framework.h"
#include "framework/ops/apply.h"
#include "framework/ops/registry.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

// One number that depends on every element.
Tensor weighed(const std::vector<Tensor>& tensors) {
  Tensor total;
  for (const Tensor& y : tensors) {
    if (!y.defined() || !is_floating(y.dtype()) || !y.requires_grad()) continue;
    const Tensor weights = reshape(sin(arange(y.numel(), DType::f64) * 0.37 + 0.3), y.shape());
    const Tensor one = sum(y * weights + y * y * 0.1);
    total = total.defined() ? total + one : one;
  }
  return total;
}

struct Tried {
  std::vector<Tensor> leaves, inputs, results;
  Tensor loss;  // undefined without a gradient
};

// The sample's graph; of the second order one that goes through its gradients.
Tried record(const OpSample& sample, bool through_an_op, int order) {
  manual_seed(3);
  Tried tried;
  tried.inputs = sample.make_inputs(DType::f64);
  for (Tensor& x : tried.inputs) {
    if (!is_floating(x.dtype())) continue;
    tried.leaves.push_back(x.set_requires_grad(true));
    if (through_an_op) x = x + 0.0;
  }
  tried.results = sample.run(tried.inputs);
  tried.loss = weighed(tried.results);
  if (order == 1 || !tried.loss.defined()) return tried;
  tried.loss = weighed(grad({tried.loss}, std::span<const Tensor>(tried.leaves),
                            {.create_graph = true, .allow_unused = true}));
  return tried;
}

std::vector<Tensor> gradients(const Tried& tried) {
  return grad({tried.loss}, std::span<const Tensor>(tried.leaves), {.allow_unused = true});
}

void overwrite(const Tensor& x) {
  const NoGradGuard no_grad;
  if (x.numel() == 0) return;
  bool stretched = false;  // written to with one value for all
  for (int d = 0; d < x.ndim(); ++d) stretched = stretched || (x.shape()[d] > 1 && x.strides()[d] == 0);
  if (x.dtype() == DType::f64 && !stretched) {
    x.mul_(-1.7);
  } else {
    x.fill_(x.dtype() == DType::boolean && x.contiguous().data<bool>()[0] ? 0 : 1);
  }
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() != b[i].defined()) return false;
    if (a[i].defined() && !all_close(a[i], b[i], 1e-9, 1e-9)) return false;
  }
  return true;
}

TEST(ChangedTensors, BackwardGivesTheSameOrRefuses) {
  int refused = 0, equal = 0;
  for (const OpInfo& op : op_registry()) {
    for (const OpSample& sample : op.make_samples()) {
      for (int order = 1; order <= std::min(2, sample.max_order); ++order) {
        for (const bool through_an_op : {false, true}) {
          const Tried plain = record(sample, through_an_op, order);
          if (!plain.loss.defined()) continue;
          const std::vector<Tensor> expected = gradients(plain);
          const size_t inputs = plain.inputs.size();
          for (size_t i = 0; i < inputs + plain.results.size(); ++i) {
            const Tried tried = record(sample, through_an_op, order);
            overwrite(i < inputs ? tried.inputs[i] : tried.results[i - inputs]);
            try {
              EXPECT_TRUE(same(gradients(tried), expected)) << sample.key << ", order " << order << ", " << i;
              ++equal;
            } catch (const GradError&) {
              ++refused;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(equal, 1000);
  EXPECT_GT(refused, 1000);
}

// Lengths and targets are copied where backward reads them again: a buffer may be filled with the next batch.
TEST(ChangedTensors, LengthsAndTargetsMayBeUsedAgain) {
  const auto lengths = [](int64_t n) { return full({2}, n, DType::i64); };
  const Tensor x = randn({2, 4, 3}), w = randn({8, 3}), u = randn({8, 2}), b = zeros({8});
  const auto of_lstm = [&](int64_t later) {
    const Tensor leaf = x.clone().set_requires_grad(true), n = lengths(2);
    const auto r = lstm(leaf, n, {}, {}, w, u, b);
    n.fill_(later);
    sum(r.output).backward();
    return leaf.grad();
  };
  EXPECT_TRUE(all_close(of_lstm(4), of_lstm(2), 0, 0));
  EXPECT_TRUE(all_close(of_lstm(0), of_lstm(2), 0, 0));
  const Tensor logits = randn({2, 5});
  const auto of_loss = [&](int64_t later) {
    const Tensor leaf = logits.clone().set_requires_grad(true), ids = lengths(3);
    const Tensor loss = cross_entropy(leaf, ids);
    ids.fill_(later);
    return grad({loss}, {leaf}, {.create_graph = true})[0];
  };
  EXPECT_TRUE(all_close(of_loss(1'000'000'000), of_loss(3), 0, 0));
}

// The LSTMs' gates become their gradients in place where no other backward will want them.
TEST(ChangedTensors, AGraphThatIsKeptGivesTheSameTwice) {
  const Tensor x = randn({2, 4, 3}).set_requires_grad(true), w = randn({8, 3}).set_requires_grad(true),
               wide = randn({8, 5}).set_requires_grad(true), u = randn({8, 2}), b = zeros({8});
  const Tensor memory = randn({2, 5, 2}), n = full({2}, 3, DType::i64), state = randn({2, 2});
  const std::vector<std::function<Tensor()>> kinds = {
      [&] { return lstm(x, {}, {}, {}, w, u, b).output; },
      [&] { return lstm(x, n, {}, {}, w, u, b, /*reverse=*/true).output; },
      [&] { return attention_lstm(x, n, memory, memory, n, state, state, wide, u, b, {}, {}).hidden; }};
  for (const auto& result : kinds) {
    const Tensor loss = sum(square(result()));
    const auto gradients_of = [&](bool keep) { return grad({loss}, {x}, {.retain_graph = keep})[0]; };
    const Tensor first = gradients_of(true);
    EXPECT_TRUE(all_close(gradients_of(false), first, 0, 0));
    EXPECT_THROW(gradients_of(false), GradError);
  }
}

TEST(ChangedTensors, OfAttentionTooLengthsAndTargetsMayBeUsedAgain) {
  const Tensor memory = randn({2, 5, 2}), state = randn({2, 2}), w = randn({8, 5}), u = randn({8, 2}),
               b = zeros({8});
  const auto of_lstm = [&](int64_t later) {
    const Tensor x = ones({2, 4, 3}).set_requires_grad(true), n = full({2}, 2, DType::i64),
                 s = full({2}, 3, DType::i64);
    const Tensor y = attention_lstm(x, n, memory, memory, s, state, state, w, u, b, {}, {}).hidden;
    n.fill_(later), s.fill_(later);
    return grad({sum(y)}, {x})[0];
  };
  EXPECT_TRUE(all_close(of_lstm(4), of_lstm(2), 0, 0));
  EXPECT_TRUE(all_close(of_lstm(0), of_lstm(2), 0, 0));
  const Tensor table = randn({5, 2});
  const auto of_loss = [&](int64_t later) {
    const Tensor x = ones({3, 2}).set_requires_grad(true), ids = full({3}, 4, DType::i64);
    const Tensor loss = linear_cross_entropy(x, table, {}, ids);
    ids.fill_(later);
    return grad({loss}, {x}, {.create_graph = true})[0];
  };
  EXPECT_TRUE(all_close(of_loss(1'000'000'000), of_loss(4), 0, 0));
}

// An op that writes into what it has taken.
struct Overwriting {
  static constexpr const char* kName = "overwriting";
  Tensor forward(const Tensor& x, Saved& saved) const {
    saved.input(x);
    return x.clone();
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    saved.take(0).fill_(7);
    d.add(0, g);
  }
};

TEST(ChangedTensors, WhatOthersHoldIsNotTaken) {
  const Tensor x = ones({3}).set_requires_grad(true), y = x * 2.0;
  sum(apply(Overwriting{}, y)).backward();
  sum(apply(Overwriting{}, x)).backward();
  const Tensor part = slice(y, 0, 1, 2);
  sum(apply(Overwriting{}, slice(x * 2.0, 0, 0, 2))).backward();
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{2, 2, 2}));
  EXPECT_EQ(part.to_vector<float>(), (std::vector<float>{2}));
}

}  // namespace
}  // namespace heed
