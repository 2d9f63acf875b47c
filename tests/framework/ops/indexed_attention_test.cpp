// indexed_attention against scaled_dot_attention on gathered rows.
#include "framework/ops/indexed_attention.h"

#include <gtest/gtest.h>

#include <limits>

#include "framework/core/error.h"
#include "framework/core/random.h"
#include "framework/ops/ops.h"
#include "framework/ops/recurrent.h"
#include "tests/testing/close.h"

namespace heed {
namespace {

TEST(IndexedAttention, IsScaledDotAttentionOnTheRowsThatAreNamed) {
  manual_seed(11);
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const auto& [heads, d, e] :
         {std::array<int64_t, 3>{1, 1, 1}, {2, 3, 5}, {4, 8, 8}, {3, 33, 70}, {8, 64, 16}}) {
      const int64_t P = 23, B = 6, N = 9, D = heads * d, E = heads * e;
      const Tensor joint = randn({P, D + E + 2}, dtype), keys = slice(joint, 1, 1, 1 + D),
                   values = slice(joint, 1, 1 + D, 1 + D + E), query = randn({B, D}, dtype);
      std::vector<int64_t> at;
      Generator random(3);
      for (int64_t i = 0; i < B * N; ++i) at.push_back(static_cast<int64_t>(random.next_below(P)));
      const Tensor index = from_vector(at, {B, N}), lengths = from_vector<int64_t>({9, 1, 0, 4, 8, 9}, {B});
      const auto gathered = [&](const Tensor& x) {
        return reshape(index_select(x, 0, reshape(index, {B * N})), {B, N, x.size(1)});
      };
      for (const Tensor& counts : {lengths, Tensor{}}) {
        const auto seen = indexed_attention(query, keys, values, index, counts, heads);
        const auto plain =
            scaled_dot_attention(unsqueeze(query, 1), gathered(keys), gathered(values), counts, heads);
        const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-12;
        EXPECT_TRUE(all_close(seen.weights, squeeze(plain.weights, 2), tolerance, tolerance));
        EXPECT_TRUE(all_close(seen.context, squeeze(plain.context, 1), tolerance, tolerance));
      }
    }
  }
}

TEST(IndexedAttention, TakesNothingFromRowsThatAreNotNamed) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor keys = from_vector<float>({1, 2, nan, nan}, {2, 2}),
               values = from_vector<float>({3, 4, nan, nan}, {2, 2});
  const auto seen = indexed_attention(ones({1, 2}), keys, values, from_vector<int64_t>({0, 1}, {1, 2}),
                                      from_vector<int64_t>({1}, {1}), 1);
  EXPECT_EQ(seen.context.to_vector<float>(), (std::vector<float>{3, 4}));
  EXPECT_EQ(seen.weights.to_vector<float>(), (std::vector<float>{1, 0}));
}

TEST(IndexedAttention, RefusesWhatDoesNotFit) {
  const Tensor q = zeros({2, 4}), k = zeros({5, 4}), index = zeros({2, 3}, DType::i64);
  EXPECT_THROW(indexed_attention(q, k, zeros({4, 4}), index, {}, 2), ShapeError);
  EXPECT_THROW(indexed_attention(q, zeros({5, 3}), k, index, {}, 1), ShapeError);
  EXPECT_THROW(indexed_attention(q, k, k, zeros({3, 3}, DType::i64), {}, 2), ShapeError);
  EXPECT_THROW(indexed_attention(q, k, k, index, {}, 3), ShapeError);
  EXPECT_THROW(indexed_attention(q, k, k, index, zeros({3}, DType::i64), 2), ShapeError);
  EXPECT_THROW(indexed_attention(q, k, k, zeros({2, 3}), {}, 2), DTypeError);
  EXPECT_THROW(indexed_attention(q, k, k.to(DType::f64), index, {}, 2), DTypeError);
  EXPECT_THROW(indexed_attention(q, k, k, full({2, 3}, 5, DType::i64), {}, 2), IndexError);
  EXPECT_THROW(indexed_attention(q, k, k, full({2, 3}, -1, DType::i64), {}, 2), IndexError);
  EXPECT_THROW(indexed_attention(q, k, k, index, full({2}, 4, DType::i64), 2), IndexError);
}

}  // namespace
}  // namespace heed
