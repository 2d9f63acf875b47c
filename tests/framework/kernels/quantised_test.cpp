// Products in 8 bits against the same arithmetic written plainly.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "framework/core/quantise.h"
#include "framework/core/random.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/ops.h"

namespace heed {
namespace {

struct Rounded {
  std::vector<int> values;
  double scale = 0;
};

Rounded rounded(const std::vector<float>& x) {
  float largest = 0;
  for (const float value : x) largest = std::max(largest, std::abs(value));
  Rounded result{std::vector<int>(x.size()), largest / 127};
  if (largest / 127 == 0) return result;
  for (size_t i = 0; i < x.size(); ++i)
    result.values[i] = static_cast<int>(std::lrint(static_cast<double>(x[i]) * 127 / largest));
  return result;
}

std::vector<float> random_values(int64_t n) { return uniform({n}, -1, 1).to_vector<float>(); }

// C = A B + bias for B(k, n) = data[k * row_stride + n * column_stride].
std::vector<double> plain(int64_t M, int64_t N, int64_t K, const std::vector<float>& A,
                          const std::vector<float>& data, int64_t row_stride, int64_t column_stride,
                          const std::vector<float>& bias, std::vector<double>& bound) {
  std::vector<double> C;
  bound.clear();
  std::vector<Rounded> columns;
  for (int64_t n = 0; n < N; ++n) {
    std::vector<float> column;
    for (int64_t k = 0; k < K; ++k)
      column.push_back(data[static_cast<size_t>(k * row_stride + n * column_stride)]);
    columns.push_back(rounded(column));
  }
  for (int64_t m = 0; m < M; ++m) {
    const Rounded row = rounded({A.begin() + m * K, A.begin() + (m + 1) * K});
    for (int64_t n = 0; n < N; ++n) {
      const Rounded& column = columns[static_cast<size_t>(n)];
      int64_t sum = 0;
      for (int64_t k = 0; k < K; ++k)
        sum += int64_t{row.values[static_cast<size_t>(k)]} * column.values[static_cast<size_t>(k)];
      const double product = static_cast<double>(sum) * row.scale * column.scale;
      C.push_back(product + (bias.empty() ? 0 : static_cast<double>(bias[static_cast<size_t>(n)])));
      // a value halfway between two may be rounded to either: one step of one factor; f32 after the sum
      bound.push_back(1e-6 * (1 + std::abs(C.back())) + 2.01 * 127 * row.scale * column.scale);
    }
  }
  return C;
}

TEST(Quantised, IsThePlainArithmetic) {
  manual_seed(31);
  int64_t equal = 0, all = 0;
  for (const int64_t K : {1, 3, 4, 5, 31, 64, 192, 257}) {
    for (const int64_t N : {1, 15, 16, 17, 33, 100}) {
      const std::vector<float> data = random_values(K * N), bias = random_values(N);
      for (const bool across : {false, true}) {
        const int64_t row_stride = across ? N : 1, column_stride = across ? 1 : K;
        const kernels::QuantisedMatrix matrix(K, N, data.data(), row_stride, column_stride);
        EXPECT_GT(matrix.bytes(), 0U);
        for (const int64_t M : {1, 2, 3, 4, 5, 7, 12, 13, 40}) {
          const std::vector<float> A = random_values(M * K);
          std::vector<float> C(static_cast<size_t>(M * (N + 2)), -7);
          std::vector<double> bound;
          const auto wanted =
              plain(M, N, K, A, data, row_stride, column_stride, M % 2 ? bias : std::vector<float>{}, bound);
          matrix.multiply(M, A.data(), K, M % 2 ? bias.data() : nullptr, C.data(), N + 2);
          for (int64_t m = 0; m < M; ++m) {
            for (int64_t n = 0; n < N; ++n) {
              const auto at = static_cast<size_t>(m * N + n);
              const auto found = static_cast<double>(C[static_cast<size_t>(m * (N + 2) + n)]);
              ASSERT_NEAR(found, wanted[at], bound[at]) << K << " " << N << " " << M;
              equal += std::abs(found - wanted[at]) <= 1e-6 * (1 + std::abs(wanted[at]));
              ++all;
            }
            EXPECT_EQ(C[static_cast<size_t>(m * (N + 2) + N)], -7);  // what lies between the rows stays
          }
        }
      }
    }
  }
  EXPECT_GT(static_cast<double>(equal), 0.99 * static_cast<double>(all));  // hardly any was halfway
}

// Rows of one 1 read the columns' whole numbers out of the product: those of heed::quantise, halves included.
TEST(Quantised, ColumnsAreRoundedAsThePlainFormDoes) {
  manual_seed(33);
  for (const int64_t K : {1, 5, 16, 33, 100}) {
    constexpr int64_t N = 19;
    std::vector<float> data = random_values(K * N);
    for (int64_t k = 0; k < K; ++k)
      data[static_cast<size_t>(k)] = k == 0 ? 127 : static_cast<float>(k) - 8.5F;
    std::fill_n(data.begin() + K, K, 0.0F);
    for (const bool across : {false, true}) {
      std::vector<float> stored = data;
      for (int64_t n = 0; across && n < N; ++n) {
        for (int64_t k = 0; k < K; ++k)
          stored[static_cast<size_t>(k * N + n)] = data[static_cast<size_t>(n * K + k)];
      }
      const kernels::QuantisedMatrix matrix(K, N, stored.data(), across ? N : 1, across ? 1 : K);
      std::vector<float> A(static_cast<size_t>(K * K)), C(static_cast<size_t>(K * N));
      for (int64_t k = 0; k < K; ++k) A[static_cast<size_t>(k * K + k)] = 1;
      matrix.multiply(K, A.data(), K, nullptr, C.data(), N);
      for (int64_t n = 0; n < N; ++n) {
        std::vector<int8_t> whole(static_cast<size_t>(K));
        const float scale =
            quantise(std::span<const float>(data).subspan(static_cast<size_t>(n * K), static_cast<size_t>(K)),
                     whole.data());
        for (int64_t k = 0; k < K; ++k) {
          const float found = scale == 0 ? 0 : C[static_cast<size_t>(k * N + n)] / scale;
          EXPECT_NEAR(found, whole[static_cast<size_t>(k)], 1e-3) << K << " " << n << " " << k;
        }
      }
    }
  }
}

TEST(Quantised, ARowDoesNotDependOnTheOthers) {
  manual_seed(32);
  constexpr int64_t K = 70, N = 203, M = 40;
  const std::vector<float> data = random_values(K * N), A = random_values(M * K);
  const kernels::QuantisedMatrix matrix(K, N, data.data(), 1, K);
  std::vector<float> all(M * N), some(M * N);
  matrix.multiply(M, A.data(), K, nullptr, all.data(), N);
  for (const int64_t rows : {1, 2, 3, 5, 12, 39}) {
    matrix.multiply(rows, A.data(), K, nullptr, some.data(), N);
    EXPECT_TRUE(std::equal(some.begin(), some.begin() + rows * N, all.begin())) << rows;
  }
}

// Zeros give the bias, NaN and infinity give NaN in their row alone, the largest numbers stay finite.
TEST(Quantised, ExtremeRows) {
  constexpr int64_t K = 40, N = 20;
  const std::vector<float> data(K * N, 0.5F), bias(N, 3);
  const kernels::QuantisedMatrix matrix(K, N, data.data(), 1, K),
      zero(K, N, std::vector<float>(K * N).data(), 1, K);
  std::vector<float> A(6 * K, 1), C(6 * N);
  std::fill_n(A.begin() + K, K, 0.0F);
  A[2 * K + 39] = std::numeric_limits<float>::quiet_NaN();
  A[3 * K] = -std::numeric_limits<float>::infinity();
  std::fill_n(A.begin() + 4 * K, K, std::numeric_limits<float>::denorm_min());
  std::fill_n(A.begin() + 5 * K, K, 1e37F);
  matrix.multiply(6, A.data(), K, bias.data(), C.data(), N);
  for (int64_t n = 0; n < N; ++n) {
    const auto at = [&](int64_t m) { return C[static_cast<size_t>(m * N + n)]; };
    EXPECT_NEAR(at(0), 23, 1e-4);
    EXPECT_EQ(at(1), 3);
    EXPECT_TRUE(std::isnan(at(2)));
    EXPECT_TRUE(std::isnan(at(3)));
    EXPECT_EQ(at(4), 3);
    EXPECT_NEAR(at(5) / 1e37F, 20, 1e-3);
  }
  zero.multiply(6, A.data(), K, bias.data(), C.data(), N);
  EXPECT_EQ(C[0], 3);
  std::vector<float> bad = data;
  bad[K + 3] = std::numeric_limits<float>::infinity();  // of column 1
  kernels::QuantisedMatrix(K, N, bad.data(), 1, K).multiply(1, A.data(), K, nullptr, C.data(), N);
  EXPECT_NEAR(C[0], 20, 1e-4);
  EXPECT_TRUE(std::isnan(C[1]));
  zero.multiply(0, A.data(), K, bias.data(), C.data(), N);
}

}  // namespace
}  // namespace heed
