// flash_attention against scaled_dot_attention, whose weights are stored, at sizes on both sides of its
// blocks' edges; and its memory.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/memory_pool.h"
#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

struct AttentionCall {
  Tensor query, key, value, lengths;
  int64_t heads;
  bool causal;
  Tensor mask;
};

// Context, and the gradients of query, key, value and a mask that is added, for a cotangent of waves.
std::vector<Tensor> context_and_gradients(const AttentionCall& call, bool flash) {
  std::vector<Tensor> leaves;
  for (const Tensor& x : {call.query, call.key, call.value})
    leaves.push_back(x.clone().set_requires_grad(true));
  Tensor mask = call.mask;
  if (mask.defined() && is_floating(mask.dtype()))
    leaves.push_back(mask = mask.clone().set_requires_grad(true));
  const Tensor context =
      flash
          ? flash_attention(leaves[0], leaves[1], leaves[2], call.lengths, call.heads, call.causal, mask)
          : scaled_dot_attention(leaves[0], leaves[1], leaves[2], call.lengths, call.heads, call.causal, mask)
                .context;
  const Tensor waves =
      reshape(cos(arange(context.numel(), DType::f64) * 1.7) + 0.5, context.shape()).to(context.dtype());
  std::vector<Tensor> results = grad(std::vector{context}, leaves, std::vector{waves});
  results.push_back(context.detach());
  return results;
}

void expect_the_same(const AttentionCall& call, const std::string& what) {
  const double tolerance = call.query.dtype() == DType::f32 ? 1e-5 : 1e-12;
  const std::vector<Tensor> flash = context_and_gradients(call, true),
                            stored = context_and_gradients(call, false);
  for (size_t i = 0; i < flash.size(); ++i)
    EXPECT_TRUE(all_close(flash[i], stored[i], tolerance, tolerance)) << what << ", result " << i;
}

TEST(FlashAttention, EqualsScaledDotAttentionWhereverBlocksEnd) {
  manual_seed(41);
  Generator random(7);
  for (const DType dtype : {DType::f64, DType::f32}) {
    for (const auto& [T, S] : {std::pair<int64_t, int64_t>{1, 1},
                               {1, 700},
                               {127, 255},
                               {128, 256},
                               {129, 257},
                               {300, 300},
                               {256, 515},
                               {3, 513}}) {
      for (const bool causal : {false, true}) {
        const int64_t B = 2, heads = 2, d = 3 + random.next_below(6), e = 1 + random.next_below(9);
        // rows that see nothing, those that end inside of a block, and all
        const Tensor lengths = from_vector(
            std::vector<int64_t>{static_cast<int64_t>(random.next_below(static_cast<uint64_t>(S) + 1)),
                                 S / 3},
            {B});
        for (const Tensor& used : {Tensor{}, lengths}) {
          expect_the_same({randn({B, T, heads * d}, dtype),
                           randn({B, S, heads * d}, dtype),
                           randn({B, S, heads * e}, dtype),
                           used,
                           heads,
                           causal,
                           {}},
                          fmt::format("T {} S {} causal {}", T, S, causal));
        }
      }
    }
  }
}

TEST(FlashAttention, TakesEveryFormOfMask) {
  manual_seed(42);
  constexpr int64_t B = 2, heads = 2, T = 150, S = 300;
  const Tensor lengths = from_vector(std::vector<int64_t>{S, 270}, {B});
  for (const DType dtype : {DType::f64, DType::f32}) {
    for (const Shape& shape :
         {Shape{T, S}, Shape{1, S}, Shape{B, T, S}, Shape{B, 1, S}, Shape{B, heads, T, S},
          Shape{1, heads, T, 1}, Shape{B, 1, 1, S}, Shape{1, heads, 1, S}, Shape{1, 1, 1, 1}}) {
      for (const bool causal : {false, true}) {
        for (const bool of_bool : {false, true}) {
          const Tensor drawn = randn(shape, dtype), mask = of_bool ? gt(drawn, full({}, 1.0, dtype)) : drawn;
          expect_the_same({randn({B, T, 8}, dtype), randn({B, S, 8}, dtype), randn({B, S, 12}, dtype),
                           lengths, heads, causal, mask},
                          fmt::format("mask {} causal {}", mask.describe(), causal));
        }
      }
    }
  }
}

