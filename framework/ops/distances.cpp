// cosine_similarity; cdist(a, b): y_ij = |a_i - b_j|.
// vjp with w_ij = g_ij / y_ij, 0 where y_ij = 0: da_i = sum over j of w_ij (a_i - b_j),
// db_j = sum over i of w_ij (b_j - a_i)
#include <fmt/format.h>

#include <cmath>

#include "framework/core/check.h"
#include "framework/core/parallel.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// a [B, M, D], b [B, N, D].
struct Cdist {
  static constexpr const char* kName = "cdist";
  static constexpr int kSaved = 3;

  // Calls f(row of a, row of b, element of y) for each pair whose row of a (or of b) is the same on one
  // thread.
  template <class F>
  static void each_pair(const Shape& y, bool rows_of_a, int64_t D, const F& f) {
    const int64_t M = y[1], N = y[2], outer = rows_of_a ? M : N;
    const int64_t grain = std::max<int64_t>(
        1, 16384 / std::max<int64_t>(1, D * y.numel() / std::max<int64_t>(1, y[0] * outer)));
    parallel_for(y[0] * outer, grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t batch = row / outer, of_outer = row % outer;
        for (int64_t k = 0; k < (rows_of_a ? N : M); ++k) {
          const int64_t i = rows_of_a ? of_outer : k, j = rows_of_a ? k : of_outer;
          f(batch * M + i, batch * N + j, (batch * M + i) * N + j);
        }
      }
    });
  }

  // Where f32 is worth a product in f64.
  static bool by_product(const Tensor& a, const Tensor& b) {
    constexpr int64_t kLeastWork = 32768;
    return a.dtype() == DType::f32 && a.size(2) >= 8 && a.numel() * b.size(1) >= kLeastWork;
  }

  // |a_i|^2 + |b_j|^2 - 2 a_i b_j in f64, which leaves more digits than f32 has where that is not the
  // difference of numbers a million times as large; there, and for what is not finite, the sum of squares
  // decides.
  static Tensor distances_by_product(const Tensor& first, const Tensor& second) {
    const Tensor a = first.detach().to(DType::f64).contiguous(),
                 b = second.detach().to(DType::f64).contiguous();
    const Tensor of_a = sum(a * a, {2}), of_b = sum(b * b, {2}), products = matmul(a, transpose(b));
    const Tensor y = empty(products.shape(), DType::f32);
    const int64_t M = a.size(1), N = b.size(1), D = a.size(2);
    parallel_for(
        a.size(0) * M, std::max<int64_t>(1, 16384 / std::max<int64_t>(N, 1)),
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t batch = i / M;
            const double square = of_a.data<double>()[i];
            const double *const squares = of_b.data<double>() + batch * N, *const product =
                                                                               products.data<double>() +
                                                                               i * N;
            float* const to = y.data<float>() + i * N;
            for (int64_t j = 0; j < N; ++j) {
              const double both = square + squares[j], away = both - 2 * product[j];
              if (away > 1e-6 * both && both < 1e300) {
                to[j] = static_cast<float>(std::sqrt(away));
              } else {
                to[j] = static_cast<float>(
                    distance(a.data<double>() + i * D, b.data<double>() + (batch * N + j) * D, D));
              }
            }
          }
        });
    return y;
  }
  template <class T>
  static double distance(const T* a, const T* b, int64_t D) {
    double squares = 0;
    for (int64_t k = 0; k < D; ++k) {
      const double away = static_cast<double>(a[k]) - static_cast<double>(b[k]);
      squares += away * away;
    }
    return std::sqrt(squares);
  }

  Tensor forward(const Tensor& first, const Tensor& second, Saved& saved) const {
    if (by_product(first, second)) {
      const Tensor y = distances_by_product(first, second);
      saved.input(first);
      saved.input(second);
      saved.output(y);
      return y;
    }
    const Tensor a = first.contiguous(), b = second.contiguous();
    const Tensor y = empty({a.size(0), a.size(1), b.size(1)}, a.dtype());
    const int64_t D = a.size(2);
    dispatch_floating(kName, a.dtype(), [&](auto t) {
      using T = decltype(t);
      const T *const from_a = a.data<T>(), *const from_b = b.data<T>();
      T* const to = y.data<T>();
      each_pair(y.shape(), true, D, [&](int64_t i, int64_t j, int64_t at) {
        to[at] = static_cast<T>(distance(from_a + i * D, from_b + j * D, D));
      });
    });
    saved.input(first);
    saved.input(second);
    saved.output(y);
    return y;
  }

  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor a = saved[0], b = saved[1], y = saved[2];
    if (!GradMode::enabled() && by_product(a, b)) return gradients_by_product(d, g, a, b, y);
    if (!GradMode::enabled()) {
      for (const bool of_a : {true, false}) {
        if (d.wants(of_a ? 0 : 1)) d.add(of_a ? 0 : 1, gradient(g, a, b, y, of_a));
      }
      return;
    }
    const Tensor none = eq(y, zeros({}, y.dtype()));
    const Tensor w = masked_fill(g / masked_fill(y, none, 1), none, 0);
    const Tensor pull = unsqueeze(w, 3) * (unsqueeze(a, 2) - unsqueeze(b, 1));  // [B, M, N, D]
    if (d.wants(0)) d.add(0, sum(pull, {2}));
    if (d.wants(1)) d.add(1, -sum(pull, {1}));
  }

  // The sums over j of w_ij (a_i - b_j) as (the sum of w_ij) a_i less a product, in f64.
  static void gradients_by_product(Grads& d, const Tensor& g, const Tensor& a, const Tensor& b,
                                   const Tensor& y) {
    const Tensor none = eq(y, zeros({}, y.dtype()));
    const Tensor w = masked_fill(g.to(DType::f64) / masked_fill(y, none, 1).to(DType::f64), none, 0),
                 a64 = a.to(DType::f64), b64 = b.to(DType::f64);
    const auto pull = [&](const Tensor& weights, const Tensor& mine, const Tensor& other) {
      const Tensor sums = sum(weights, {2}, KeepDim::yes);
      return (sums * mine - matmul(weights, other)).to(DType::f32);
    };
    const Tensor da = d.wants(0) ? pull(w, a64, b64) : Tensor(),
                 db = d.wants(1) ? pull(transpose(w), b64, a64) : Tensor();
    const auto finite = [](const Tensor& x) { return !x.defined() || all(isfinite(x)).item() != 0; };
    const bool sound = finite(da) && finite(db);  // else as each pair alone has it
    if (d.wants(0)) d.add(0, sound ? da : gradient(g, a, b, y, true));
    if (d.wants(1)) d.add(1, sound ? db : gradient(g, a, b, y, false));
  }

  static Tensor gradient(const Tensor& cotangent, const Tensor& first, const Tensor& second,
                         const Tensor& distances, bool of_a) {
    const Tensor g = cotangent.contiguous(), a = first.contiguous(), b = second.contiguous(),
                 y = distances.contiguous(), dx = empty(of_a ? a.shape() : b.shape(), a.dtype());
    const int64_t D = a.size(2);
    const Tensor totals = zeros(dx.shape(), DType::f64);
    dispatch_floating(kName, a.dtype(), [&](auto t) {
      using T = decltype(t);
      const T *const from_a = a.data<T>(), *const from_b = b.data<T>(), *const weights = g.data<T>(),
                     *const lengths = y.data<T>();
      each_pair(y.shape(), of_a, D, [&](int64_t i, int64_t j, int64_t at) {
        if (lengths[at] == 0) return;
        const double w = static_cast<double>(weights[at]) / static_cast<double>(lengths[at]);
        const T *const mine = of_a ? from_a + i * D : from_b + j * D, *const other = of_a ? from_b + j * D
                                                                                          : from_a + i * D;
        double* const into = totals.data<double>() + (of_a ? i : j) * D;
        for (int64_t k = 0; k < D; ++k)
          into[k] += w * (static_cast<double>(mine[k]) - static_cast<double>(other[k]));
      });
    });
    return totals.to(a.dtype());
  }

  static void samples(SampleList& s) {
    const char* const torch = "torch.cdist(a, b, compute_mode='donot_use_mm_for_euclid_dist')";
    const auto run = [](const auto& x) { return std::vector{cdist(x[0], x[1])}; };
    s.add(torch, {{3, 4}, {2, 4}}, run);
    s.add(torch, {{2, 2, 3}, {2, 4, 3}}, run);
    s.add(torch, {{0, 3}, {2, 3}}, run);
    s.add(torch, {{2, 1}, {3, 1}}, run);
  }
};

