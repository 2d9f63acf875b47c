// Reductions over any set of dims, beside sum and mean (sum.cpp): amax, amin, prod, var, stddev, norm,
// logsumexp; cumsum. Each moves the reduced dims behind the others and works on dense rows, unless its kernel
// takes neighbouring dims where they lie; the result comes back with extents of 1 in their place, so that the
// vjp, in public ops, broadcasts. With KeepDim::no the public function drops them.
#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/integers.h"
#include "framework/ops/moments.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/reduced.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using detail::Reduced;

// y[r] = f(row r, n) of a floating tensor, with extents of 1 for the reduced dims.
template <class F>
Tensor reduce(const char* name, const Reduced& reduced, const Tensor& input, const F& f) {
  return dispatch_floating(name, input.dtype(), [&](auto t) {
    using T = decltype(t);
    return detail::reduce_rows<T, T>(name, reduced, input, KeepDim::yes, f);
  });
}

// kernels::stretched: what the gradient of a reduction is, from x, and a and b of the shape of the result.
// Undefined where it has to be composed.
Tensor stretched(const char* name, kernels::Stretch f, const Reduced& reduced, const Tensor& input,
                 const Tensor& a, const Tensor& b) {
  const std::optional<Reduced::Run> run = reduced.run();
  if (!run || GradMode::enabled()) return {};
  const Tensor x = input.contiguous(), of_a = a.contiguous(), of_b = b.contiguous(),
               y = empty(x.shape(), x.dtype());
  dispatch_floating(name, x.dtype(), [&](auto t) {
    using T = decltype(t);
    kernels::stretched<T>(f, run->outer, run->reduce, run->inner, x.data<T>(), of_a.data<T>(), of_b.data<T>(),
                          y.data<T>());
  });
  return y;
}

Tensor dropped(const Tensor& y, const Reduced& reduced, KeepDim keep) {
  return keep == KeepDim::yes ? y : reshape(y, reduced.without(/*keep=*/false));
}

// amax, amin: the largest and the smallest; NaN when one is among them.      dx = g / k for each of the k
// equal ones
template <bool kLargest>
struct Extremum {
  static constexpr const char* kName = kLargest ? "amax" : "amin";
  Reduced reduced;
  Tensor forward(const Tensor& x, Saved& saved) const {
    const Tensor y = empty(reduced.without(/*keep=*/true), x.dtype());
    const std::optional<Reduced::Run> run = reduced.run();
    const Tensor dense = run ? x.contiguous() : reduced.rows(x);
    const Reduced::Run all = run.value_or(Reduced::Run{y.numel(), reduced.count(), 1});
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::extreme<T>(kLargest, all.outer, all.reduce, all.inner, dense.data<T>(), y.data<T>());
    });
    saved.input(x);
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], y = saved[1];
    const std::optional<Reduced::Run> run = reduced.run();
    if (run && !GradMode::enabled()) {
      const Tensor dense = x.contiguous(), count = empty(y.shape(), y.dtype());
      dispatch_floating(kName, x.dtype(), [&](auto t) {
        using T = decltype(t);
        kernels::count_equal<T>(run->outer, run->reduce, run->inner, dense.data<T>(), y.data<T>(),
                                count.data<T>());
      });
      return d.add(0, stretched(kName, kernels::Stretch::equal, reduced, dense, y, g / count));
    }
    const Tensor hits = eq(x, y).to(g.dtype());  // 1 where x is the extreme; a constant
    const std::vector<int> dims = reduced.list();
    d.add(0, g * (dims.empty() ? hits : hits / sum(hits, dims, KeepDim::yes)));
  }
  static void samples(SampleList& s) {
    const auto of = [](const Tensor& x, std::vector<int> dims, KeepDim keep) {
      return kLargest ? amax(x, dims, keep) : amin(x, dims, keep);
    };
    const auto add = [&](const std::string& arguments, const Shape& shape, std::vector<int> dims,
                         KeepDim keep) {
      s.add(fmt::format("torch.{}({})", kName, arguments), {SampleInput(shape, SampleInput::Fill::normal)},
            [of, dims, keep](const auto& x) { return std::vector{of(x[0], dims, keep)}; });
    };
    add("a", {3, 5}, {}, KeepDim::no);
    add("a, 1", {3, 7}, {1}, KeepDim::no);
    add("a, (0, 2), keepdim=True", {2, 3, 4}, {0, -1}, KeepDim::yes);
    add("a, 1", {0, 3}, {1}, KeepDim::no);
  }
};

