#include "framework/ops/random_rows.h"

#include <gtest/gtest.h>

#include "framework/autograd/checkpoint.h"
#include "framework/autograd/engine.h"
#include "framework/core/random.h"
#include "framework/ops/ops.h"

namespace heed {
namespace {

std::vector<float> floats_of(const Tensor& x) { return x.contiguous().to_vector<float>(); }

// Rows of any beginning: chunks of random bits have 128 elements.
TEST(RandomRows, RowsOfABatchGetTheMaskOfTheWhole) {
  constexpr int64_t kRows = 11;
  for (const int64_t width : {1, 3, 50, 128, 131}) {
    manual_seed(5);
    const std::vector<float> whole = floats_of(dropout(ones({kRows, width}), 0.4));
    for (int64_t first = 0; first < kRows; ++first) {
      const int64_t count = kRows - first > 2 ? 2 : 1;
      manual_seed(5);
      const RandomRows rows({count, first}, {0, 0});
      const Tensor x = ones({count, width}).set_requires_grad(true);
      const Tensor y = dropout(x, 0.4);
      const auto begin = whole.begin() + first * width;
      const std::vector<float> expected(begin, begin + count * width);
      ASSERT_EQ(floats_of(y), expected) << width << " " << first;
      sum(y).backward();
      ASSERT_EQ(floats_of(x.grad()), expected) << "the gradient's mask";
    }
  }
}

TEST(RandomRows, TokensHaveTheirOwnPlace) {
  manual_seed(5);
  const std::vector<float> whole = floats_of(dropout(ones({20, 7}), 0.4));
  manual_seed(5);
  const RandomRows rows({2, 1}, {9, 4});
  EXPECT_EQ(floats_of(dropout(ones({9, 7}), 0.4)),
            std::vector<float>(whole.begin() + 28, whole.begin() + 91));
  manual_seed(5);  // neither sentences nor tokens
  EXPECT_EQ(floats_of(dropout(ones({20, 7}), 0.4)), whole);
}

// In backward, after the guard has gone.
TEST(RandomRows, ACheckpointDrawsTheSameMaskAgain) {
  manual_seed(5);
  Tensor x = ones({2, 50}).set_requires_grad(true);
  Tensor y;
  {
    const RandomRows rows({2, 7}, {0, 0});
    y = checkpoint([](const Tensor& part) { return dropout(part, 0.4) * part; }, x);
  }
  sum(y).backward();
  for (const float gradient : floats_of(x.grad() - y * 2.0)) ASSERT_EQ(gradient, 0);
}

TEST(RandomRows, TheOuterGuardHoldsAgainAfterTheInner) {
  const RandomRows outer({2, 3}, {0, 0});
  { const RandomRows inner({2, 5}, {0, 0}); }
  EXPECT_EQ(RandomRows::first_element(ones({2, 10})), 30);
}

}  // namespace
}  // namespace heed
