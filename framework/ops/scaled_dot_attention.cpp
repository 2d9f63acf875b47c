// scaled_dot_attention: all heads of softmax(Q K^T / sqrt(d)) V at once, read from and written to the [B, *,
// H d] layout without copies.
// vjp of one head with P = softmax(Q K^T / sqrt(d)) and dC the gradient of its context:
//   dV = P^T dC,  dP = dC V^T + (gradient of the weights),  dM = P (dP - sum(dP P)),  dS = dM / sqrt(d),
//   dQ = dS K,  dK = dS^T Q
// M is what an additive mask adds to the scaled scores; its gradient is summed to its shape.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/attention.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// In vectors, which std::isfinite is not: an exponent of ones and one more carry into the sign.
template <class T>
bool all_finite(int64_t n, const T* x) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr Bits kExponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity()),
                 kOne = kExponent & (~kExponent + 1), kSign = Bits{1} << (8 * sizeof(T) - 1);
  Bits carried = 0;
  for (int64_t i = 0; i < n; ++i) carried |= (std::bit_cast<Bits>(x[i]) & kExponent) + kOne;
  return (carried & kSign) == 0;
}

struct ScaledDotAttention : detail::AttentionForm {
  static constexpr const char* kName = "scaled_dot_attention";
  static constexpr int kSaved = 4;
  // y[t] = weights[t] x, of the keys that row t sees, where the product over all has 0 times infinity or NaN
  // of one that it does not see.
  template <class T_>
  void of_seen_keys(int64_t length, int64_t columns, const T_* w, const T_* x, int64_t ldx, T_* y,
                    int64_t ldy) const {
    if (!causal) return;
    for (int64_t t = 0; t < T; ++t) {
      if (all_finite(columns, y + t * ldy)) continue;
      kernels::gemm<T_>(false, false, 1, columns, std::max<int64_t>(seen(t, length), 0), w + t * S, S, x, ldx,
                        T_{0}, y + t * ldy, ldy);
    }
  }

  template <class T_>
  std::array<Tensor, 2> run(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) const {
    const bool of_bool = mask.defined() && mask.dtype() == DType::boolean;
    const detail::MaskRows<bool> hidden(of_bool ? mask : Tensor{});
    const detail::MaskRows<T_> added(of_bool ? Tensor{} : mask);
    const Tensor context = empty({B, T, E}, q.dtype()), weights = empty({B, heads, T, S}, q.dtype());
    const int64_t d = head_size(), e = value_size();
    const T_ scale = static_cast<T_>(1 / std::sqrt(static_cast<double>(d)));
    parallel_for(B * heads, grain(T), [&](int64_t begin, int64_t end) {
      std::vector<int64_t> used(static_cast<size_t>(T));
      for (int64_t i = begin; i < end; ++i) {
        const int64_t b = i / heads, h = i % heads, length = this->length(b);
        T_* const p = weights.data<T_>() + i * T * S;
        kernels::gemm<T_>(false, true, T, length, d, q.data<T_>() + b * q.strides()[0] + h * d,
                          q.strides()[1], k.data<T_>() + b * k.strides()[0] + h * d, k.strides()[1], T_{0}, p,
                          S);
        if (length == S) kernels::affine<T_>(T * S, p, scale, T_{0}, p);
        for (int64_t t = 0; t < T; ++t) {
          if (length < S) kernels::affine<T_>(length, p + t * S, scale, T_{0}, p + t * S);
          if (hidden.data) detail::hide(hidden, hidden.row(b, h, t), 0, length, p + t * S);
          if (added.data) detail::shift(added, added.row(b, h, t), 0, length, p + t * S);
          used[static_cast<size_t>(t)] = seen(t, length);
        }
        kernels::softmax<T_>(T, S, p, used.data(), 1, p);
        kernels::gemm<T_>(false, false, T, e, length, p, S, v.data<T_>() + b * v.strides()[0] + h * e,
                          v.strides()[1], T_{0}, context.data<T_>() + b * T * E + h * e, E);
        of_seen_keys<T_>(length, e, p, v.data<T_>() + b * v.strides()[0] + h * e, v.strides()[1],
                         context.data<T_>() + b * T * E + h * e, E);
      }
    });
    return {context, weights};
  }

