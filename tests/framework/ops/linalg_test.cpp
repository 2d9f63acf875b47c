// Linear algebra: what holds of the results for matrices of several sizes, values by hand, refusals.
#include <gtest/gtest.h>

#include <cmath>

#include "framework/autograd/gradcheck.h"
#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

// Of f64 and f32, of one and of several matrices, of sizes within a block of LAPACK's and beyond.
template <class F>
void for_matrices(int64_t rows, int64_t columns, const F& f) {
  manual_seed(static_cast<uint64_t>(100 * rows + columns));
  for (const DType dtype : {DType::f64, DType::f32}) {
    const double eps = dtype == DType::f64 ? 1e-13 : 1e-5;
    f(randn({rows, columns}, dtype), eps * static_cast<double>(rows + columns));
    f(randn({2, 3, rows, columns}, dtype), eps * static_cast<double>(rows + columns));
  }
}
Tensor identity_like(const Tensor& x) { return expand(eye(x.size(-1), -1, x.dtype()), x.shape()); }

TEST(Linalg, SolvesAndInverts) {
  for (const int64_t n : {1, 2, 5, 100}) {
    for_matrices(n, n, [&](const Tensor& x, double eps) {
      const Tensor a = x + identity_like(x) * (3 * std::sqrt(static_cast<double>(n)));
      EXPECT_TRUE(all_close(matmul(inverse(a), a), identity_like(a), 0, eps)) << n;
      const Tensor b = randn({n, 3}, x.dtype());
      EXPECT_TRUE(all_close(matmul(a, solve(a, b)), expand(b, solve(a, b).shape()), 0, 10 * eps)) << n;
      for (const bool upper : {true, false}) {
        const Tensor triangle = upper ? triu(a) : tril(a), y = solve_triangular(a, b, upper);
        EXPECT_TRUE(all_close(matmul(triangle, y), expand(b, y.shape()), 0, 10 * eps)) << n;
      }
    });
  }
}

TEST(Linalg, CholeskyAndSingularValuesMultiplyToTheMatrix) {
  for (const int64_t n : {1, 2, 5, 100}) {
    for_matrices(n, n, [&](const Tensor& x, double eps) {
      const Tensor a = matmul(x, transpose(x)) / static_cast<double>(n) + identity_like(x), l = cholesky(a);
      EXPECT_TRUE(all_close(matmul(l, transpose(l)), a, 0, eps)) << n;
      EXPECT_TRUE(all_close(l, tril(l), 0, 0)) << n;
    });
  }
  for (const auto& [m, n] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {5, 3}, {3, 5}, {60, 40}}) {
    for_matrices(m, n, [&](const Tensor& x, double eps) {
      const auto [u, s, vh] = svd(x);
      EXPECT_TRUE(all_close(matmul(u * unsqueeze(s, -2), vh), x, 0, 3 * eps));
      EXPECT_TRUE(all_close(matmul(transpose(u), u), identity_like(matmul(transpose(u), u)), 0, eps));
      EXPECT_TRUE(all_close(matmul(vh, transpose(vh)), identity_like(matmul(vh, transpose(vh))), 0, eps));
      EXPECT_TRUE(all_close(s, sort(s, -1, /*descending=*/true).values, 0, 0));
    });
  }
}

TEST(Linalg, DeterminantsByHand) {
  const Tensor x = from_vector<double>({1, 2, 3, 4, 0, 1, 1, 0, 2, 4, 1, 2}, {3, 2, 2});
  EXPECT_TRUE(all_close(det(x), from_vector<double>({-2, -1, 0}, {3}), 1e-12, 1e-12));
  const auto [sign, log_abs] = slogdet(x);
  EXPECT_EQ(sign.to_vector<double>(), (std::vector<double>{-1, -1, 0}));
  EXPECT_TRUE(all_close(log_abs, from_vector<double>({std::log(2), 0, -INFINITY}, {3}), 1e-12, 1e-12));
  EXPECT_TRUE(std::isnan(logdet(select(x, 0, 0)).item()));
  EXPECT_EQ(det(zeros({0, 0})).item(), 1);
  EXPECT_NEAR(slogdet(eye(200) * 1e-3).log_abs.item(), 200 * std::log(1e-3), 1e-2);  // det is 0 in f32
}

