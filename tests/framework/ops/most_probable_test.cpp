// most_probable against log_softmax and topk, on every kind of row.
#include "framework/ops/most_probable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "framework/core/error.h"
#include "framework/core/random.h"
#include "framework/ops/ops.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

std::vector<const IdRanges*> same(const IdRanges& ranges, int64_t rows) {
  return {static_cast<size_t>(rows), &ranges};
}

TEST(MostProbable, IsTopKOfLogSoftmax) {
  manual_seed(4);
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const int64_t V : {1, 3, 7, 16, 31, 64, 257, 1000}) {
      for (const int64_t k : {1, 2, 5, 12}) {
        const Tensor x = uniform({6, V}, -9, 9).to(dtype);
        const IdRanges all{{0, static_cast<int>(V)}};
        const auto found = most_probable(x, k, same(all, 6));
        const int64_t most = std::min(k, V);
        const Sorted expected = topk(log_softmax(x.to(DType::f64)), most);
        for (int64_t r = 0; r < 6; ++r) {
          const auto& row = found[static_cast<size_t>(r)];
          ASSERT_EQ(static_cast<int64_t>(row.size()), most);
          for (int64_t i = 0; i < most; ++i) {
            const auto at = static_cast<size_t>(i);
            EXPECT_EQ(row[at].id, expected.indices.data<int64_t>()[r * most + i]);
            EXPECT_NEAR(row[at].log_probability, expected.values.data<double>()[r * most + i],
                        dtype == DType::f32 ? 4e-6 : 1e-12);
          }
        }
      }
    }
  }
}

TEST(MostProbable, KeepsToTheAllowedIdsOfEachRow) {
  manual_seed(5);
  const Tensor x = uniform({3, 200}, -3, 3);
  const IdRanges some{{3, 5}, {17, 18}, {40, 90}, {199, 200}}, none{}, two{{7, 9}};
  const std::vector<const IdRanges*> allowed{&some, &none, &two};
  const auto found = most_probable(x, 4, allowed);
  const Tensor all = log_softmax(x);
  std::vector<int> order;
  for (const auto& [first, end] : some) {
    for (int id = first; id < end; ++id) order.push_back(id);
  }
  std::ranges::stable_sort(order, [&](int a, int b) { return x.data<float>()[a] > x.data<float>()[b]; });
  ASSERT_EQ(found[0].size(), 4U);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(found[0][i].id, order[i]);
    EXPECT_NEAR(found[0][i].log_probability, all.data<float>()[order[i]], 4e-6);
  }
  EXPECT_TRUE(found[1].empty());
  ASSERT_EQ(found[2].size(), 2U);
  EXPECT_EQ(found[2][0].id + found[2][1].id, 15);
}

TEST(MostProbable, OfEqualsTheFirstAndNaNBeforeAll) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::vector<float> values(100, 1.0F);
  const IdRanges all{{0, 100}};
  auto best = [&](int64_t k) {
    std::vector<int> ids;
    const auto found = most_probable(from_vector(values, {1, 100}), k, same(all, 1));
    for (const ProbableId& p : found.front()) ids.push_back(p.id);
    return ids;
  };
  EXPECT_EQ(best(3), (std::vector{0, 1, 2}));
  values[70] = 1.5F;
  EXPECT_EQ(best(3), (std::vector{70, 0, 1}));
  values[90] = nan;
  EXPECT_EQ(best(3), (std::vector{90, 70, 0}));
  EXPECT_TRUE(std::isnan(
      most_probable(from_vector(values, {1, 100}), 1, same(all, 1)).front().front().log_probability));
  values[20] = nan;
  EXPECT_EQ(best(2), (std::vector{20, 90}));
  std::fill(values.begin(), values.end(), -inf);
  values[5] = 0;
  EXPECT_EQ(best(2), (std::vector{5, 0}));
  EXPECT_EQ(most_probable(from_vector(values, {1, 100}), 1, same(all, 1)).front().front().log_probability, 0);
}

// Rows with many equal values, NaN and infinities, over more blocks than ids are asked for, and any ranges.
TEST(MostProbable, IsTheFirstOfASortedRow) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::mt19937 draw(8);
  const auto below = [&](int n) { return static_cast<int>(draw() % static_cast<unsigned>(n)); };
  for (int trial = 0; trial < 400; ++trial) {
    const int V = 1 + below(3000), kinds = 1 + below(40);
    std::vector<float> values(static_cast<size_t>(V));
    for (float& v : values) {
      const int rare = below(500);
      v = trial % 2 == 0 && rare < 3 ? std::array{nan, inf, -inf}[static_cast<size_t>(rare)]
                                     : static_cast<float>(below(kinds)) / 7 - 2;
    }
    IdRanges ranges;
    for (int first = below(5); first < V; first += below(20)) {
      const int end = std::min(V, first + below(trial % 3 == 0 ? 9 : 4000));
      ranges.emplace_back(first, end);
      first = end + 1;
    }
    std::vector<int> order;
    for (const auto& [first, end] : ranges) {
      for (int id = first; id < end; ++id) order.push_back(id);
    }
    const auto value = [&](int id) {
      const float v = values[static_cast<size_t>(id)];
      return std::isnan(v) ? std::pair{1, 0.0F} : std::pair{0, v};
    };
    std::ranges::stable_sort(order, [&](int a, int b) { return value(a) > value(b); });
    const int64_t k = 1 + below(20);
    order.resize(std::min(order.size(), static_cast<size_t>(k)));
    const auto best =
        most_probable(from_vector(values, {1, V}), k, same(ranges, 1), Scale::log_probabilities);
    std::vector<int> found;
    for (const ProbableId& p : best.front()) found.push_back(p.id);
    EXPECT_EQ(found, order) << "trial " << trial;
  }
}

TEST(MostProbable, TakesLogProbabilitiesAsTheyAre) {
  const Tensor x = from_vector(std::vector<float>{-1, -0.5F, -2}, {1, 3});
  const IdRanges all{{0, 3}};
  const auto found = most_probable(x, 1, same(all, 1), Scale::log_probabilities).front().front();
  EXPECT_EQ(found.id, 1);
  EXPECT_EQ(found.log_probability, -0.5);
}

TEST(MostProbable, RefusesWhatDoesNotFit) {
  const Tensor x = zeros({2, 3});
  const IdRanges all{{0, 3}}, beyond{{0, 4}}, turned{{2, 1}};
  EXPECT_THROW(most_probable(x, 1, same(all, 1)), ShapeError);
  EXPECT_THROW(most_probable(zeros({3}), 1, same(all, 3)), ShapeError);
  EXPECT_THROW(most_probable(x, 0, same(all, 2)), IndexError);
  EXPECT_THROW(most_probable(x, 1, same(beyond, 2)), IndexError);
  EXPECT_THROW(most_probable(x, 1, same(turned, 2)), IndexError);
  EXPECT_THROW(most_probable(zeros({2, 3}, DType::i64), 1, same(all, 2)), DTypeError);
}

}  // namespace
}  // namespace heed