// A window of 64 keys: whole blocks see nothing, and so do the first rows of some others. Hidden by a bool
// mask, and by -inf.
TEST(FlashAttention, BlocksThatAMaskHidesAddNothing) {
  manual_seed(43);
  constexpr int64_t T = 600;
  const Tensor rows = unsqueeze(arange(T), 1), columns = arange(T);
  const Tensor near = logical_and(le(columns, rows), gt(columns, rows - 64.0));
  const double hidden = -std::numeric_limits<double>::infinity();
  const Tensor q = randn({1, T, 8}, DType::f64), k = randn({1, T, 8}, DType::f64),
               v = randn({1, T, 8}, DType::f64);
  expect_the_same({q, k, v, {}, 2, false, near}, "bool");
  expect_the_same({q, k, v, {}, 2, false, masked_fill(zeros({T, T}, DType::f64), logical_not(near), hidden)},
                  "added");
  const Tensor alone = full({T, T}, 0, DType::i64).to(DType::boolean);  // none sees anything
  for (const Tensor& x : context_and_gradients({q, k, v, {}, 2, false, alone}, true))
    EXPECT_EQ(amax(abs(x)).item(), 0);
}

TEST(FlashAttention, ReadsSlicesOfAJointProjection) {
  manual_seed(44);
  const Tensor joint = randn({2, 200, 24}, DType::f64).set_requires_grad(true);
  const auto part = [&](int64_t i) { return slice(joint, 2, 8 * i, 8 * (i + 1)); };
  const Tensor flash = flash_attention(part(0), part(1), part(2), {}, 2, true),
               stored = scaled_dot_attention(part(0), part(1), part(2), {}, 2, true).context;
  EXPECT_TRUE(all_close(flash, stored, 1e-12, 1e-12));
  const auto gradient = [&](const Tensor& context) {
    return grad(std::vector{sum(context * context)}, std::vector{joint})[0];
  };
  EXPECT_TRUE(all_close(gradient(flash), gradient(stored), 1e-12, 1e-12));
}

// Scores of some thousands, whose exponentials of one block are nothing beside those of another: the maximum
// and not its log-sum-exp is kept, so that f32 stays as exact as the stored form.
TEST(FlashAttention, LargeScoresAreShiftedByTheirMaximum) {
  manual_seed(45);
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Tensor q = randn({1, 130, 4}, dtype) * 60.0, k = randn({1, 520, 4}, dtype) * 60.0,
                 v = randn({1, 520, 4}, dtype);
    const std::vector<Tensor> flash = context_and_gradients({q, k, v, {}, 1, false, {}}, true),
                              stored = context_and_gradients({q, k, v, {}, 1, false, {}}, false);
    // a score of 8000 has an error of 5e-4 in f32, in both
    EXPECT_TRUE(all_close(flash.back(), stored.back(), dtype == DType::f32 ? 1e-2 : 1e-10,
                          dtype == DType::f32 ? 2e-3 : 1e-10));
    for (const Tensor& x : flash) EXPECT_TRUE(all(isfinite(x)).to_vector<bool>()[0]);
  }
}

// What a query does not see does not reach it, also where it is infinite or NaN: the last key and value, in a
// block that others do see.
TEST(FlashAttention, WhatIsNotSeenIsNotMultiplied) {
  for (const double bad :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      constexpr int64_t T = 300;
      const auto run = [&](bool sick) {
        manual_seed(46);
        std::vector<Tensor> x;
        for (int i = 0; i < 3; ++i) {
          Tensor of = randn({1, T, 4}, dtype);
          if (sick && i > 0) of = concat({slice(of, 1, 0, T - 1), full({1, 1, 4}, bad, dtype)}, 1);
          x.push_back(of.set_requires_grad(true));
        }
        const Tensor context = slice(flash_attention(x[0], x[1], x[2], {}, 2, true), 1, 0, T - 1);
        const Tensor dq = grad(std::vector{sum(context * context)}, std::vector{x[0]})[0];
        return std::pair{context.detach(), slice(dq, 1, 0, T - 1)};
      };
      const auto sick = run(true), well = run(false);
      EXPECT_TRUE(all_close(sick.first, well.first, 1e-5, 1e-5)) << bad;
      EXPECT_TRUE(all_close(sick.second, well.second, 1e-5, 1e-5)) << bad;
    }
  }
}

