// cholesky(x) = L, x = L L^T.      dx = (S + S^T) / 2, S = L^-T P L^-1, P the lower triangle of L^T g with
// half of its diagonal (Murray 2016, eq. 10). svd(x) = u, s, vh.      dx = u (([u^T du] s + s [v^T dv]) / e +
// diag(ds)) vh
// + (1 - u u^T) du s^-1 vh + u s^-1 dvh (1 - v v^T), where [a] = a - a^T, e_ij = s_j^2 - s_i^2 and e_ii = 1
// (Townsend 2016).
#include <fmt/format.h>

#include "framework/kernels/linalg.h"
#include "framework/ops/apply.h"
#include "framework/ops/matrices.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Cholesky {
  static constexpr const char* kName = "cholesky";
  Tensor forward(const Tensor& x, Saved& saved) const {
    const detail::Matrices m = detail::square_matrices_of(kName, x);
    const Tensor lower = x.clone();
    const int64_t failed = dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      return detail::first_failure(m.count, m.rows * m.rows * m.rows, [&](int64_t i) {
        return kernels::cholesky(m.rows, lower.data<T>() + i * m.rows * m.rows);
      });
    });
    detail::require_none(kName, x, failed, "is not positive definite");
    saved.output(lower);
    return lower;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const AutocastGuard exact(false);
    const Tensor lower = saved[0], turned = transpose(lower), product = matmul(turned, g);
    const Tensor halved = (tril(product) + tril(product, -1)) * 0.5;
    const Tensor left = solve_triangular(turned, halved, /*upper=*/true);  // L^-T P
    const Tensor s = transpose(solve_triangular(turned, transpose(left), /*upper=*/true));
    d.add(0, (s + transpose(s)) * 0.5);
  }
  static void samples(SampleList& s) {
    s.add(fmt::format("torch.linalg.cholesky({})", detail::kPositiveDefinite), {{3, 3}}, [](const auto& x) {
       return std::vector{cholesky(detail::positive_definite(x[0]))};
     }).finite_only = true;
    s.again({{2, 2, 2}});
    s.add("torch.linalg.cholesky(a)", {{0, 2, 2}}, [](const auto& x) { return std::vector{cholesky(x[0])}; });
  }
};

struct Svd {
  static constexpr const char* kName = "svd";
  static constexpr int kSaved = 3;
  std::array<Tensor, 3> forward(const Tensor& input, Saved& saved) const {
    const auto matrices = detail::matrices_of(kName, input);
    const int64_t count = matrices.count, M = matrices.rows, N = matrices.columns, inner = std::min(M, N);
    const Shape batch = detail::leading_dims(input.shape(), 2);
    const Tensor x = input.clone(), u = empty(detail::with_last(batch, {M, inner}), x.dtype()),
                 s = empty(detail::with_last(batch, {inner}), x.dtype()),
                 vh = empty(detail::with_last(batch, {inner, N}), x.dtype());
    const int64_t failed = dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      return detail::first_failure(count, 4 * M * N * inner, [&](int64_t i) {
        return kernels::svd(M, N, x.data<T>() + i * M * N, u.data<T>() + i * M * inner,
                            s.data<T>() + i * inner, vh.data<T>() + i * inner * N);
      });
    });
    detail::require_none(kName, input, failed, "has singular values that LAPACK's iteration does not find");
    saved.output(u, 0);
    saved.output(s, 1);
    saved.output(vh, 2);
    return {u, s, vh};
  }
  void vjp(Grads& d, const std::array<Tensor, 3>& g, const Saved& saved) const {
    const AutocastGuard exact(false);
    const Tensor u = saved[0], s = saved[1], vh = saved[2];
    const auto& [du, ds, dvh] = g;
    const Tensor in_rows = unsqueeze(s, -2), in_columns = unsqueeze(s, -1);
    const Tensor unit = eye(s.size(-1), -1, s.dtype());
    const auto skew = [](const Tensor& a) { return a - transpose(a); };
    Tensor inside;
    if (ds.defined()) inside = unsqueeze(ds, -1) * unit;
    if (du.defined() || dvh.defined()) {
      const Tensor gaps = square(in_rows) - square(in_columns) + unit;
      Tensor turned;
      if (du.defined()) turned = skew(matmul(transpose(u), du)) * in_rows;
      if (dvh.defined()) {
        const Tensor other = in_columns * skew(matmul(vh, transpose(dvh)));
        turned = turned.defined() ? turned + other : other;
      }
      inside = inside.defined() ? inside + turned / gaps : turned / gaps;
    }
    Tensor dx = matmul(matmul(u, inside), vh);
    if (du.defined() && u.size(-2) > u.size(-1)) {
      const Tensor scaled = du / in_rows;
      dx = dx + matmul(scaled - matmul(u, matmul(transpose(u), scaled)), vh);
    }
    if (dvh.defined() && vh.size(-1) > vh.size(-2)) {
      const Tensor scaled = dvh / in_columns;
      dx = dx + matmul(u, scaled - matmul(matmul(scaled, transpose(vh)), vh));
    }
    d.add(0, dx);
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) {  // squares do not depend on the signs
      const auto [u, values, vh] = svd(detail::with_distinct_values(x[0]));
      return std::vector{square(u), values, square(vh)};
    };
    s.add(fmt::format("(lambda u, s, v: (u * u, s, v * v))(*torch.linalg.svd({}, full_matrices=False))",
                      detail::kWithDistinctValues),
          {{3, 3}}, run)
        .finite_only = true;
    s.again({{2, 3, 2}});
    s.again({{2, 3}});
    s.add("torch.linalg.svdvals(a)", {{3, 2}}, [](const auto& x) {
       return std::vector{svd(x[0]).s};
     }).finite_only = true;
    s.add("torch.linalg.svd(a, full_matrices=False)", {{0, 2, 2}}, [](const auto& x) {
      const auto [u, values, vh] = svd(x[0]);
      return std::vector{u, values, vh};
    });
  }
};

}  // namespace

Tensor cholesky(const Tensor& x) {
  detail::square_matrices_of("cholesky", x);
  return apply(Cholesky{}, x);
}

SvdResult svd(const Tensor& x) {
  detail::matrices_of("svd", x);
  const auto [u, s, vh] = apply(Svd{}, x);
  return {u, s, vh};
}

DEFINE_OP(cholesky, Cholesky)
DEFINE_OP(svd, Svd)

}  // namespace heed
