// Matrix products against three plain loops: random shapes, transposes, leading dimensions and betas; packed
// right-hand sides.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "framework/core/autocast.h"
#include "framework/core/parallel.h"
#include "framework/core/random.h"
#include "framework/framework.h"
#include "framework/kernels/kernels.h"

namespace heed::kernels {
namespace {

template <class T>
std::vector<T> numbers(Generator& generator, int64_t n) {
  std::vector<T> x;
  for (int64_t i = 0; i < n; ++i)
    x.push_back(static_cast<T>(static_cast<double>(generator.next_below(2001)) / 1000 - 1));
  return x;
}

// C = op(A) op(B) + beta C in double. With |x| <= 1 the rounding of a sum of K products is at most about K
// eps.
template <class T>
void expect_product(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const std::vector<T>& a, int64_t lda,
                    const std::vector<T>& b, int64_t ldb, double beta, const std::vector<T>& before,
                    const std::vector<T>& c, int64_t ldc) {
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
      ASSERT_NEAR(c[at], sum, bound) << M << "x" << N << "x" << K << (ta ? " ta" : "") << (tb ? " tb" : "")
                                     << " beta " << beta << " at " << i << ", " << j;
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
      return static_cast<int64_t>(kind == 0  ? 0
                                  : kind < 5 ? 1 + generator.next_below(20)
                                  : kind < 9 ? 1 + generator.next_below(80)
                                             : 128);
    };
    const int64_t M = size(), N = size(), K = size();
    const bool ta = generator.next_below(2), tb = generator.next_below(2);
    const auto pad = [&] {
      return static_cast<int64_t>(generator.next_below(2) ? 0 : generator.next_below(9));
    };
    const int64_t lda = std::max<int64_t>(1, (ta ? M : K) + pad()),
                  ldb = std::max<int64_t>(1, (tb ? K : N) + pad());
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

// Large enough to be shared out, and weight gradients of many rows.
TYPED_TEST(GemmTest, LargerProductsEqualThreePlainLoops) {
  using T = TypeParam;
  Generator generator(26);
  const int before = num_threads();
  int round = 0;
  for (const auto& [M, N, K] :
       {std::tuple{200, 170, 150}, {33, 41, 300}, {128, 70, 260}, {300, 130, 257}, {64, 64, 1024}}) {
    for (const auto& [ta, tb] : {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
      for (const double beta : {0.0, 1.0, 0.5}) {
        set_num_threads(1 + round++ % 3);
        const int64_t lda = (ta ? M : K) + round % 3, ldb = (tb ? K : N) + round % 2, ldc = N + round % 4;
        const auto a = numbers<T>(generator, (ta ? K : M) * lda),
                   b = numbers<T>(generator, (tb ? N : K) * ldb);
        auto c = numbers<T>(generator, M * ldc);
        const auto start = c;
        gemm<T>(ta, tb, M, N, K, a.data(), lda, b.data(), ldb, static_cast<T>(beta), c.data(), ldc);
        expect_product(ta, tb, int64_t{M}, int64_t{N}, int64_t{K}, a, lda, b, ldb, beta, start, c, ldc);
        if (this->HasFatalFailure()) return set_num_threads(before);
      }
    }
  }
  set_num_threads(before);
}

// What gemm() takes on machines whose OpenBLAS packs small matrices, called by itself so that every machine
// tests it: tiles of any height, columns that end inside a vector.
TEST(SmallGemm, AgreesWithThreePlainLoops) {
  Generator generator(25);
  for (int round = 0; round < 300; ++round) {
    const auto size = [&] { return static_cast<int64_t>(generator.next_below(round % 2 ? 70 : 20)); };
    const int64_t M = size(), N = size(), K = size();
    const bool ta = generator.next_below(2), accumulate = generator.next_below(2);
    const int64_t lda = (ta ? M : K) + size() / 8, ldb = N + size() / 8, ldc = N + size() / 8;
    // exactly as large as needed, so that a sanitizer sees what is read beyond
    const auto a = numbers<float>(generator, std::max<int64_t>(0, ((ta ? K : M) - 1) * lda + (ta ? M : K))),
               b = numbers<float>(generator, std::max<int64_t>(0, (K - 1) * ldb + N));
    auto c = numbers<float>(generator, std::max<int64_t>(0, (M - 1) * ldc + N));
    const auto start = c;
    small_gemm(ta, M, N, K, a.data(), lda, b.data(), ldb, accumulate, c.data(), ldc);
    for (int64_t i = 0; i < M; ++i) {
      for (int64_t j = 0; j < ldc; ++j) {
        const auto at = static_cast<size_t>(i * ldc + j);
        if (at >= c.size()) break;
        if (j >= N) {
          ASSERT_EQ(c[at], start[at]);  // between the rows
          continue;
        }
        double sum = accumulate ? static_cast<double>(start[at]) : 0;
        for (int64_t k = 0; k < K; ++k) {
          sum += static_cast<double>(a[static_cast<size_t>(ta ? k * lda + i : i * lda + k)]) *
                 static_cast<double>(b[static_cast<size_t>(k * ldb + j)]);
        }
        ASSERT_NEAR(static_cast<double>(c[at]), sum, 1e-6 * static_cast<double>(K + 1))
            << M << " " << N << " " << K;
      }
    }
  }
}

// LSTM steps: fewer and fewer rows on one packed matrix, as sequences end; small matrices stay plain, large
// ones take oneDNN's layout.
TYPED_TEST(GemmTest, PackedTakesAnyNumberOfRows) {
  using T = TypeParam;
  Generator generator(21);
  for (const auto& [K, N] :
       {std::pair{5, 20}, {40, 160}, {64, 64}, {96, 256}, {256, 96}, {77, 130}, {1, 1}}) {
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
            expect_product(false, transposed, M, int64_t{N}, int64_t{K}, a, lda, b,
                           int64_t{transposed ? K : N}, beta, start, c, ldc);
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
    const auto x = matmul(a, b).template to_vector<TypeParam>(),
               y = matmul(a.clone(), b.clone()).template to_vector<TypeParam>();
    ASSERT_EQ(x.size(), y.size());
    for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], y[i], 1e-5);
  };
  const Tensor a = randn({6, 10}, kType), b = randn({10, 8}, kType), batch = randn({3, 6, 10}, kType),
               rows = randn({6, 3, 10}, kType);
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

// What oneDNN is given in place of x: the nearest bfloat16, ties to even.
float nearest_bf16(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t below = bits & 0xFFFFU;
  bits &= 0xFFFF0000U;
  if (below > 0x8000U || (below == 0x8000U && (bits & 0x10000U))) bits += 0x10000U;
  return std::bit_cast<float>(bits);
}

TEST(Bf16, RoundsToNearestAndTiesToEven) {
  const float inf = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
  std::vector<float> x{
      0.0F,        -0.0F, 1.0F, inf, -inf, most, -most, std::numeric_limits<float>::denorm_min(), 1e-40F,
      1.00390625F,   // halfway between 1 and 1 + 2^-7: to 1
      1.01171875F};  // halfway between 1 + 2^-7 and 1 + 2^-6: to 1 + 2^-6
  Generator generator(22);
  for (int i = 0; i < 1000; ++i)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(generator.next_below(0x7F800000U))));
  const auto n = static_cast<int64_t>(x.size());
  std::vector<uint16_t> y(x.size());
  round_to_bf16(1, n, x.data(), n, y.data());
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(std::bit_cast<uint32_t>(nearest_bf16(x[i])) >> 16, y[i]) << x[i];
  const std::vector<float> nans(20, std::bit_cast<float>(0x7F800001U));  // would round to infinity
  std::vector<uint16_t> z(20);
  round_to_bf16(2, 9, nans.data(), 10, z.data());
  for (size_t i = 0; i < 18; ++i)
    EXPECT_TRUE(std::isnan(std::bit_cast<float>(static_cast<uint32_t>(z[i]) << 16)));
}

