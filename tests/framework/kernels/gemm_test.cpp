// Matrix products against three plain loops: random shapes, transposes, leading dimensions and betas; packed
// right-hand sides.
#include <gtest/gtest.h>

#include <cmath>

#include "framework/core/parallel.h"
#include "framework/core/random.h"
#include "framework/framework.h"
#include "framework/kernels/kernels.h"

namespace heed::kernels {
namespace {

template <class T>
std::vector<T> numbers(Generator& generator, int64_t n) {
  std::vector<T> x;
  for (int64_t i = 0; i < n; ++i) x.push_back(static_cast<T>(static_cast<double>(generator.next_below(2001)) / 1000 - 1));
  return x;
}

// C = op(A) op(B) + beta C in double. With |x| <= 1 the rounding of a sum of K products is at most about K eps.
template <class T>
void expect_product(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const std::vector<T>& a, int64_t lda, const std::vector<T>& b,
                    int64_t ldb, double beta, const std::vector<T>& before, const std::vector<T>& c, int64_t ldc) {
  const double bound = static_cast<double>(K + 2) * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (int64_t i = 0; i < M; ++i) {
    for (int64_t j = 0; j < ldc; ++j) {
      const auto at = static_cast<size_t>(i * ldc + j);
      if (at >= c.size()) break;
      if (j >= N) {
        ASSERT_EQ(c[at], before[at]) << "written past the row's end";
        continue;
      }
      double sum = beta == 0 ? 0 : beta * before[at];
      for (int64_t k = 0; k < K; ++k) {
        sum += static_cast<double>(a[static_cast<size_t>(ta ? k * lda + i : i * lda + k)]) *
               static_cast<double>(b[static_cast<size_t>(tb ? j * ldb + k : k * ldb + j)]);
      }
      ASSERT_NEAR(c[at], sum, bound) << M << "x" << N << "x" << K << (ta ? " ta" : "") << (tb ? " tb" : "") << " beta " << beta << " at "
                                     << i << ", " << j;
    }
  }
}

template <class T>
class GemmTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GemmTest, Types);

TYPED_TEST(GemmTest, EqualsThreePlainLoops) {
  using T = TypeParam;
  Generator generator(20);
  const int before = num_threads();
  for (int round = 0; round < 300; ++round) {
    set_num_threads(1 + round % 3);
    const auto size = [&] {
      const uint64_t kind = generator.next_below(10);
      return static_cast<int64_t>(kind == 0 ? 0 : kind < 5 ? 1 + generator.next_below(20) : kind < 9 ? 1 + generator.next_below(80) : 128);
    };
    const int64_t M = size(), N = size(), K = size();
    const bool ta = generator.next_below(2), tb = generator.next_below(2);
    const auto pad = [&] { return static_cast<int64_t>(generator.next_below(2) ? 0 : generator.next_below(9)); };
    const int64_t lda = std::max<int64_t>(1, (ta ? M : K) + pad()), ldb = std::max<int64_t>(1, (tb ? K : N) + pad());
    const int64_t ldc = std::max<int64_t>(1, N + pad());
    const double beta = std::array{0.0, 1.0, 0.5, -2.0}[generator.next_below(4)];
    const auto a = numbers<T>(generator, (ta ? K : M) * lda), b = numbers<T>(generator, (tb ? N : K) * ldb);
    auto c = numbers<T>(generator, M * ldc);
    const auto start = c;
    if (beta == 0) std::fill(c.begin(), c.end(), static_cast<T>(NAN));  // beta = 0 must not read C
    if (beta == 0 && ldc > N) c = start;
    gemm<T>(ta, tb, M, N, K, a.data(), lda, b.data(), ldb, static_cast<T>(beta), c.data(), ldc);
    expect_product(ta, tb, M, N, K, a, lda, b, ldb, beta, start, c, ldc);
    if (this->HasFatalFailure()) break;
  }
  set_num_threads(before);
}

// LSTM steps: fewer and fewer rows on one packed matrix, as sequences end; small matrices stay plain, large
// ones take oneDNN's layout.
TYPED_TEST(GemmTest, PackedTakesAnyNumberOfRows) {
  using T = TypeParam;
  Generator generator(21);
  for (const auto& [K, N] : {std::pair{5, 20}, {40, 160}, {64, 64}, {96, 256}, {256, 96}, {77, 130}, {1, 1}}) {
    for (const int64_t rows : {7, 32}) {
      for (const bool transposed : {false, true}) {
        const auto b = numbers<T>(generator, int64_t{K} * N);  // [K, N], or stored as [N, K]
        const PackedMatrix<T> packed(K, N, b.data(), transposed ? 1 : N, transposed ? K : 1, rows);
        for (const int64_t M : {rows, int64_t{0}, int64_t{1}, int64_t{2}, rows / 2, rows - 1, rows + 3}) {
          const int64_t lda = K + 2, ldc = N + 3;
          for (const double beta : {0.0, 1.0}) {
            const auto a = numbers<T>(generator, M * lda);
            auto c = numbers<T>(generator, M * ldc);
            const auto start = c;
            packed.multiply(M, a.data(), lda, static_cast<T>(beta), c.data(), ldc);
            expect_product(false, transposed, M, int64_t{N}, int64_t{K}, a, lda, b, int64_t{transposed ? K : N}, beta, start, c, ldc);
            if (this->HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TYPED_TEST(GemmTest, MatmulReadsEveryStridedView) {
  constexpr DType kType = dtype_of<TypeParam>();
  manual_seed(4);
  const auto check = [](const Tensor& a, const Tensor& b) {
    const auto x = matmul(a, b).template to_vector<TypeParam>(), y = matmul(a.clone(), b.clone()).template to_vector<TypeParam>();
    ASSERT_EQ(x.size(), y.size());
    for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], y[i], 1e-5);
  };
  const Tensor a = randn({6, 10}, kType), b = randn({10, 8}, kType), batch = randn({3, 6, 10}, kType), rows = randn({6, 3, 10}, kType);
  check(a, b);
  check(slice(a, 1, 2, 6), slice(b, 0, 1, 5));
  check(transpose(randn({10, 6}, kType)), transpose(randn({8, 10}, kType)));
  check(slice(a, 0, 1, 2), b);                                 // one row
  check(a, slice(b, 1, 3, 4));                                 // one column
  check(slice(transpose(randn({10, 6}, kType)), 0, 2, 3), b);  // one row of a transpose
  check(expand(randn({1, 10}, kType), {6, 10}), b);            // stride 0
  check(expand(randn({6, 1}, kType), {6, 10}), b);
  check(make_view(randn({6, 20}, kType), {6, 10}, {20, 2}, 0), b);  // every second column
  check(batch, randn({3, 10, 4}, kType));
  check(permute(rows, {1, 0, 2}), randn({3, 10, 4}, kType));
  check(batch, transpose(randn({3, 4, 10}, kType)));
  check(expand(unsqueeze(a, 0), {3, 6, 10}), randn({3, 10, 4}, kType));
  check(zeros({0, 10}, kType), b);
  check(zeros({0, 6, 10}, kType), zeros({0, 10, 2}, kType));
}

}  // namespace
}  // namespace heed::kernels