// prod.      dx_i = g times the product of the others; where an element is 0 only of first order
struct Prod {
  static constexpr const char* kName = "prod";
  Reduced reduced;
  Tensor forward(const Tensor& x, Saved& saved) const {
    const Tensor y =
        reduce(kName, reduced, x, [](const auto* row, int64_t n) { return kernels::product(n, row); });
    saved.input(x);
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0];
    if (!holds_zero(x)) return d.add(0, g * saved[1] / x);
    if (GradMode::enabled())
      throw GradError("prod", "the gradient of the gradient is not known where an element is 0");
    d.add(0, g * others(x));
  }
  static bool holds_zero(const Tensor& x) {
    const Tensor dense = x.detach().contiguous();
    return dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      return std::find(dense.data<T>(), dense.data<T>() + dense.numel(), T{0}) !=
             dense.data<T>() + dense.numel();
    });
  }
  // The product of all elements of the row but this one.
  Tensor others(const Tensor& x) const {
    const Tensor rows = reduced.rows(x), y = empty(rows.shape(), x.dtype());
    const int64_t n = reduced.count();
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      for (int64_t at = 0; at < rows.numel(); at += n) {
        const T* const from = rows.data<T>() + at;
        T* const to = y.data<T>() + at;
        T before = 1, behind = 1;
        for (int64_t i = 0; i < n; ++i, before *= from[i - 1]) to[i] = before;
        for (int64_t i = n - 1; i >= 0; --i) {
          to[i] *= behind;
          behind *= from[i];
        }
      }
    });
    std::vector<int> order;  // back from [kept..., reduced...]
    int kept = 0, last = 0;
    for (int i = 0; i < reduced.shape.ndim(); ++i) kept += reduced.is(i) ? 0 : 1;
    for (int i = 0, at = 0; i < reduced.shape.ndim(); ++i)
      order.push_back(reduced.is(i) ? kept + last++ : at++);
    return permute(y, order);
  }
  static void samples(SampleList& s) {
    s.add("torch.prod(a)", {positive({2, 5})}, [](const auto& x) { return std::vector{prod(x[0])}; });
    s.add("torch.prod(a, 1)", {positive({3, 4})}, [](const auto& x) { return std::vector{prod(x[0], {1})}; });
    s.add("torch.prod(torch.prod(a, 2, keepdim=True), 0, keepdim=True)", {positive({2, 3, 4})},
          [](const auto& x) {
            return std::vector{prod(x[0], {0, 2}, KeepDim::yes)};
          });
    s.add("torch.prod(a, 0)", {{0, 3}}, [](const auto& x) { return std::vector{prod(x[0], {0})}; });
  }
};

// var: sum of (x - mean)^2 over n - correction.      dx = g 2 (x - mean) / (n - correction)
struct Var {
  static constexpr const char* kName = "var";
  Reduced reduced;
  double correction;
  Tensor forward(const Tensor& x, Saved& saved) const {
    saved.input(x);
    return reduce(kName, reduced, x, [this](const auto* row, int64_t n) { return of(row, n, correction); });
  }
  template <class T>
  static double of(const T* row, int64_t n, double correction) {
    double mean = 0;
    kernels::sum<T, double>(1, n, 1, row, &mean, static_cast<double>(n));
    return kernels::squared_distance(n, row, mean) / std::max(static_cast<double>(n) - correction, 0.0);
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    d.add(0, g * (centred(saved[0], reduced) *
                  (2 / std::max(static_cast<double>(reduced.count()) - correction, 0.0))));
  }
  static Tensor centred(const Tensor& x, const Reduced& reduced) {
    const std::vector<int> dims = reduced.list();
    return dims.empty() ? x - x : detail::centred(x, dims);
  }
  static void samples(SampleList& s) {
    s.add("torch.var(a, dim=(0, 1))", {{3, 5}}, [](const auto& x) { return std::vector{var(x[0])}; });
    s.add("torch.var(a, dim=1, unbiased=False)", {{3, 5}},
          [](const auto& x) { return std::vector{var(x[0], {1}, 0)}; });
    s.add("torch.var(a, dim=(0, 2), keepdim=True)", {{2, 3, 4}}, [](const auto& x) {
      return std::vector{var(x[0], {0, 2}, 1, KeepDim::yes)};
    });
    s.add("torch.std(a, dim=1)", {{3, 5}}, [](const auto& x) { return std::vector{stddev(x[0], {1})}; });
    s.again({{0, 5}});
  }
};

