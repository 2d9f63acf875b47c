// solve, solve_triangular, inverse, slogdet; det and logdet.
// vjp (Giles 2008, sec. 2): x = a^-1 b: db = a^-T g, da = -db x^T, of a triangular a its triangle;
// y = x^-1: dx = -y^T g y^T; log |det x|: dx = g x^-T; det x: dx = g det x^-T
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "framework/kernels/linalg.h"
#include "framework/ops/apply.h"
#include "framework/ops/matrices.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using detail::Matrices;

int64_t cube(int64_t n) { return n * n * n; }

// Calls f(i, its LU factorisation, its pivots) for each matrix, and gives what first_failure does.
template <class T, class F>
int64_t each_lu(const Tensor& x, const Matrices& m, const F& f) {
  const Tensor factors = x.clone();
  return detail::first_failure(m.count, cube(m.rows), [&](int64_t i) {
    T* const a = factors.data<T>() + i * m.rows * m.rows;
    std::vector<int> pivots(static_cast<size_t>(m.rows));
    kernels::lu(m.rows, a, pivots.data());
    return f(i, a, pivots.data());
  });
}

constexpr const char* kSingular = "is singular";

// a^-1 b for b [*, N, K] of a's leading dimensions.
Tensor solved(const char* op, const Tensor& a, const Tensor& b) {
  const Matrices m = detail::square_matrices_of(op, a);
  const Tensor x = b.clone();
  const int64_t columns = b.size(-1);
  const int64_t failed = dispatch_floating(op, a.dtype(), [&](auto t) {
    using T = decltype(t);
    return each_lu<T>(a, m, [&](int64_t i, const T* lu, const int* pivots) {
      if (kernels::lu_is_singular(m.rows, lu)) return false;
      kernels::lu_solve(m.rows, columns, lu, pivots, x.data<T>() + i * m.rows * columns);
      return true;
    });
  });
  detail::require_none(op, a, failed, kSingular);
  return x;
}

struct Solve {
  static constexpr const char* kName = "solve";
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    const Tensor x = solved(kName, a, b);
    saved.input(a);
    saved.output(x);
    return x;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const AutocastGuard exact(false);
    const Tensor db = solve(transpose(saved[0]), g);
    if (d.wants(0)) d.add(0, -matmul(db, transpose(saved[1])));
    d.add(1, db);
  }
  static void samples(SampleList& s) {
    const auto add = [&](const Shape& a, const Shape& b) {
      s.add(fmt::format("torch.linalg.solve({}, b)", detail::kRegular),
            {SampleInput(a, SampleInput::Fill::normal), SampleInput(b, SampleInput::Fill::normal)},
            [](const auto& x) { return std::vector{solve(detail::regular(x[0]), x[1])}; })
          .finite_only = true;
    };
    add({3, 3}, {3, 2});
    add({2, 3, 3}, {2, 3});
    add({2, 1, 2, 2}, {3, 2, 2});
    s.add("torch.linalg.solve(a, b)", {{0, 3, 3}, {0, 3, 2}},
          [](const auto& x) { return std::vector{solve(x[0], x[1])}; });
  }
};

struct SolveTriangular {
  static constexpr const char* kName = "solve_triangular";
  bool upper;
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    const Matrices m = detail::square_matrices_of(kName, a);
    const Tensor dense = a.contiguous(), x = b.clone();
    const int64_t columns = b.size(-1);
    const int64_t failed = dispatch_floating(kName, a.dtype(), [&](auto t) {
      using T = decltype(t);
      return detail::first_failure(m.count, m.rows * m.rows * columns, [&](int64_t i) {
        const T* const matrix = dense.data<T>() + i * m.rows * m.rows;
        if (kernels::lu_is_singular(m.rows, matrix)) return false;
        kernels::solve_triangular(upper, m.rows, columns, matrix, x.data<T>() + i * m.rows * columns);
        return true;
      });
    });
    detail::require_none(kName, a, failed, "has a 0 on its diagonal");
    saved.input(a);
    saved.output(x);
    return x;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const AutocastGuard exact(false);
    const Tensor db = solve_triangular(transpose(saved[0]), g, !upper);
    if (d.wants(0)) {
      const Tensor whole = matmul(db, transpose(saved[1]));
      d.add(0, -(upper ? triu(whole) : tril(whole)));
    }
    d.add(1, db);
  }
  static void samples(SampleList& s) {
    const auto add = [&](const Shape& a, const Shape& b, bool above) {
      s.add(fmt::format("torch.linalg.solve_triangular(torch.{}({}), b, upper={})", above ? "triu" : "tril",
                        detail::kRegular, above ? "True" : "False"),
            {SampleInput(a, SampleInput::Fill::normal), SampleInput(b, SampleInput::Fill::normal)},
            [above](const auto& x) {
              return std::vector{solve_triangular(detail::regular(x[0]), x[1], above)};
            })
          .finite_only = true;
    };
    add({3, 3}, {3, 2}, false);
    add({2, 3, 3}, {3, 1}, true);
    s.add("torch.linalg.solve_triangular(a, b, upper=True)", {{0, 3, 3}, {0, 3, 2}},
          [](const auto& x) { return std::vector{solve_triangular(x[0], x[1], true)}; });
  }
};

