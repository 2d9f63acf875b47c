// additive_energy(q, k, v): e[b, t, s] = v . tanh(q[b, t] + k[b, s])                          [Bahdanau et
// al. 2015, A.1.2]
// vjp, with z = tanh(q + k) made again instead of stored:
//   dq[t] = sum_s g[t, s] v (1 - z^2),  dk[s] = sum_t g[t, s] v (1 - z^2),  dv = sum_ts g[t, s] z
#include <fmt/format.h>

#include <algorithm>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct AdditiveEnergy {
  static constexpr const char* kName = "additive_energy";
  static constexpr int kSaved = 3;

  Tensor forward(const Tensor& q, const Tensor& k, const Tensor& v, Saved& saved) const {
    const Tensor query = q.contiguous(), keys = k.contiguous(), energy = v.contiguous();
    const int64_t B = q.shape()[0], T = q.shape()[1], S = k.shape()[1], A = q.shape()[2];
    const Tensor y = empty({B, T, S}, q.dtype());
    dispatch_floating(kName, q.dtype(), [&](auto type) {
      using F = decltype(type);
      parallel_for(
          B * T, std::max<int64_t>(1, 4096 / std::max<int64_t>(S * A, 1)), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              kernels::additive_energy<F>(S, A, query.data<F>() + i * A, keys.data<F>() + i / T * S * A,
                                          energy.data<F>(), y.data<F>() + i * S);
            }
          });
    });
    saved.input(q);
    saved.input(k);
    saved.input(v);
    return y;
  }

  // [B, T, S, A] composed from public ops: the plain reference, and the way to higher orders.
  static Tensor hidden(const Tensor& q, const Tensor& k) { return tanh(unsqueeze(q, 2) + unsqueeze(k, 1)); }

  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor q = saved[0], k = saved[1], v = saved[2];
    if (GradMode::enabled()) {
      const Tensor z = hidden(q, k), weighted = unsqueeze(g, 3), dsum = weighted * v * (1.0 - z * z);
      d.add(0, sum(dsum, {2}));
      d.add(1, sum(dsum, {1}));
      d.add(2, sum(weighted * z, {0, 1, 2}));
      return;
    }
    const Tensor query = q.contiguous(), keys = k.contiguous(), energy = v.contiguous(),
                 dense = g.contiguous();
    const int64_t B = q.shape()[0], T = q.shape()[1], S = k.shape()[1], A = q.shape()[2];
    const Tensor dq = zeros(q.shape(), q.dtype()), dk = zeros(k.shape(), q.dtype()),
                 dv = zeros({B, A}, DType::f64);
    // whose share of dk is summed in F, where there are more the rest in double
    constexpr int64_t kQueries = 64;
    const Tensor dk_wide = T > kQueries ? zeros(k.shape(), DType::f64) : Tensor();
    dispatch_floating(kName, q.dtype(), [&](auto type) {
      using F = decltype(type);
      parallel_for(
          B, std::max<int64_t>(1, 4096 / std::max<int64_t>(T * S * A, 1)), [&](int64_t begin, int64_t end) {
            constexpr int64_t kKeys = 64;  // whose share of dq and dv is summed in F; the rest in double
            std::vector<F> part(static_cast<size_t>(2 * A));
            std::vector<double> dq_row(static_cast<size_t>(A));
            for (int64_t b = begin; b < end; ++b) {
              for (int64_t t = 0; t < T; ++t) {
                std::fill(dq_row.begin(), dq_row.end(), 0.0);
                for (int64_t s = 0; s < S; s += kKeys) {
                  std::fill(part.begin(), part.end(), F{0});
                  kernels::additive_energy_backward<F>(std::min(kKeys, S - s), A,
                                                       query.data<F>() + (b * T + t) * A,
                                                       keys.data<F>() + (b * S + s) * A, energy.data<F>(),
                                                       dense.data<F>() + (b * T + t) * S + s, part.data() + A,
                                                       dk.data<F>() + (b * S + s) * A, part.data());
                  kernels::add_rows_wide<F>(1, A, part.data(), A, dv.data<double>() + b * A);
                  kernels::add_rows_wide<F>(1, A, part.data() + A, A, dq_row.data());
                }
                std::transform(dq_row.begin(), dq_row.end(), dq.data<F>() + (b * T + t) * A,
                               [](double total) { return static_cast<F>(total); });
                if (dk_wide.defined() && ((t + 1) % kQueries == 0 || t + 1 == T)) {
                  kernels::add_rows_wide<F>(1, S * A, dk.data<F>() + b * S * A, S * A,
                                            dk_wide.data<double>() + b * S * A);
                  std::fill_n(dk.data<F>() + b * S * A, S * A, F{0});
                }
              }
            }
          });
    });
    d.add(0, dq);
    d.add(1, dk_wide.defined() ? dk_wide.to(q.dtype()) : dk);
    if (d.wants(2)) d.add(2, sum(dv, {0}).to(q.dtype()));
  }

  static void samples(SampleList& s) {
    s.add("torch.tanh(a.unsqueeze(2) + b.unsqueeze(1)) @ c", {{2, 3, 5}, {2, 4, 5}, {5}},
          [](const auto& x) { return std::vector{additive_energy(x[0], x[1], x[2])}; });
    s.add("torch.tanh(a.unsqueeze(2) + b.unsqueeze(1)) @ c", {{1, 2, 19}, {1, 3, 19}, {19}},
          [](const auto& x) { return std::vector{additive_energy(x[0], x[1], x[2])}; });
    s.again({{1, 2, 3}, {1, 2, 3}, {3}});
    s.again({{0, 2, 3}, {0, 4, 3}, {3}});
    s.again({{2, 0, 3}, {2, 4, 3}, {3}});
  }
};

}  // namespace

Tensor additive_energy(const Tensor& query, const Tensor& keys, const Tensor& v) {
  detail::require_defined("additive_energy", query, keys, v);
  if (query.ndim() != 3 || keys.ndim() != 3 || v.ndim() != 1 || query.shape()[0] != keys.shape()[0] ||
      query.shape()[2] != v.shape()[0] || keys.shape()[2] != v.shape()[0]) {
    throw ShapeError("additive_energy",
                     fmt::format("query {}, keys {} and v {} do not fit together", query.shape().str(),
                                 keys.shape().str(), v.shape().str()));
  }
  for (const Tensor& other : {keys, v}) {
    if (other.dtype() != query.dtype()) {
      throw DTypeError("additive_energy",
                       fmt::format("dtypes differ: {} and {}", query.describe(), other.describe()));
    }
  }
  return apply(AdditiveEnergy{}, query, keys, v);
}

DEFINE_OP(additive_energy, AdditiveEnergy)

}  // namespace heed
