// Row kernels where their inputs are extreme: masked rows, infinities, NaN, huge logits, equal ids.
#include <gtest/gtest.h>

#include <cmath>

#include "framework/framework.h"
#include "framework/kernels/kernels.h"
#include "tests/testing/close.h"

namespace heed::kernels {
namespace {

template <class T>
class RowsTest : public testing::Test {
 protected:
  static constexpr T kInf = std::numeric_limits<T>::infinity();
  static constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
  static constexpr double kClose = sizeof(T) == 4 ? 1e-6 : 1e-14;
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(RowsTest, Types);

TYPED_TEST(RowsTest, SoftmaxOfMaskedRowsIsZeroAndOfPartlyMaskedOnesSumsToOne) {
  using T = TypeParam;
  for (const size_t n : {size_t{1}, size_t{5}, size_t{16}, size_t{40}}) {
    std::vector<T> x(n, -this->kInf), y(n, T{9});
    softmax<T>(1, static_cast<int64_t>(n), x.data(), nullptr, 1, y.data());
    EXPECT_EQ(y, std::vector<T>(n, T{0}));
    x[n - 1] = T{-1000};
    softmax<T>(1, static_cast<int64_t>(n), x.data(), nullptr, 1, y.data());
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(y[i], i == n - 1 ? T{1} : T{0});
  }
}

TYPED_TEST(RowsTest, SoftmaxTakesLengthsFromZeroToAll) {
  using T = TypeParam;
  constexpr int64_t kN = 21;
  std::vector<T> x(3 * kN), y(3 * kN, T{9});
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(std::sin(static_cast<double>(i)));
  x[kN + 1] = this->kNaN;  // past the second row's length: must not be read
  const int64_t lengths[] = {0, 1, kN};
  softmax<T>(3, kN, x.data(), lengths, 1, y.data());
  for (size_t i = 0; i < kN; ++i) {
    EXPECT_EQ(y[i], 0);
    EXPECT_EQ(y[kN + i], i == 0 ? 1 : 0);
  }
  double sum = 0;
  for (size_t i = 0; i < kN; ++i) sum += y[2 * kN + i];
  EXPECT_NEAR(sum, 1, this->kClose);
}

TYPED_TEST(RowsTest, SoftmaxOfHugeValuesAndOfNaN) {
  using T = TypeParam;
  for (const size_t n : {size_t{1}, size_t{3}, size_t{16}, size_t{40}}) {
    std::vector<T> x(n, T(1e30)), y(n);
    softmax<T>(1, static_cast<int64_t>(n), x.data(), nullptr, 1, y.data());
    for (const T v : y) EXPECT_NEAR(v, 1.0 / static_cast<double>(n), this->kClose);
    for (const T other : {T{0}, -this->kInf, this->kNaN}) {  // a NaN must come out, whatever stands beside it
      for (const size_t at : {size_t{0}, n - 1}) {
        std::fill(x.begin(), x.end(), other);
        x[at] = this->kNaN;
        softmax<T>(1, static_cast<int64_t>(n), x.data(), nullptr, 1, y.data());
        for (const T v : y)
          EXPECT_TRUE(std::isnan(v)) << n << " values of " << other << ", " << simd_target();
        log_softmax<T>(1, static_cast<int64_t>(n), x.data(), y.data());
        for (const T v : y)
          EXPECT_TRUE(std::isnan(v)) << n << " values of " << other << ", " << simd_target();
      }
    }
  }
}

TYPED_TEST(RowsTest, CrossEntropyOfHugeLogitsIsFiniteAndOfNaNIsNaN) {
  using T = TypeParam;
  std::vector<T> x(20, T(-1e4)), gradient(20);
  x[3] = T(1e4);
  const int64_t right = 3, wrong = 5;
  EXPECT_EQ(cross_entropy<T>(1, 20, x.data(), &right, -100, 0, gradient.data()).loss, 0);
  for (const T g : gradient) EXPECT_EQ(g, 0);
  EXPECT_NEAR(cross_entropy<T>(1, 20, x.data(), &wrong, -100, 0, gradient.data()).loss, 2e4, 1e-8);
  EXPECT_EQ(gradient[3], 1);
  EXPECT_EQ(gradient[5], -1);
  x[7] = this->kNaN;
  EXPECT_TRUE(std::isnan(cross_entropy<T>(1, 20, x.data(), &right, -100, 0, nullptr).loss));
  std::fill(x.begin(), x.end(), this->kNaN);
  EXPECT_TRUE(std::isnan(cross_entropy<T>(1, 20, x.data(), &right, -100, 0.1, nullptr).loss));
}

TYPED_TEST(RowsTest, CrossEntropyCountsOnlyItsRows) {
  using T = TypeParam;
  const std::vector<T> x = {0, 0, 0, 0, 1, 2, 3, 4};
  std::vector<T> gradient(8, T{9});
  const int64_t targets[] = {1, -100}, none[] = {-100, -100};
  const CrossEntropySum sum = cross_entropy<T>(2, 4, x.data(), targets, -100, 0, gradient.data());
  EXPECT_EQ(sum.rows, 1);
  EXPECT_NEAR(sum.loss, std::log(4.0), 1e-6);
  for (size_t i = 4; i < 8; ++i) EXPECT_EQ(gradient[i], 0);
  EXPECT_EQ(cross_entropy<T>(2, 4, x.data(), none, -100, 0, nullptr).rows, 0);
  const Tensor logits = from_vector(x, {2, 4}).set_requires_grad(true);
  const Tensor loss = heed::cross_entropy(logits, from_vector(std::vector<int64_t>{-100, -100}, {2}));
  loss.backward();
  EXPECT_EQ(loss.item(), 0);
  EXPECT_TRUE(all_close(logits.grad(), zeros({2, 4}, dtype_of<T>()), 0, 0));
}

TYPED_TEST(RowsTest, ScatterAddSumsEqualIdsInOrderAtAnyThreadCount) {
  using T = TypeParam;
  constexpr int64_t kN = 4000, kRows = 7, kD = 33;
  Generator generator(6);
  std::vector<int64_t> ids;
  std::vector<T> g;
  for (int64_t i = 0; i < kN; ++i)
    ids.push_back(i < kN / 2 ? 3 : static_cast<int64_t>(generator.next_below(kRows)));
  for (int64_t i = 0; i < kN * kD; ++i)
    g.push_back(static_cast<T>(static_cast<double>(generator.next_below(1000)) / 500 - 1));
  std::vector<double> exact(kRows * kD);
  for (int64_t i = 0; i < kN; ++i) {
    for (int64_t d = 0; d < kD; ++d) {
      exact[static_cast<size_t>(ids[static_cast<size_t>(i)] * kD + d)] +=
          static_cast<double>(g[static_cast<size_t>(i * kD + d)]);
    }
  }
  std::vector<T> plain;
  for (const double v : exact) plain.push_back(static_cast<T>(v));
  const int before = num_threads();
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    std::vector<T> table(kRows * kD);
    scatter_add_rows<T>(kN, ids.data(), kRows, kD, g.data(), table.data());
    EXPECT_EQ(table, plain) << threads;
  }
  set_num_threads(before);
}

TYPED_TEST(RowsTest, LstmGatesSaturateWithoutNaN) {
  using T = TypeParam;
  std::vector<T> gates = {T(1e4), T(-1e4), T(1e4), T(1e4)}, c_prev = {T{5}}, c(1), h(1), dh = {T{1}},
                 dc = {T{0}};
  lstm_gates<T>(1, 1, gates.data(), c_prev.data(), c.data(), h.data());
  EXPECT_EQ(c[0], 1);
  EXPECT_NEAR(h[0], std::tanh(1.0), this->kClose);
  lstm_gates_backward<T>(1, 1, gates.data(), c_prev.data(), c.data(), dh.data(), dc.data());
  for (const T g : gates) EXPECT_EQ(g, 0);
}

}  // namespace
}  // namespace heed::kernels