  std::array<Tensor, 2> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                const Tensor& mask, Saved& saved) const {
    const Tensor q = detail::dense_rows(query), k = detail::dense_rows(key), v = detail::dense_rows(value),
                 m = mask.defined() ? mask.contiguous() : mask;
    std::array<Tensor, 2> result =
        dispatch_floating(kName, q.dtype(), [&](auto t) { return run<decltype(t)>(q, k, v, m); });
    for (const Tensor& x : {query, key, value}) saved.input(x);
    saved.output(result[1], 1);
    return result;
  }

  template <class T_>
  void run_vjp(Grads& grads, const std::array<Tensor, 2>& g, const Saved& saved) const {
    const Tensor q = detail::dense_rows(saved[0]), k = detail::dense_rows(saved[1]),
                 v = detail::dense_rows(saved[2]), weights = saved[3];
    const int64_t d = head_size(), e = value_size();
    const T_ scale = static_cast<T_>(1 / std::sqrt(static_cast<double>(d)));
    const Tensor dcontext = g[0].defined() ? g[0].contiguous() : Tensor{},
                 dweights = g[1].defined() ? g[1].contiguous() : Tensor{};
    const Tensor dq = zeros({B, T, D}, q.dtype()), dk = zeros({B, S, D}, q.dtype()),
                 dv = zeros({B, S, E}, q.dtype());
    const Tensor dmask = grads.wants(3) ? empty({B, heads, T, S}, q.dtype()) : Tensor{};
    parallel_for(B * heads, grain(T), [&](int64_t begin, int64_t end) {
      std::vector<T_> ds(static_cast<size_t>(T * S));
      for (int64_t i = begin; i < end; ++i) {
        const int64_t b = i / heads, h = i % heads, length = this->length(b);
        const T_* const p = weights.data<T_>() + i * T * S;
        const bool whole = dcontext.defined() && length == S;  // the product sets all of dP
        if (dweights.defined()) {
          std::copy_n(dweights.data<T_>() + i * T * S, T * S, ds.data());
        } else if (!whole) {
          std::fill(ds.begin(), ds.end(), T_{0});
        }
        if (dcontext.defined()) {
          const T_* const dc = dcontext.data<T_>() + b * T * E + h * e;
          kernels::gemm<T_>(false, true, T, length, e, dc, E, v.data<T_>() + b * v.strides()[0] + h * e,
                            v.strides()[1], dweights.defined() || !whole ? T_{1} : T_{0}, ds.data(), S);
          kernels::gemm<T_>(true, false, length, e, T, p, S, dc, E, T_{0}, dv.data<T_>() + b * S * E + h * e,
                            E);
        }
        for (int64_t t = 0; causal && t < T; ++t) {  // nothing of the keys that a row does not see
          std::fill(ds.begin() + t * S + std::max<int64_t>(seen(t, length), 0), ds.begin() + (t + 1) * S,
                    T_{0});
        }
        kernels::softmax_backward<T_>(T, S, ds.data(), p, ds.data());
        if (dmask.defined()) std::copy_n(ds.data(), T * S, dmask.data<T_>() + i * T * S);
        kernels::affine<T_>(T * S, ds.data(), scale, T_{0}, ds.data());
        kernels::gemm<T_>(false, false, T, d, length, ds.data(), S, k.data<T_>() + b * k.strides()[0] + h * d,
                          k.strides()[1], T_{0}, dq.data<T_>() + b * T * D + h * d, D);
        of_seen_keys<T_>(length, d, ds.data(), k.data<T_>() + b * k.strides()[0] + h * d, k.strides()[1],
                         dq.data<T_>() + b * T * D + h * d, D);
        kernels::gemm<T_>(true, false, length, d, T, ds.data(), S, q.data<T_>() + b * q.strides()[0] + h * d,
                          q.strides()[1], T_{0}, dk.data<T_>() + b * S * D + h * d, D);
      }
    });
    grads.add(0, dq);
    grads.add(1, dk);
    if (dcontext.defined()) grads.add(2, dv);
    if (dmask.defined()) grads.add(3, sum_to(dmask, mask_shape));
  }

  void vjp(Grads& grads, const std::array<Tensor, 2>& g, const Saved& saved) const {
    if (GradMode::enabled())
      return add_recorded_gradients(grads, g[0], g[1], saved[0], saved[1], saved[2], saved[3]);
    dispatch_floating(kName, saved[0].dtype(), [&](auto t) { run_vjp<decltype(t)>(grads, g, saved); });
  }

  static void samples(SampleList& s) {
    const auto add = [&](const char* torch, std::vector<SampleInput> inputs, int64_t h, bool masked) {
      s.add(torch, std::move(inputs), [h, masked](const auto& x) {
        const ScaledDotAttentionResult r =
            scaled_dot_attention(x[0], x[1], x[2], x.size() > 3 ? x[3] : Tensor{}, h, masked);
        return std::vector{r.context, r.weights};
      });
    };
    // with lengths too
    const auto add_masked = [&](const char* torch, std::vector<SampleInput> inputs, int64_t h, bool masked) {
      s.add(torch, std::move(inputs), [h, masked](const auto& x) {
        const ScaledDotAttentionResult r = scaled_dot_attention(x[0], x[1], x[2], x[3], h, masked, x[4]);
        return std::vector{r.context, r.weights};
      });
    };
    add("scaled_dot_attention(a, b, c, d, 2, False)",
        {{2, 3, 4}, {2, 5, 4}, {2, 5, 6}, integers({2}, {5, 2})}, 2, false);
    add("scaled_dot_attention(a, b, c, None, 1, True)", {{2, 4, 3}, {2, 4, 3}, {2, 4, 3}}, 1, true);
    add("scaled_dot_attention(a, b, c, d, 2, True)", {{2, 4, 8}, {2, 4, 8}, {2, 4, 8}, integers({2}, {4, 3})},
        2, true);
    add("scaled_dot_attention(a, b, c, None, 4, False)", {{3, 1, 8}, {3, 9, 8}, {3, 9, 8}}, 4, false);
    add("scaled_dot_attention(a, b, c, None, 1, False)", {{1, 2, 2}, {1, 3, 2}, {1, 3, 2}}, 1, false);
    add("", {{0, 2, 8}, {0, 3, 8}, {0, 3, 8}}, 4, false);
    s.samples.back().reason = "PyTorch's reshape cannot tell the sizes of no elements";
    s.again({{2, 0, 8}, {2, 3, 8}, {2, 3, 8}});
    const auto lengths = integers({2}, {3, 2});
    add_masked("scaled_dot_attention(a, b, c, d, 2, False, e)",
               {{2, 2, 4}, {2, 3, 4}, {2, 3, 6}, lengths, {2, 3}}, 2, false);
    add_masked("scaled_dot_attention(a, b, c, d, 2, False, e)",
               {{2, 2, 4}, {2, 3, 4}, {2, 3, 6}, lengths, {2, 1, 3}}, 2, false);
    add_masked("scaled_dot_attention(a, b, c, d, 2, True, e)",
               {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}, lengths, {1, 2, 3, 3}}, 2, true);
    add_masked("scaled_dot_attention(a, b, c, d, 2, True, e)",
               {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}, lengths, mask({3, 3}, {1, 0, 1, 0, 0, 1, 1, 0, 1})}, 2,
               true);
    add_masked(
        "scaled_dot_attention(a, b, c, d, 2, False, e)",
        {{2, 1, 4}, {2, 3, 4}, {2, 3, 4}, lengths, mask({2, 2, 1, 3}, {1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1})},
        2, false);
  }
};

}  // namespace

ScaledDotAttentionResult scaled_dot_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                              const Tensor& lengths, int64_t heads, bool causal,
                                              const Tensor& mask) {
  auto [form, by_head] =
      detail::attention_form("scaled_dot_attention", query, key, value, lengths, heads, causal, mask);
  auto [context, weights] = apply(ScaledDotAttention{std::move(form)}, query, key, value, by_head);
  return {context, weights};
}

DEFINE_OP(scaled_dot_attention, ScaledDotAttention)

}  // namespace heed