TEST(Linalg, VectorsAndBroadcastBatches) {
  const Tensor a = from_vector<double>({2, 0, 0, 4, 1, 1, 0, 1}, {2, 2, 2});
  EXPECT_TRUE(all_close(solve(a, from_vector<double>({2, 4, 3, 1}, {2, 2})),
                        from_vector<double>({1, 1, 2, 1}, {2, 2}), 1e-14, 0));
  EXPECT_EQ(solve(a, zeros({3, 1, 2, 5}, DType::f64)).shape(), (Shape{3, 2, 2, 5}));
  EXPECT_EQ(solve(zeros({0, 0}), zeros({0, 4})).shape(), (Shape{0, 4}));
  EXPECT_EQ(svd(zeros({3, 0})).u.shape(), (Shape{3, 0}));
}

TEST(Linalg, Errors) {
  const Tensor batch = stack({eye(3), zeros({3, 3}), eye(3)}, 0);
  EXPECT_ERROR(ValueError, "cholesky: matrix 1 of f32[3, 3, 3] is not positive definite", cholesky(batch));
  EXPECT_ERROR(ValueError, "cholesky: matrix 0 of f64[2, 2] is not positive definite",
               cholesky(from_vector<double>({1, 2, 2, 1}, {2, 2})));
  EXPECT_ERROR(ValueError, "inverse: matrix 1 of f32[3, 3, 3] is singular", inverse(batch));
  EXPECT_ERROR(ValueError, "solve: matrix 1 of f32[3, 3, 3] is singular", solve(batch, ones({3, 3})));
  EXPECT_ERROR(ValueError, "solve_triangular: matrix 1 of f32[3, 3, 3] has a 0 on its diagonal",
               solve_triangular(batch, ones({3, 1}), true));
  EXPECT_ERROR(ValueError, "svd: matrix 0 of f32[2, 2] has a NaN or an infinity", svd(full({2, 2}, NAN)));
  EXPECT_ERROR(ValueError, "det: matrix 0 of f32[1, 1] has a NaN or an infinity",
               det(full({1, 1}, INFINITY)));
  EXPECT_ERROR(ShapeError, "det: takes square matrices, got [2, 3]", det(zeros({2, 3})));
  EXPECT_ERROR(ShapeError, "svd: takes matrices, got [2]", svd(zeros({2})));
  EXPECT_ERROR(ShapeError, "solve: sizes differ: [3, 3] and [2, 1]", solve(eye(3), zeros({2, 1})));
  EXPECT_ERROR(ShapeError, "solve: takes square matrices: [3, 2] and [2, 1]",
               solve(zeros({3, 2}), zeros({2, 1})));
  EXPECT_ERROR(DTypeError, "solve: dtypes differ: f32[3, 3] and f64[3, 1]",
               solve(eye(3), zeros({3, 1}, DType::f64)));
  EXPECT_ERROR(DTypeError, "cholesky: takes f32 or f64, got i64", cholesky(zeros({2, 2}, DType::i64)));
  const Tensor singular = zeros({2, 2}).set_requires_grad(true);
  EXPECT_EQ(det(singular).item(), 0);
  EXPECT_ERROR(ValueError, "inverse: matrix 0 of f32[2, 2] is singular", det(singular).backward());
}

// The sum of squares of all singular values is that of all elements: the slope is 2 x, equal ones or not.
TEST(Linalg, SingularValuesAloneHaveAGradientEverywhere) {
  for (const Tensor& matrix : {eye(3, 3, DType::f64), ones({3, 2}, DType::f64), zeros({2, 3}, DType::f64)}) {
    const Tensor x = matrix.set_requires_grad(true);
    EXPECT_TRUE(all_close(grad({sum(square(svd(x).s))}, {x})[0], x.detach() * 2.0, 0, 1e-12));
  }
}

TEST(Linalg, GradientsThroughWholeFactorisations) {  // x itself, by way of u, s and vh
  manual_seed(8);
  const auto again = [](const std::vector<Tensor>& x) {
    const auto [u, s, vh] = svd(x[0]);
    return std::vector{matmul(u * unsqueeze(exp(s), -2), vh)};
  };
  for (const Shape& shape : {Shape{3, 3}, Shape{4, 2}, Shape{2, 4}}) {
    const GradcheckResult result = gradcheck(again, {randn(shape, DType::f64)}, {.order = 2});
    EXPECT_TRUE(result) << shape.str() << result.message;
  }
}

}  // namespace
}  // namespace heed