struct CosineSimilarity {
  static void samples(SampleList& s) {
    s.add("torch.cosine_similarity(a, b)", {{3, 4}, {3, 4}},
          [](const auto& x) { return std::vector{cosine_similarity(x[0], x[1])}; });
    s.add("torch.cosine_similarity(a, b, dim=0)", {{3, 2, 2}, {3, 1, 2}},
          [](const auto& x) { return std::vector{cosine_similarity(x[0], x[1], 0)}; });
    s.add("torch.cosine_similarity(a, b, dim=-1)", {{2, 3}, {3}},
          [](const auto& x) { return std::vector{cosine_similarity(x[0], x[1], -1)}; });
    s.add("torch.cosine_similarity(a, b)", {{0, 3}, {0, 3}},
          [](const auto& x) { return std::vector{cosine_similarity(x[0], x[1])}; });
  }
};

}  // namespace

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int dim, double eps) {
  detail::require_defined("cosine_similarity", a, b);
  check_number("cosine_similarity", "eps", eps, Allowed::positive);
  if (a.dtype() != b.dtype())
    throw DTypeError("cosine_similarity",
                     fmt::format("dtypes differ: {} and {}", a.describe(), b.describe()));
  const Shape shape = broadcast_shapes("cosine_similarity", a.shape(), b.shape());
  const int d = wrap_dim("cosine_similarity", dim, shape.ndim());
  return detail::composed("cosine_similarity", [&] {
    const auto unit = [&](const Tensor& x) {
      const Tensor stretched = expand(x, shape);
      return stretched / clamp(norm(stretched, {d}, KeepDim::yes), eps, INFINITY);
    };
    return sum(unit(a) * unit(b), {d});
  });
}

Tensor cdist(const Tensor& a, const Tensor& b) {
  detail::require_defined("cdist", a, b);
  const auto both = [&] { return a.shape().str() + " and " + b.shape().str(); };
  if (a.dtype() != b.dtype())
    throw DTypeError("cdist", fmt::format("dtypes differ: {} and {}", a.describe(), b.describe()));
  if (a.ndim() < 2 || a.ndim() != b.ndim())
    throw ShapeError("cdist", "takes two lists of vectors: " + both());
  Shape shape = b.shape();
  shape[a.ndim() - 2] = a.size(-2);
  if (shape != a.shape()) throw ShapeError("cdist", "sizes of vectors or batches differ: " + both());
  shape[a.ndim() - 1] = b.size(-2);
  const int64_t M = a.size(-2), N = b.size(-2), D = a.size(-1);
  int64_t batch = 1;
  for (int i = 0; i < a.ndim() - 2; ++i) batch *= a.shape()[i];
  return detail::composed("cdist", [&] {
    return reshape(apply(Cdist{}, reshape(a, {batch, M, D}), reshape(b, {batch, N, D})), shape);
  });
}

DEFINE_OP(cosine_similarity, CosineSimilarity)
DEFINE_OP(cdist, Cdist)

}  // namespace heed