// x / y, 0 with all its derivatives where y = 0.
Tensor over_root(const Tensor& x, const Tensor& y) {
  const Tensor none = eq(y, zeros({}, y.dtype()));
  return masked_fill(x / masked_fill(y, none, 1), none, 0);
}

// stddev: the root of var, taken before the square is rounded to f32, where it may overflow.
// dx = g (x - mean) / ((n - correction) y), 0 where y = 0
struct StdDev {
  static constexpr const char* kName = "stddev";
  Reduced reduced;
  double correction;
  Tensor forward(const Tensor& x, Saved& saved) const {
    const Tensor y = reduce(kName, reduced, x, [this](const auto* row, int64_t n) {
      return std::sqrt(Var::of(row, n, correction));
    });
    saved.input(x);
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const double scale = 1 / std::max(static_cast<double>(reduced.count()) - correction, 0.0);
    d.add(0, g * (over_root(Var::centred(saved[0], reduced), saved[1]) * scale));
  }
  static void samples(SampleList& s) {
    s.add("torch.std(a, dim=(0, 1))", {{3, 5}}, [](const auto& x) { return std::vector{stddev(x[0])}; });
    s.add("torch.std(a, dim=1, unbiased=False, keepdim=True)", {{3, 5}},
          [](const auto& x) { return std::vector{stddev(x[0], {1}, 0, KeepDim::yes)}; });
    s.again({{0, 5}});
  }
};

// norm: sqrt(sum x^2).      dx = g x / y, 0 where y = 0
struct Norm {
  static constexpr const char* kName = "norm";
  Reduced reduced;
  Tensor forward(const Tensor& x, Saved& saved) const {
    const Tensor y = reduce(kName, reduced, x, [](const auto* row, int64_t n) {
      return std::sqrt(kernels::sum_of_squares(n, row));
    });
    saved.input(x);
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], y = saved[1];
    if (!GradMode::enabled()) {
      const Tensor none = eq(y, zeros({}, y.dtype()));
      const Tensor dx = stretched(kName, kernels::Stretch::quotient, reduced, x, masked_fill(y, none, 1),
                                  g * logical_not(none).to(g.dtype()));
      if (dx.defined()) return d.add(0, dx);
    }
    d.add(0, g * over_root(x, y));
  }
  static void samples(SampleList& s) {
    s.add("torch.linalg.vector_norm(a)", {{3, 5}}, [](const auto& x) { return std::vector{norm(x[0])}; });
    s.add("torch.linalg.vector_norm(a, dim=1)", {{3, 5}},
          [](const auto& x) { return std::vector{norm(x[0], {1})}; });
    s.add("torch.linalg.vector_norm(a, dim=(0, 2), keepdim=True)", {{2, 3, 4}}, [](const auto& x) {
      return std::vector{norm(x[0], {0, 2}, KeepDim::yes)};
    });
    s.add("torch.linalg.vector_norm(a, dim=0)", {{0, 3}},
          [](const auto& x) { return std::vector{norm(x[0], {0})}; });
  }
};

