// Tensors whose values are 8 bits with scales, or bf16, until someone asks for them.
#include "framework/core/stored_values.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "framework/autograd/grad_mode.h"
#include "framework/core/half.h"
#include "framework/core/memory_pool.h"
#include "framework/core/random.h"
#include "framework/ops/ops.h"
#include "framework/ops/packed_weights.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

struct Stored {
  std::shared_ptr<std::vector<int8_t>> whole = std::make_shared<std::vector<int8_t>>();
  std::vector<float> scales;
  std::vector<float> values;
  Shape shape;

  Tensor tensor() const { return from_quantised(whole->data(), scales, shape, whole); }
};

// Rows as heed writes them (their largest number is 127), rows of others, with -128, and rows of zeros.
Stored stored(const Shape& shape) {
  const int64_t rows = shape[0], columns = shape.numel() / rows;
  Stored result;
  result.shape = shape;
  manual_seed(5);
  const std::vector<float> drawn = uniform({rows, columns}, -127, 127).to_vector<float>();
  for (int64_t r = 0; r < rows; ++r) {
    result.scales.push_back(r % 5 == 4 ? 0 : 0.001F * static_cast<float>(r + 1));
    for (int64_t c = 0; c < columns; ++c) {
      auto q = static_cast<int8_t>(drawn[static_cast<size_t>(r * columns + c)]);
      if (c == 0)
        q = static_cast<int8_t>(std::vector<int>{127, -127, 90, -128, 0}[static_cast<size_t>(r % 5)]);
      if (r % 5 == 2) q = static_cast<int8_t>(q / 2);
      if (r % 5 == 4) q = 0;
      result.whole->push_back(q);
      result.values.push_back(static_cast<float>(q) * result.scales.back());
    }
  }
  return result;
}

TEST(StoredValues, AreMadeInF32WhenTheyAreAskedFor) {
  for (const Shape& shape : {Shape{30, 17}, Shape{6, 5, 40}, Shape{700}}) {
    const Stored s = stored(shape);
    const size_t active = memory_stats().active_bytes;
    const Tensor x = s.tensor(), view = slice(x, 0, 1, 3);
    EXPECT_TRUE(quantised_rows(x));
    EXPECT_LT(memory_stats().active_bytes - active, 1024U);
    EXPECT_EQ(x.to_vector<float>(), s.values);
    EXPECT_FALSE(quantised_rows(x));
    EXPECT_FALSE(quantised_rows(view));
    EXPECT_EQ(view.raw_data(), static_cast<float*>(x.raw_data()) + shape.numel() / shape[0]);
    x.fill_(3);
    EXPECT_EQ(view.to_vector<float>()[0], 3);
  }
  const Stored s = stored({4, 3});
  EXPECT_ERROR(ShapeError, "from_quantised: 4 scales for [3, 4]",
               from_quantised(s.whole->data(), s.scales, {3, 4}, s.whole));
  EXPECT_EQ(from_quantised(nullptr, {}, {0, 4}, nullptr).numel(), 0);
}

TEST(StoredValues, KeepTheirNumbersAndGiveTheirMemoryBack) {
  Stored s = stored({50, 40});
  const size_t active = memory_stats().active_bytes;
  {
    const Tensor x = s.tensor();
    EXPECT_EQ(s.whole.use_count(), 2);
    EXPECT_EQ(x.to_vector<float>(), s.values);
    EXPECT_GE(memory_stats().active_bytes - active, 50U * 40 * 4);
  }
  EXPECT_EQ(s.whole.use_count(), 1);
  EXPECT_EQ(memory_stats().active_bytes, active);
}

TEST(StoredValues, AreTheSameForThreadsThatAskAtOnce) {
  const Stored s = stored({200, 64});
  for (int round = 0; round < 20; ++round) {
    const Tensor x = s.tensor();
    std::vector<const void*> found(4);
    std::vector<std::thread> threads;
    for (const void*& place : found) threads.emplace_back([&x, &place] { place = x.raw_data(); });
    for (std::thread& thread : threads) thread.join();
    for (const void* place : found) EXPECT_EQ(place, x.raw_data());
    ASSERT_EQ(x.to_vector<float>(), s.values);
  }
}

TEST(StoredValues, AreSharedByAModule) {
  const Stored s = stored({30, 40});
  const Tensor x = s.tensor(), to = zeros({30, 40}), part = zeros({29, 40});
  EXPECT_FALSE(share_memory(part, slice(x, 0, 1, 30)));
  ASSERT_TRUE(share_memory(to, x));
  EXPECT_TRUE(quantised_rows(to));
  const Tensor view = transpose(to);
  EXPECT_EQ(to.to_vector<float>(), s.values);
  EXPECT_EQ(to.raw_data(), x.raw_data());
  EXPECT_EQ(view.raw_data(), x.raw_data());
}