TEST(FlashAttention, SecondDerivativesAreThoseOfTheStoredForm) {
  manual_seed(47);
  const Tensor q = randn({1, 130, 4}, DType::f64).set_requires_grad(true),
               k = randn({1, 260, 4}, DType::f64).set_requires_grad(true);
  const auto twice = [&](bool flash) {
    const Tensor context =
        flash ? flash_attention(q, k, k, {}, 2, true) : scaled_dot_attention(q, k, k, {}, 2, true).context;
    const std::vector<Tensor> first =
        grad(std::vector{sum(context * context)}, std::vector{q, k}, {}, {.create_graph = true});
    return grad(std::vector{sum(first[0] * first[0]) + sum(first[1] * first[1])}, std::vector{q, k});
  };
  const std::vector<Tensor> flash = twice(true), stored = twice(false);
  for (size_t i = 0; i < flash.size(); ++i) EXPECT_TRUE(all_close(flash[i], stored[i], 1e-10, 1e-10)) << i;
}

TEST(FlashAttention, OnlyTheWantedGradientsAreComputed) {
  manual_seed(48);
  const Tensor q = randn({1, 140, 4}, DType::f64), k = randn({1, 300, 4}, DType::f64),
               m = randn({140, 300}, DType::f64);
  const std::vector<Tensor> all = context_and_gradients({q, k, k, {}, 2, false, m}, true);
  for (size_t wanted = 0; wanted < 4; ++wanted) {
    std::vector<Tensor> x{q.clone(), k.clone(), k.clone(), m.clone()};
    x[wanted].set_requires_grad(true);
    const Tensor context = flash_attention(x[0], x[1], x[2], {}, 2, false, x[3]);
    const Tensor waves = reshape(cos(arange(context.numel(), DType::f64) * 1.7) + 0.5, context.shape());
    const Tensor found = grad(std::vector{context}, std::vector{x[wanted]}, std::vector{waves})[0];
    EXPECT_TRUE(all_close(found, all[wanted], 0, 0)) << wanted;
  }
}

// The pool's largest use by forward and backward beside the inputs, with the gradients of all three.
int64_t peak_of(int64_t T) {
  constexpr int64_t kHeads = 4, kSize = kHeads * 16;
  manual_seed(49);
  std::vector<Tensor> x;
  for (int i = 0; i < 3; ++i) x.push_back(randn({1, T, kSize}).set_requires_grad(true));
  const Tensor g = randn({1, T, kSize});
  const int threads = num_threads();
  set_num_threads(2);
  reset_peak_memory();
  const int64_t before = memory_stats().active_bytes;
  flash_attention(x[0], x[1], x[2], {}, kHeads, true).backward(g);
  const int64_t peak = memory_stats().peak_bytes - before;
  set_num_threads(threads);
  return peak;
}

TEST(FlashAttention, MemoryGrowsWithTheLengthAndNotWithItsSquare) {
  const int64_t half = peak_of(2048), whole = peak_of(4096);
  EXPECT_LE(whole, 2.1 * static_cast<double>(half));
  EXPECT_LE(whole, int64_t{4} * 4096 * 4096 * 4 / 10);  // a tenth of the scores of the heads
}

TEST(FlashAttention, RefusesUnderItsOwnName) {
  const Tensor q = zeros({2, 3, 4}), k = zeros({2, 5, 4});
  EXPECT_ERROR(
      ShapeError,
      "flash_attention: query, key and value do not fit together: [2, 3, 4], [2, 5, 4] and [2, 3, 4]",
      flash_attention(q, k, q, {}, 2));
  EXPECT_ERROR(ShapeError, "flash_attention: 5 causal queries at the end of 3 keys",
               flash_attention(k, q, q, {}, 2, true));
  EXPECT_ERROR(DTypeError, "flash_attention: a mask is bool or f32, got f64[3, 5]",
               flash_attention(q, k, k, {}, 2, false, zeros({3, 5}, DType::f64)));
}

}  // namespace
}  // namespace heed
