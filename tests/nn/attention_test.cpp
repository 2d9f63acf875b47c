// Additive attention: an example worked by hand, the plain form, padding.
#include <gtest/gtest.h>

#include "nn/nn.h"
#include "tests/testing/close.h"

namespace heed::nn {
namespace {

TEST(AdditiveAttention, WorkedExample) {
  // One query q = 1, keys 0 and 2, all weights 1, no bias: e = tanh(1), tanh(3).
  AdditiveAttention attention(1, 1, 1);
  const NoGradGuard no_grad;
  attention.query_proj.weight.fill_(1);
  attention.key_proj.weight.fill_(1);
  attention.energy.fill_(1);
  const Tensor keys = from_vector<float>({0, 2}, {1, 2, 1}), lengths = from_vector<int64_t>({2}, {1});
  const auto out = attention.attend(ones({1, 1, 1}), attention.prepare(keys, lengths));
  const double e0 = std::exp(std::tanh(1.0)), e1 = std::exp(std::tanh(3.0));
  EXPECT_NEAR(out.weights.to_vector<float>()[0], e0 / (e0 + e1), 1e-6);
  EXPECT_NEAR(out.weights.to_vector<float>()[1], e1 / (e0 + e1), 1e-6);
  EXPECT_NEAR(out.context.item(), 2 * e1 / (e0 + e1), 1e-6);
}

TEST(AdditiveAttention, EqualsThePlainForm) {
  const AdditiveAttention attention(3, 4, 5);
  const Tensor query = randn({2, 3, 3}), keys = randn({2, 6, 4}), lengths = from_vector<int64_t>({6, 4}, {2});
  const auto out = attention.attend(query, attention.prepare(keys, lengths));
  const Tensor q = unsqueeze(attention.query_proj(query), 2), k = unsqueeze(attention.key_proj(keys), 1);
  const Tensor scores = sum(tanh(q + k) * attention.energy, {3});
  for (int64_t b = 0; b < 2; ++b) {
    const int64_t n = lengths.data<int64_t>()[b];
    const Tensor weights = softmax(slice(slice(scores, 0, b, b + 1), 2, 0, n));
    EXPECT_TRUE(all_close(slice(slice(out.weights, 0, b, b + 1), 2, 0, n).contiguous(), weights, 1e-5, 1e-6));
    const Tensor context = matmul(weights, slice(slice(keys, 0, b, b + 1), 1, 0, n));
    EXPECT_TRUE(all_close(slice(out.context, 0, b, b + 1).contiguous(), context, 1e-5, 1e-6));
  }
}

TEST(AdditiveAttention, PaddingGetsNothingAndAFullyMaskedRowGivesZeros) {
  const AdditiveAttention attention(3, 4, 5);
  const Tensor query = randn({2, 1, 3}), keys = randn({2, 3, 4}), lengths = from_vector<int64_t>({2, 0}, {2});
  const auto out = attention.attend(query, attention.prepare(keys, lengths));
  const auto w = out.weights.to_vector<float>();
  EXPECT_NEAR(w[0] + w[1], 1, 1e-6);
  EXPECT_EQ(w[2], 0);
  for (size_t i = 3; i < 6; ++i) EXPECT_EQ(w[i], 0);
  for (const float c : slice(out.context, 0, 1, 2).to_vector<float>()) EXPECT_EQ(c, 0);
}

}  // namespace
}  // namespace heed::nn
