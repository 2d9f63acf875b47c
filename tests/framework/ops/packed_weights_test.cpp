// linear() with weights that are kept packed, against the plain product.
#include "framework/ops/packed_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "framework/autograd/grad_mode.h"
#include "framework/core/random.h"
#include "framework/ops/ops.h"

namespace heed {
namespace {

// Sums of `depth` products in another order.
void expect_near(const Tensor& a, const Tensor& b, int64_t depth = 64) {
  ASSERT_EQ(a.shape(), b.shape());
  const auto x = a.to_vector<float>(), y = b.to_vector<float>();
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(x[i], y[i], (2e-6F + 7e-7F * std::sqrt(static_cast<float>(depth))) * (1 + std::abs(y[i])))
        << i;
}

TEST(PackedWeights, GiveThePlainProduct) {
  manual_seed(7);
  const NoGradGuard no_grad;
  for (const auto& [N, K] :
       {std::pair<int64_t, int64_t>{32, 32}, {33, 40}, {50, 31}, {129, 65}, {1, 2000}, {1025, 7}}) {
    const Tensor weight = uniform({N, K}, -1, 1), across = transpose(uniform({K, N}, -1, 1)),
                 bias = uniform({N}, -1, 1);
    PackedWeights cache;
    for (const int64_t M : {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 25, 64, 65}) {
      const Tensor x = uniform({M, K}, -1, 1), shifted = slice(uniform({M, K + 3}, -1, 1), 1, 2, K + 2);
      for (const Tensor& w : {weight, across}) {
        for (const Tensor& b : {bias, Tensor{}}) {
          const Tensor plain = linear(x, w, b), plain_shifted = linear(shifted, w, b);
          const PackedWeights::Scope scope(cache);
          expect_near(linear(x, w, b), plain, K);
          expect_near(linear(shifted, w, b), plain_shifted, K);
        }
      }
    }
    EXPECT_GT(cache.bytes(), 0U);
  }
}

// The steps of an LSTM take the kept form of W_hh, in f32 and in 8 bits.
TEST(PackedWeights, ServeTheStepsOfAnLSTM) {
  manual_seed(9);
  const NoGradGuard no_grad;
  constexpr int64_t B = 5, D = 20, H = 32;
  const Tensor w_ih = uniform({4 * H, D}, -0.3, 0.3), w_hh = uniform({4 * H, H}, -0.3, 0.3),
               bias = uniform({4 * H}, -0.3, 0.3), h = uniform({B, H}, -1, 1), c = uniform({B, H}, -1, 1),
               lengths = from_vector(std::vector<int64_t>{3, 0, 1, 4, 2}, {B});
  for (const int64_t steps : {1, 4}) {
    const Tensor x = uniform({B, steps, D}, -1, 1), some = steps == 1 ? Tensor{} : lengths;
    for (const bool reverse : {false, true}) {
      const LSTMResult plain = lstm(x, some, h, c, w_ih, w_hh, bias, reverse);
      for (const ProductType type : {ProductType::f32, ProductType::int8}) {
        PackedWeights cache;
        cache.compute_in(type);
        const PackedWeights::Scope scope(cache);
        const LSTMResult kept = lstm(x, some, h, c, w_ih, w_hh, bias, reverse);
        EXPECT_GE(cache.bytes(), static_cast<size_t>(4 * H * (D + H)));  // both matrices
        for (const auto& [a, b] :
             {std::pair(&kept.output, &plain.output), std::pair(&kept.hidden, &plain.hidden),
              std::pair(&kept.cell, &plain.cell)}) {
          if (type == ProductType::f32) {
            expect_near(*a, *b);
            continue;
          }
          const auto u = a->to_vector<float>(), v = b->to_vector<float>();
          EXPECT_NE(u, v);
          for (size_t i = 0; i < u.size(); ++i) ASSERT_NEAR(u[i], v[i], 0.05) << i;
        }
      }
    }
  }
}

TEST(PackedWeights, ARowDoesNotDependOnTheOthers) {
  manual_seed(8);
  const NoGradGuard no_grad;
  const Tensor weight = uniform({203, 70}, -1, 1), x = uniform({40, 70}, -1, 1);
  PackedWeights cache;
  const PackedWeights::Scope scope(cache);
  const auto all = linear(x, weight, {}).to_vector<float>();
  for (const int64_t M : {1, 2, 5, 12, 39}) {
    const auto some = linear(slice(x, 0, 0, M), weight, {}).to_vector<float>();
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << M;
  }
}

TEST(PackedWeights, AreMadeAnewWhenTheWeightsChange) {
  manual_seed(9);
  Tensor weight = uniform({64, 64}, -1, 1);
  const Tensor x = uniform({3, 64}, -1, 1);
  PackedWeights cache;
  const auto packed = [&] {
    const NoGradGuard no_grad;
    const PackedWeights::Scope scope(cache);
    return linear(x, weight, {});
  };
  const Tensor before = packed();
  {
    const NoGradGuard no_grad;
    weight.fill_(0.5);  // by an op
  }
  expect_near(packed(), linear(x, weight, {}));
  for (int64_t i = 0; i < weight.numel(); ++i) weight.data<float>()[i] = 0.25F;  // past all ops
  cache.recheck();
  expect_near(packed(), linear(x, weight, {}));
  const size_t bytes = cache.bytes();
  weight = uniform({64, 64}, -1, 1);  // another tensor, wherever it lies
  expect_near(packed(), linear(x, weight, {}));
  EXPECT_GE(cache.bytes(), bytes);
}

TEST(PackedWeights, DoNotKeepWhatNobodyElseHolds) {
  const NoGradGuard no_grad;
  const Tensor kept = ones({64, 64}), x = ones({3, 64});
  PackedWeights cache;
  const PackedWeights::Scope scope(cache);
  linear(x, kept, {});
  const size_t one = cache.bytes();
  for (int i = 0; i < 50; ++i) linear(x, full({64, 64}, i), {});
  EXPECT_LE(cache.bytes(), 2 * one);
  linear(x, kept, {});
  EXPECT_EQ(linear(x, kept, {}).to_vector<float>()[0], 64);
}

// In int8 any number of rows takes the kept weights; errors are those of two roundings to 1/254 of the
// largest.
TEST(PackedWeights, ComputeInInt8) {
  manual_seed(11);
  const NoGradGuard no_grad;
  for (const auto& [N, K] : {std::pair<int64_t, int64_t>{33, 40}, {200, 192}, {1025, 7}}) {
    const Tensor weight = uniform({N, K}, -1, 1), bias = uniform({N}, -1, 1);
    PackedWeights cache;
    cache.compute_in(ProductType::int8);
    for (const int64_t M : {1, 5, 64, 300}) {
      const Tensor x = uniform({M, K}, -1, 1);
      const auto plain = linear(x, weight, bias).to_vector<float>();
      const PackedWeights::Scope scope(cache);
      const auto found = linear(x, weight, bias).to_vector<float>();
      double square = 0, worst = 0;
      for (size_t i = 0; i < plain.size(); ++i) {
        const double error = static_cast<double>(found[i]) - static_cast<double>(plain[i]);
        square += error * error;
        worst = std::max(worst, std::abs(error));
      }
      EXPECT_LT(worst, static_cast<double>(K) * 2 / 254);
      // uniform errors of step 1/127 beside values of variance 1/3, twice
      EXPECT_NEAR(std::sqrt(square / static_cast<double>(plain.size())),
                  std::sqrt(static_cast<double>(K) * 2 / 3 / 12) / 127,
                  0.3 * std::sqrt(static_cast<double>(K)) / 254);
      EXPECT_GT(square, 0);
    }
    const size_t bytes = cache.bytes();
    EXPECT_LT(bytes, static_cast<size_t>((N + 31) * (K + 3 + 8)));  // a byte each, a scale and a sum a column
    cache.compute_in(ProductType::f32);
    EXPECT_EQ(cache.bytes(), 0U);
    const Tensor x = uniform({3, K}, -1, 1);
    const Tensor plain = linear(x, weight, bias);
    const PackedWeights::Scope scope(cache);
    expect_near(linear(x, weight, bias), plain, K);
  }
}

TEST(PackedWeights, StayOutOfTraining) {
  manual_seed(10);
  Tensor weight = uniform({64, 64}, -1, 1);
  weight.set_requires_grad(true);
  const Tensor x = uniform({3, 64}, -1, 1);
  PackedWeights cache;
  const PackedWeights::Scope scope(cache);
  const Tensor y = linear(x, weight, {});
  EXPECT_EQ(cache.bytes(), 0U);
  sum(y).backward();
  EXPECT_TRUE(weight.grad().defined());
  const NoGradGuard no_grad;
  linear(x.to(DType::f64), weight.to(DType::f64), {});
  EXPECT_EQ(cache.bytes(), 0U);
}

}  // namespace
}  // namespace heed