class Bf16Products : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_bf16_products()) GTEST_SKIP() << "this CPU, or HEED_ISA, has no bf16 products";
  }
  // Operands that are bfloat16 already: then only the order of the f32 sum differs, and the f32 bound holds.
  static std::vector<float> exact(Generator& generator, int64_t n) {
    std::vector<float> x = numbers<float>(generator, n);
    std::ranges::transform(x, x.begin(), nearest_bf16);
    return x;
  }
  detail::RoundedProducts kernels_{true};
  AutocastGuard ops_;
};

TEST_F(Bf16Products, EqualThreePlainLoopsOnRoundedOperands) {
  Generator generator(23);
  const int before = num_threads();
  int round = 0;
  for (const auto& [M, N, K] : {std::tuple{128, 128, 128},
                                {131, 70, 130},
                                {33, 300, 120},
                                {1100, 40, 37},
                                {64, 512, 300},
                                {300, 64, 517}}) {
    for (const auto& [ta, tb] : {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
      for (const double beta : {0.0, 1.0, 0.5}) {
        set_num_threads(1 + round++ % 2);
        const int64_t lda = (ta ? M : K) + round % 3, ldb = (tb ? K : N) + round % 2, ldc = N + round % 4;
        const auto a = exact(generator, (ta ? K : M) * lda), b = exact(generator, (tb ? N : K) * ldb);
        auto c = numbers<float>(generator, M * ldc);
        const auto start = c;
        gemm<float>(ta, tb, M, N, K, a.data(), lda, b.data(), ldb, static_cast<float>(beta), c.data(), ldc);
        expect_product(ta, tb, int64_t{M}, int64_t{N}, int64_t{K}, a, lda, b, ldb, beta, start, c, ldc);
        if (HasFatalFailure()) return set_num_threads(before);
      }
    }
  }
  set_num_threads(before);
}

TEST_F(Bf16Products, PackedTakesAnyNumberOfRows) {
  Generator generator(24);
  for (const auto& [K, N] : {std::pair{64, 64}, {96, 256}, {77, 130}}) {
    const auto b = exact(generator, int64_t{K} * N);
    const PackedMatrix<float> packed(K, N, b.data(), N, 1, 32);
    for (const int64_t M : {32, 1, 7, 33}) {
      for (const double beta : {0.0, 1.0}) {
        const auto a = exact(generator, M * (K + 2));
        auto c = numbers<float>(generator, M * N);
        const auto start = c;
        packed.multiply(M, a.data(), K + 2, static_cast<float>(beta), c.data(), N);
        expect_product(false, false, M, int64_t{N}, int64_t{K}, a, int64_t{K} + 2, b, int64_t{N}, beta, start,
                       c, int64_t{N});
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Each operand is off by at most 2^-8 of itself, so a sum of K products of numbers up to 1 by less than K
// (2^-7 + 2^-16).
TEST_F(Bf16Products, StayWithinTheBoundOfTheRounding) {
  manual_seed(6);
  constexpr int64_t kDepth = 200;
  const Tensor a = tanh(randn({150, kDepth})), b = tanh(randn({kDepth, 120}));
  const auto rounded = matmul(a, b).to_vector<float>();
  const auto exact = matmul(a.to(DType::f64), b.to(DType::f64)).to_vector<double>();
  const auto magnitude = matmul(abs(a).to(DType::f64), abs(b).to(DType::f64)).to_vector<double>();
  double largest = 0;
  for (size_t i = 0; i < rounded.size(); ++i) {
    EXPECT_LE(std::abs(rounded[i] - exact[i]), magnitude[i] * (1.0 / 128 + 1.0 / 65536));
    largest = std::max(largest, std::abs(rounded[i] - exact[i]));
  }
  EXPECT_GT(largest, 1e-4) << "f32 would be closer: bf16 was not used";
}

TEST_F(Bf16Products, LeaveDoubleAndSmallProductsAlone) {
  manual_seed(7);
  const Tensor a = randn({130, 140}, DType::f64), b = randn({140, 120}, DType::f64), c = randn({8, 9}),
               d = randn({9, 7});
  const auto wide = matmul(a, b).to_vector<double>();
  const auto small = matmul(c, d).to_vector<float>();
  const AutocastGuard off(false);
  EXPECT_EQ(matmul(a, b).to_vector<double>(), wide);
  EXPECT_EQ(matmul(c, d).to_vector<float>(), small);
}

}  // namespace
}  // namespace heed::kernels