// Products in 8 bits, rows of a table: the bits that the values in f32 give, and no values are made.
TEST(StoredValues, AreMultipliedAndLookedUpInEightBits) {
  const NoGradGuard no_grad;
  const Stored s = stored({65, 48});
  const Tensor f32 = from_vector(s.values, {65, 48}), x = uniform({3, 48}, -1, 1);
  const Tensor ids = from_vector(std::vector<int64_t>{64, 0, 4, 3}, {2, 2});
  const auto product = [&](const Tensor& weight) {
    PackedWeights cache;
    cache.compute_in(ProductType::int8);
    const PackedWeights::Scope scope(cache);
    return linear(x, weight, {}).to_vector<float>();
  };
  const Tensor quantised = s.tensor();
  EXPECT_EQ(product(quantised), product(f32));
  EXPECT_EQ(product(slice(quantised, 0, 10, 60)), product(slice(f32, 0, 10, 60)));
  EXPECT_EQ(embedding(quantised, ids).to_vector<float>(), embedding(f32, ids).to_vector<float>());
  EXPECT_ERROR(IndexError, "embedding: index 65 out of range for 65 rows",
               embedding(quantised, from_vector(std::vector<int64_t>{65}, {1})));
  EXPECT_TRUE(quantised_rows(quantised));
  // columns are none of its rows
  const Tensor columns = slice(quantised, 1, 0, 40);
  EXPECT_FALSE(quantised_rows(columns));
  EXPECT_FALSE(quantised_rows(transpose(quantised)));
  EXPECT_FALSE(quantised_rows(f32));
}

// The same of bf16; sums and inputs are f32, so that products are those of the rounded weights.
TEST(StoredValues, StayInBf16) {
  const NoGradGuard no_grad;
  manual_seed(6);
  const Tensor drawn = uniform({65, 300}, -1, 1), x = uniform({70, 300}, -1, 1);
  auto bits = std::make_shared<std::vector<uint16_t>>();
  std::vector<float> values;
  for (const float value : drawn.to_vector<float>()) {
    bits->push_back(to_bf16(value));
    values.push_back(from_bf16(bits->back()));
  }
  const Tensor f32 = from_vector(values, {65, 300}), stored = from_bf16_rows(bits->data(), {65, 300}, bits);
  const auto product = [&](const Tensor& weight, int64_t rows, ProductType type) {
    PackedWeights cache;
    cache.compute_in(type);
    const PackedWeights::Scope scope(cache);
    return linear(slice(x, 0, 0, rows), weight, {});
  };
  for (const int64_t rows : {1, 2, 5, 12, 13, 70}) {
    const Tensor found = product(stored, rows, ProductType::bf16);
    EXPECT_EQ(found.to_vector<float>(), product(f32, rows, ProductType::bf16).to_vector<float>());
    EXPECT_EQ(found.to_vector<float>(), product(drawn, rows, ProductType::bf16).to_vector<float>());
    EXPECT_TRUE(all_close(found, linear(slice(x, 0, 0, rows), f32, {}), 1e-5, 1e-5));
  }
  const Tensor ids = from_vector(std::vector<int64_t>{64, 0, 4, 3}, {2, 2});
  EXPECT_EQ(embedding(stored, ids).to_vector<float>(), embedding(f32, ids).to_vector<float>());
  EXPECT_EQ(product(slice(stored, 0, 3, 60), 4, ProductType::bf16).to_vector<float>(),
            product(slice(f32, 0, 3, 60), 4, ProductType::bf16).to_vector<float>());
  EXPECT_TRUE(bf16_rows(stored));
  EXPECT_FALSE(quantised_rows(stored));
  EXPECT_EQ(stored.to_vector<float>(), values);
  EXPECT_FALSE(bf16_rows(stored));
  EXPECT_EQ(from_bf16_rows(bits->data(), {5, 6, 7}, bits).to_vector<float>(),
            std::vector<float>(values.begin(), values.begin() + 210));
  EXPECT_ERROR(ShapeError, "from_bf16_rows: no rows in []", from_bf16_rows(bits->data(), {}, bits));
}

TEST(StoredValues, AreKeptAnewAfterAWrite) {
  const NoGradGuard no_grad;
  const Tensor weight = stored({64, 64}).tensor(), x = ones({1, 64});
  PackedWeights cache;
  cache.compute_in(ProductType::int8);
  const PackedWeights::Scope scope(cache);
  const auto before = linear(x, weight, {}).to_vector<float>();
  weight.to_vector<float>();  // now in f32, and the same
  cache.recheck();
  EXPECT_EQ(linear(x, weight, {}).to_vector<float>(), before);
  std::fill_n(weight.data<float>(), weight.numel(), 1.0F);
  cache.recheck();
  EXPECT_NEAR(linear(x, weight, {}).to_vector<float>()[0], 64, 1e-3);
}

}  // namespace
}  // namespace heed
