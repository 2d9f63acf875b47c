// Results that backward computes again instead of keeping them.
#include <gtest/gtest.h>

#include <array>

#include "framework/core/memory_pool.h"
#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

constexpr int64_t kRows = 96, kSize = 64;  // large enough for a result to be computed again

struct Leaves {
  DType dtype;
  Tensor x = leaf({kRows, kSize}, -1, 1), gain = leaf({kSize}, 0.5, 1.5), bias = leaf({kSize}, -1, 1),
         weight = leaf({8, kSize}, -1, 1);

  Tensor leaf(const Shape& shape, double low, double high) const {
    return uniform(shape, low, high, dtype).set_requires_grad(true);
  }
  std::array<Tensor, 4> all() const { return {x, gain, bias, weight}; }
};

// Two readers of one layer norm, and a layer norm that reads a layer norm. `keep`: the readers read a view,
// which is no result that is computed again.
Tensor loss_of(const Leaves& leaves, bool keep) {
  const auto as_read = [&](const Tensor& y) { return keep ? reshape(y, {1, kRows, kSize}) : y; };
  const Tensor y = as_read(layer_norm(leaves.x, leaves.gain, leaves.bias)),
               again = as_read(layer_norm(y, leaves.gain, leaves.bias));
  return sum(square(linear(y, leaves.weight, {})) * linear(tanh(again), leaves.weight, {}));
}

TEST(Recompute, GradientsHaveTheBitsOfThoseFromKeptResults) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    manual_seed(5);
    const Leaves leaves{dtype};
    const auto kept = grad(std::array{loss_of(leaves, true)}, leaves.all()),
               anew = grad(std::array{loss_of(leaves, false)}, leaves.all());
    for (size_t i = 0; i < kept.size(); ++i)
      EXPECT_EQ(kept[i].to(DType::f64).to_vector<double>(), anew[i].to(DType::f64).to_vector<double>()) << i;
  }
}

TEST(Recompute, GradientsOfGradientsAreThoseFromKeptResults) {
  manual_seed(6);
  const Leaves leaves{DType::f64};
  const auto second = [&](bool keep) {
    const auto first = grad(std::array{loss_of(leaves, keep)}, leaves.all(), {}, {.create_graph = true});
    Tensor total;
    for (const Tensor& g : first) total = total.defined() ? total + sum(square(g)) : sum(square(g));
    return grad(std::array{total}, leaves.all());
  };
  const auto kept = second(true), anew = second(false);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(all_close(anew[i], kept[i], 1e-9, 1e-9)) << i;
}

TEST(Recompute, TheResultIsNotKept) {
  manual_seed(7);
  const Leaves leaves{DType::f32};
  const auto bytes_of = [&](bool keep) {
    const int64_t before = memory_stats().active_bytes;
    Tensor y = layer_norm(leaves.x, leaves.gain, leaves.bias);
    if (keep) y = reshape(y, {1, kRows, kSize});
    const Tensor z = linear(y, leaves.weight, {});
    y = Tensor{};
    return memory_stats().active_bytes - before;
  };
  EXPECT_GE(bytes_of(true) - bytes_of(false), kRows * kSize * static_cast<int64_t>(sizeof(float)));
}

TEST(Recompute, AWriteToTheResultDoesNotChangeTheGradient) {
  manual_seed(8);
  const Leaves leaves{DType::f64};
  const auto gradient = [&](bool write) {
    const Tensor y = layer_norm(leaves.x, leaves.gain, leaves.bias), z = linear(y, leaves.weight, {});
    if (write) {
      const NoGradGuard no_grad;
      y.fill_(7);
    }
    return grad(std::array{sum(square(z))}, std::array{leaves.weight}).front().to_vector<double>();
  };
  EXPECT_EQ(gradient(true), gradient(false));
}

TEST(Recompute, WhatWasWrittenBeforeItIsReadIsWhatIsRead) {
  manual_seed(9);
  const Leaves leaves{DType::f64};
  const Tensor y = layer_norm(leaves.x, leaves.gain, leaves.bias);
  {
    const NoGradGuard no_grad;
    y.fill_(2);
  }
  const auto g = grad(std::array{sum(linear(y, leaves.weight, {}))}, std::array{leaves.weight}).front();
  EXPECT_EQ(g.to_vector<double>(), std::vector<double>(8 * kSize, 2.0 * kRows));
}

TEST(Recompute, AWriteToWhatTheResultIsMadeOfIsFound) {
  const Leaves leaves{DType::f64};
  const Tensor y = linear(layer_norm(leaves.x * 1.0, leaves.gain, leaves.bias), leaves.weight, {});
  {
    const NoGradGuard no_grad;
    leaves.bias.fill_(1);
  }
  EXPECT_ERROR(GradError,
               "backward: saved input 3 of 'layer_norm' was changed in place (version 1, expected 0)",
               sum(y).backward());
}

// x and its tenfold, which counts how often it is made.
struct Tenfold {
  static constexpr const char* kName = "tenfold";
  int* made;
  Tensor forward(const Tensor& x, Saved& saved) const {
    saved.input(x);
    return again(saved, x);
  }
  Tensor again(const Saved& saved) const { return again(saved, saved[0]); }
  Tensor again(const Saved&, const Tensor& x) const {
    ++*made;
    return x * 10.0;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, g * 10.0); }
};

TEST(Recompute, AnOpOfAUsersOwnIsMadeAgainOnceABackward) {
  int made = 0;
  const Tensor x = uniform({kRows, kSize}, -1, 1).set_requires_grad(true);
  const Tensor y = apply(Tenfold{&made}, x), loss = sum(y * y + exp(y) * y);
  EXPECT_EQ(made, 1);
  loss.backward({}, /*retain_graph=*/true);
  EXPECT_EQ(made, 2);
  const std::vector<float> once = x.grad().to_vector<float>();
  x.zero_grad();
  loss.backward();
  EXPECT_EQ(made, 3);
  EXPECT_EQ(x.grad().to_vector<float>(), once);
  EXPECT_ERROR(GradError, "backward: the graph of 'mul' was freed by an earlier backward; pass retain_graph",
               loss.backward());
}

TEST(Recompute, SmallResultsAreKept) {
  int made = 0;
  const Tensor x = ones({4}).set_requires_grad(true), y = apply(Tenfold{&made}, x);
  sum(y * y).backward();
  EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace heed