struct Inverse {
  static constexpr const char* kName = "inverse";
  Tensor forward(const Tensor& x, Saved& saved) const {
    const Tensor unit = eye(x.size(-1), -1, x.dtype());
    const Tensor y = solved(kName, x, expand(unit, x.shape()));
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const AutocastGuard exact(false);
    const Tensor turned = transpose(saved[0]);
    d.add(0, -matmul(matmul(turned, g), turned));
  }
  static void samples(SampleList& s) {
    const auto add = [&](const Shape& shape) {
      s.add(fmt::format("torch.linalg.inv({})", detail::kRegular),
            {SampleInput(shape, SampleInput::Fill::normal)},
            [](const auto& x) { return std::vector{inverse(detail::regular(x[0]))}; })
          .finite_only = true;
    };
    add({3, 3});
    add({2, 2, 2});
    s.add("torch.linalg.inv(a)", {{0, 2, 2}}, [](const auto& x) { return std::vector{inverse(x[0])}; });
  }
};

struct SlogDet {
  static constexpr const char* kName = "slogdet";
  std::array<Tensor, 2> forward(const Tensor& x, Saved& saved) const {
    const Matrices m = detail::square_matrices_of(kName, x);
    const Shape shape = detail::leading_dims(x.shape(), 2);
    const Tensor sign = empty(shape, x.dtype()), log_abs = empty(shape, x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      each_lu<T>(x, m, [&](int64_t i, const T* lu, const int* pivots) {
        const kernels::Determinant d = kernels::lu_determinant(m.rows, lu, pivots);
        sign.data<T>()[i] = static_cast<T>(d.sign);
        log_abs.data<T>()[i] = static_cast<T>(d.log);
        return true;
      });
    });
    saved.input(x);
    return {sign, log_abs};
  }
  void vjp(Grads& d, const std::array<Tensor, 2>& g, const Saved& saved) const {
    if (!g[1].defined()) return;
    d.add(0, unsqueeze(unsqueeze(g[1], -1), -1) * transpose(inverse(saved[0])));
  }
  static void samples(SampleList& s) {
    const auto both = [](const Tensor& x) {
      const SignedLog d = slogdet(x);
      return std::vector{d.sign * d.log_abs};
    };
    s.add(fmt::format("torch.mul(*torch.linalg.slogdet({}))", detail::kRegular), {{3, 3}},
          [both](const auto& x) { return both(detail::regular(x[0])); })
        .finite_only = true;
    s.again({{2, 2, 2}});
    s.add("torch.mul(*torch.linalg.slogdet(a))", {{0, 2, 2}}, [both](const auto& x) { return both(x[0]); });
  }
};