// logsumexp: log sum e^x, without overflow.      dx = g e^(x - y), 0 where all x are -inf
struct LogSumExp {
  static constexpr const char* kName = "logsumexp";
  Reduced reduced;
  Tensor forward(const Tensor& x, Saved& saved) const {
    const Tensor y = full(reduced.without(/*keep=*/true), -INFINITY, x.dtype());  // of none
    const std::optional<Reduced::Run> run = reduced.run();
    const Tensor dense = run ? x.contiguous() : reduced.rows(x);
    const Reduced::Run all = run.value_or(Reduced::Run{y.numel(), reduced.count(), 1});
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      if (all.reduce > 0)
        kernels::log_sum_exp<T>(all.outer, all.reduce, all.inner, dense.data<T>(), y.data<T>());
    });
    saved.input(x);
    saved.output(y);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], y = saved[1];
    const Tensor shift = masked_fill(y, eq(y, full({}, -INFINITY, y.dtype())), 0);
    const Tensor dx = stretched(kName, kernels::Stretch::exponential, reduced, x, shift, g);
    d.add(0, dx.defined() ? dx : g * exp(x - shift));
  }
  static void samples(SampleList& s) {
    s.add("torch.logsumexp(a, (0, 1))", {{3, 5}}, [](const auto& x) { return std::vector{logsumexp(x[0])}; });
    s.add("torch.logsumexp(a, 1)", {{3, 70}},
          [](const auto& x) { return std::vector{logsumexp(x[0], {1})}; });
    s.add("torch.logsumexp(a, (0, 2), keepdim=True)", {{2, 3, 4}}, [](const auto& x) {
      return std::vector{logsumexp(x[0], {0, 2}, KeepDim::yes)};
    });
    s.add("torch.logsumexp(a, 1)", {{0, 3}}, [](const auto& x) { return std::vector{logsumexp(x[0], {1})}; });
  }
};

// cumsum along a dim, from its end when `reverse`.      dx = the other direction's cumsum of g
struct CumSum {
  static constexpr const char* kName = "cumsum";
  int dim;
  bool reverse;
  Tensor forward(const Tensor& input, Saved&) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    int64_t inner = 1;
    for (int i = dim + 1; i < x.ndim(); ++i) inner *= x.shape()[i];
    const int64_t n = x.shape()[dim], outer = x.numel() == 0 ? 0 : x.numel() / (n * inner);
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      if (inner == 1) return along_rows(outer, n, x.data<T>(), y.data<T>());
      along_columns(outer, n, inner, x.data<T>(), y.data<T>());
    });
    return y;
  }
  // Each sum waits for the one before it: four rows take turns.
  template <class T>
  void along_rows(int64_t rows, int64_t n, const T* x, T* y) const {
    constexpr int64_t kRows = 4;
    const int64_t first = reverse ? n - 1 : 0, step = reverse ? -1 : 1;
    parallel_for((rows + kRows - 1) / kRows, std::max<int64_t>(1, (1 << 12) / std::max<int64_t>(n, 1)),
                 [&](int64_t begin, int64_t end) {
                   const int64_t stop = std::min(rows, end * kRows);
                   int64_t r = begin * kRows;
                   for (; r + kRows <= stop; r += kRows) {
                     double a = 0, b = 0, c = 0, d = 0;
                     for (int64_t k = 0, at = r * n + first; k < n; ++k, at += step) {
                       y[at] = static_cast<T>(a += static_cast<double>(x[at]));
                       y[at + n] = static_cast<T>(b += static_cast<double>(x[at + n]));
                       y[at + 2 * n] = static_cast<T>(c += static_cast<double>(x[at + 2 * n]));
                       y[at + 3 * n] = static_cast<T>(d += static_cast<double>(x[at + 3 * n]));
                     }
                   }
                   for (; r < stop; ++r) {
                     double total = 0;
                     for (int64_t k = 0, at = r * n + first; k < n; ++k, at += step)
                       y[at] = static_cast<T>(total += static_cast<double>(x[at]));
                   }
                 });
  }
  template <class T>
  void along_columns(int64_t outer, int64_t n, int64_t inner, const T* x, T* y) const {
    constexpr int64_t kColumns = 256;  // that are added up side by side
    const int64_t tiles = (inner + kColumns - 1) / kColumns;
    parallel_for(
        outer * tiles, std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(n * std::min(inner, kColumns), 1)),
        [&](int64_t begin, int64_t end) {
          for (int64_t tile = begin; tile < end; ++tile) {
            const int64_t column = tile % tiles * kColumns, width = std::min(kColumns, inner - column);
            const int64_t start = tile / tiles * n * inner + column;
            double total[kColumns] = {};
            for (int64_t k = 0; k < n; ++k) {
              const int64_t at = start + (reverse ? n - 1 - k : k) * inner;
              for (int64_t i = 0; i < width; ++i)
                y[at + i] = static_cast<T>(total[i] += static_cast<double>(x[at + i]));
            }
          }
        });
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, apply(CumSum{dim, !reverse}, g)); }
  static void samples(SampleList& s) {
    s.add("torch.cumsum(a, 0)", {{3, 5}}, [](const auto& x) { return std::vector{cumsum(x[0], 0)}; });
    s.add("torch.cumsum(a, 1)", {{2, 3, 4}}, [](const auto& x) { return std::vector{cumsum(x[0], 1)}; });
    s.add("torch.cumsum(a, -1)", {{0, 3}}, [](const auto& x) { return std::vector{cumsum(x[0], -1)}; });
  }
};

