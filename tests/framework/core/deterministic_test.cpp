// Deterministic mode on sizes that several threads share: the bits of one thread.
#include <gtest/gtest.h>

#include <functional>

#include "framework/framework.h"
#include "tests/testing/close.h"

namespace heed {
namespace {

struct Case {
  const char* name;
  std::vector<Shape> shapes;
  std::function<Tensor(const std::vector<Tensor>&)> run;
};

Tensor ids(int64_t n, int64_t below) {
  const Tensor x = empty({n}, DType::i64);
  for (int64_t i = 0; i < n; ++i) x.data<int64_t>()[i] = i * 7 % below;
  return x;
}

std::vector<Case> cases() {
  return {
      {"matmul", {{300, 170}, {170, 260}}, [](const auto& x) { return matmul(x[0], x[1]); }},
      {"matmul_batched", {{24, 90, 70}, {24, 70, 80}}, [](const auto& x) { return matmul(x[0], x[1]); }},
      {"linear", {{200, 96}, {128, 96}, {128}}, [](const auto& x) { return linear(x[0], x[1], x[2]); }},
      {"linear_cross_entropy",
       {{150, 64}, {900, 64}, {900}},
       [](const auto& x) { return linear_cross_entropy(x[0], x[1], x[2], ids(150, 900)); }},
      {"lstm",
       {{16, 12, 64}, {16, 96}, {16, 96}, {384, 64}, {384, 96}, {384}},
       [](const auto& x) { return lstm(x[0], {}, x[1], x[2], x[3], x[4], x[5]).output; }},
      {"scaled_dot_attention",
       {{8, 40, 64}, {8, 40, 64}, {8, 40, 64}},
       [](const auto& x) { return scaled_dot_attention(x[0], x[1], x[2], {}, 4).context; }},
      {"flash_attention",
       {{1, 300, 192}, {1, 300, 192}, {1, 300, 192}},
       [](const auto& x) { return flash_attention(x[0], x[1], x[2], {}, 3, true); }},
      {"conv2d",
       {{8, 16, 20, 20}, {32, 16, 3, 3}, {32}},
       [](const auto& x) { return conv2d(x[0], x[1], x[2], {.padding = 1}); }},
      {"batch_norm",
       {{16, 20, 30, 10}, {20}, {20}},
       [](const auto& x) { return batch_norm(x[0], x[1], x[2]).output; }},
      {"max_pool2d", {{16, 20, 30, 12}}, [](const auto& x) { return max_pool2d(x[0], 2); }},
      {"layer_norm", {{1200, 200}, {200}, {200}}, [](const auto& x) { return layer_norm(x[0], x[1], x[2]); }},
      {"softmax", {{500, 300}}, [](const auto& x) { return softmax(x[0]); }},
      {"sum", {{400, 500}}, [](const auto& x) { return sum(x[0]); }},
      {"sum_of_columns", {{4000, 50}}, [](const auto& x) { return sum(x[0], {0}); }},
      {"embedding", {{50, 64}}, [](const auto& x) { return embedding(x[0], ids(3000, 50)); }},
      {"additive_energy",
       {{8, 20, 64}, {8, 30, 64}, {64}},
       [](const auto& x) { return additive_energy(x[0], x[1], x[2]); }},
      {"add_of_a_row", {{3000, 60}, {60}}, [](const auto& x) { return x[0] + x[1]; }},
  };
}

class DeterministicMode : public testing::TestWithParam<Case> {};

std::vector<Tensor> results(const Case& tested, int threads) {
  const int before = num_threads();
  set_num_threads(threads);
  manual_seed(11);
  std::vector<Tensor> leaves;
  for (const Shape& shape : tested.shapes) leaves.push_back(randn(shape).set_requires_grad(true));
  const Tensor y = tested.run(leaves), weights = randn(y.shape());
  std::vector<Tensor> all = grad(std::vector{y}, leaves, std::vector{weights});
  all.push_back(y.detach());
  set_num_threads(before);
  return all;
}

TEST_P(DeterministicMode, OneThreadGivesTheBitsOfThree) {
  set_deterministic(true);
  const auto one = results(GetParam(), 1), three = results(GetParam(), 3);
  set_deterministic(false);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(all_close(three[i], one[i], 0, 0)) << "result " << i;
}

INSTANTIATE_TEST_SUITE_P(Sizes, DeterministicMode, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& tested) {
                           return std::string(tested.param.name);
                         });

}  // namespace
}  // namespace heed