struct Det {
  static constexpr const char* kName = "det";
  Tensor forward(const Tensor& x, Saved& saved) const {
    const Matrices m = detail::square_matrices_of(kName, x);
    const Tensor y = empty(detail::leading_dims(x.shape(), 2), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      each_lu<T>(x, m, [&](int64_t i, const T* lu, const int* pivots) {
        double product = 1;
        for (int64_t k = 0; k < m.rows; ++k)
          product *= static_cast<double>(lu[k * m.rows + k]) * (pivots[k] - 1 == k ? 1 : -1);
        y.data<T>()[i] = static_cast<T>(product);
        return true;
      });
    });
    saved.input(x);
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    d.add(0, unsqueeze(unsqueeze(g * saved[1], -1), -1) * transpose(inverse(saved[0])));
  }
  static void samples(SampleList& s) {
    s.add(fmt::format("torch.linalg.det({})", detail::kRegular), {{3, 3}}, [](const auto& x) {
       return std::vector{det(detail::regular(x[0]))};
     }).finite_only = true;
    s.again({{2, 2, 2}});
    s.add(fmt::format("torch.linalg.det(torch.flip({}, (-2,)))", detail::kRegular), {{2, 4, 4}},
          [](const auto& x) { return std::vector{det(flip(detail::regular(x[0]), {-2}))}; })
        .finite_only = true;
    s.add("torch.linalg.slogdet(a)[1].exp()", {{0, 2, 2}},
          [](const auto& x) { return std::vector{det(x[0])}; });
  }
};

struct LogDet {
  static void samples(SampleList& s) {
    s.add(fmt::format("torch.logdet({})", detail::kRegular), {{3, 3}}, [](const auto& x) {
       return std::vector{logdet(detail::regular(x[0]))};
     }).finite_only = true;
    s.again({{2, 2, 2}});
    s.add("torch.logdet(a)", {{0, 2, 2}}, [](const auto& x) { return std::vector{logdet(x[0])}; });
  }
};

// Checks a and b [*, N, K], and gives both their common leading dimensions.
std::pair<Tensor, Tensor> alike(const char* op, const Tensor& a, const Tensor& b) {
  const auto both = [&] { return a.shape().str() + " and " + b.shape().str(); };
  if (a.dtype() != b.dtype())
    throw DTypeError(op, fmt::format("dtypes differ: {} and {}", a.describe(), b.describe()));
  if (a.ndim() < 2 || a.size(-1) != a.size(-2)) throw ShapeError(op, "takes square matrices: " + both());
  if (b.ndim() < 2 || b.size(-2) != a.size(-1)) throw ShapeError(op, "sizes differ: " + both());
  const Shape batch =
      broadcast_shapes(op, detail::leading_dims(a.shape(), 2), detail::leading_dims(b.shape(), 2));
  return {expand(a, detail::with_last(batch, {a.size(-2), a.size(-1)})),
          expand(b, detail::with_last(batch, {b.size(-2), b.size(-1)}))};
}

}  // namespace

Tensor solve(const Tensor& a, const Tensor& b) {
  detail::require_defined("solve", a, b);
  return detail::composed("solve", [&] {
    if (a.ndim() >= 2 && b.shape() == detail::leading_dims(a.shape(), 1)) {
      const auto [matrices, column] = alike("solve", a, unsqueeze(b, -1));
      return squeeze(apply(Solve{}, matrices, column), -1);
    }
    const auto [matrices, columns] = alike("solve", a, b);
    return apply(Solve{}, matrices, columns);
  });
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper) {
  detail::require_defined("solve_triangular", a, b);
  return detail::composed("solve_triangular", [&] {
    const auto [matrices, columns] = alike("solve_triangular", a, b);
    return apply(SolveTriangular{upper}, matrices, columns);
  });
}

Tensor inverse(const Tensor& x) {
  detail::square_matrices_of("inverse", x);
  return apply(Inverse{}, x);
}

SignedLog slogdet(const Tensor& x) {
  detail::square_matrices_of("slogdet", x);
  const auto [sign, log_abs] = apply(SlogDet{}, x);
  return {sign.detach(), log_abs};
}

Tensor det(const Tensor& x) {
  detail::square_matrices_of("det", x);
  return apply(Det{}, x);
}

Tensor logdet(const Tensor& x) {
  return detail::composed("logdet", [&] {
    detail::square_matrices_of("logdet", x);
    const SignedLog d = slogdet(x);
    return where(lt(d.sign, zeros({}, x.dtype())), full({}, NAN, x.dtype()), d.log_abs);
  });
}

DEFINE_OP(solve, Solve)
DEFINE_OP(solve_triangular, SolveTriangular)
DEFINE_OP(inverse, Inverse)
DEFINE_OP(slogdet, SlogDet)
DEFINE_OP(det, Det)
DEFINE_OP(logdet, LogDet)

}  // namespace heed