bool is_whole(const Tensor& x) { return x.defined() && !is_floating(x.dtype()); }

template <class Op, class... More>
Tensor reduced_by(const Tensor& x, const std::vector<int>& dims, KeepDim keep, More... more) {
  if (is_whole(x)) {  // in f64, so that only the result is rounded to f32
    return detail::composed(
        Op::kName, [&] { return reduced_by<Op>(x.to(DType::f64), dims, keep, more...).to(DType::f32); });
  }
  const Reduced reduced(Op::kName, x, dims);
  return dropped(apply(Op{reduced, more...}, x), reduced, keep);
}

void require_elements(const char* op, const Tensor& x, const std::vector<int>& dims) {
  if (Reduced(op, x, dims).count() == 0)
    throw ShapeError(op, fmt::format("nothing to choose from in {}", x.shape().str()));
}

}  // namespace

Tensor amax(const Tensor& x, const Dims& dims, KeepDim keep) {
  require_elements("amax", x, dims);
  if (is_whole(x)) return detail::extreme_of_integers("amax", /*largest=*/true, x, dims, keep);
  return reduced_by<Extremum<true>>(x, dims, keep);
}
Tensor amin(const Tensor& x, const Dims& dims, KeepDim keep) {
  require_elements("amin", x, dims);
  if (is_whole(x)) return detail::extreme_of_integers("amin", /*largest=*/false, x, dims, keep);
  return reduced_by<Extremum<false>>(x, dims, keep);
}
Tensor prod(const Tensor& x, const Dims& dims, KeepDim keep) {
  if (is_whole(x)) return detail::product_of_integers(x, dims, keep);
  return reduced_by<Prod>(x, dims, keep);
}
Tensor var(const Tensor& x, const Dims& dims, double correction, KeepDim keep) {
  return reduced_by<Var>(x, dims, keep, correction);
}
Tensor stddev(const Tensor& x, const Dims& dims, double correction, KeepDim keep) {
  return reduced_by<StdDev>(x, dims, keep, correction);
}
Tensor norm(const Tensor& x, const Dims& dims, KeepDim keep) { return reduced_by<Norm>(x, dims, keep); }
Tensor logsumexp(const Tensor& x, const Dims& dims, KeepDim keep) {
  return reduced_by<LogSumExp>(x, dims, keep);
}
Tensor cumsum(const Tensor& x, int dim) {
  detail::require_defined("cumsum", x);
  const int d = wrap_dim("cumsum", dim, x.ndim());
  if (is_whole(x)) return detail::cumulative_sum_of_integers(x, d);
  return apply(CumSum{d, false}, x);
}

DEFINE_OP(amax, Extremum<true>)
DEFINE_OP(amin, Extremum<false>)
DEFINE_OP(prod, Prod)
DEFINE_OP(stddev, StdDev)
DEFINE_OP(var, Var)
DEFINE_OP(norm, Norm)
DEFINE_OP(logsumexp, LogSumExp)
DEFINE_OP(cumsum, CumSum)

}  // namespace heed
