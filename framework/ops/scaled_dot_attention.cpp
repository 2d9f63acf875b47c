// scaled_dot_attention: all heads of softmax(Q K^T / sqrt(d)) V at once, read from and written to the [B, *, H d] layout without copies.
// vjp of one head with P = softmax(Q K^T / sqrt(d)) and dC the gradient of its context:
//   dV = P^T dC,  dP = dC V^T + (gradient of the weights),  dS = P (dP - sum(dP P)) / sqrt(d),  dQ = dS K,  dK = dS^T Q
#include <fmt/format.h>

#include <cmath>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// [B, N, H d] whose last dimension is dense, as a slice of a joint projection is.
Tensor dense_rows(const Tensor& x) { return x.strides()[2] == 1 ? x : x.contiguous(); }

struct ScaledDotAttention {
  static constexpr const char* kName = "scaled_dot_attention";
  static constexpr int kSaved = 4;
  int64_t heads;
  bool causal;
  std::vector<int64_t> lengths;  // of the keys
  int64_t B, T, S, D, E;

  int64_t head_size() const { return D / heads; }
  int64_t value_size() const { return E / heads; }
  int64_t grain() const { return std::max<int64_t>(1, 30000 / std::max<int64_t>(1, T * S * (head_size() + value_size()))); }
  // The queries stand at the end of the keys: row t of a causal map sees the keys 0..S - T + t.
  int64_t seen(int64_t t, int64_t length) const { return causal ? std::min(length, S - T + t + 1) : length; }

  // y[t] = weights[t] x, of the keys that row t sees, where the product over all has 0 times infinity or NaN of one that it does not see.
  template <class T_>
  void of_seen_keys(int64_t length, int64_t columns, const T_* w, const T_* x, int64_t ldx, T_* y, int64_t ldy) const {
    if (!causal) return;
    for (int64_t t = 0; t < T; ++t) {
      if (std::all_of(y + t * ldy, y + t * ldy + columns, [](T_ value) { return std::isfinite(value); })) continue;
      kernels::gemm<T_>(false, false, 1, columns, std::max<int64_t>(seen(t, length), 0), w + t * S, S, x, ldx, T_{0}, y + t * ldy, ldy);
    }
  }

  template <class T_>
  std::array<Tensor, 2> run(const Tensor& q, const Tensor& k, const Tensor& v) const {
    const Tensor context = empty({B, T, E}, q.dtype()), weights = empty({B, heads, T, S}, q.dtype());
    const int64_t d = head_size(), e = value_size();
    const T_ scale = static_cast<T_>(1 / std::sqrt(static_cast<double>(d)));
    parallel_for(B * heads, grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t b = i / heads, h = i % heads, length = lengths[static_cast<size_t>(b)];
        T_* const p = weights.data<T_>() + i * T * S;
        kernels::gemm<T_>(false, true, T, length, d, q.data<T_>() + b * q.strides()[0] + h * d, q.strides()[1],
                          k.data<T_>() + b * k.strides()[0] + h * d, k.strides()[1], T_{0}, p, S);
        for (int64_t t = 0; t < T; ++t) {
          kernels::affine<T_>(length, p + t * S, scale, T_{0}, p + t * S);
          const int64_t used = seen(t, length);
          kernels::softmax<T_>(1, S, p + t * S, &used, 1, p + t * S);
        }
        kernels::gemm<T_>(false, false, T, e, length, p, S, v.data<T_>() + b * v.strides()[0] + h * e, v.strides()[1], T_{0},
                          context.data<T_>() + b * T * E + h * e, E);
        of_seen_keys<T_>(length, e, p, v.data<T_>() + b * v.strides()[0] + h * e, v.strides()[1], context.data<T_>() + b * T * E + h * e,
                         E);
      }
    });
    return {context, weights};
  }

  std::array<Tensor, 2> forward(const Tensor& query, const Tensor& key, const Tensor& value, Saved& saved) const {
    const Tensor q = dense_rows(query), k = dense_rows(key), v = dense_rows(value);
    std::array<Tensor, 2> result = dispatch_floating(kName, q.dtype(), [&](auto t) { return run<decltype(t)>(q, k, v); });
    for (const Tensor& x : {q, k, v}) saved.input(x);
    saved.output(result[1], 1);
    return result;
  }

  template <class T_>
  void run_vjp(Grads& grads, const std::array<Tensor, 2>& g, const Saved& saved) const {
    const Tensor q = saved[0], k = saved[1], v = saved[2], weights = saved[3];
    const int64_t d = head_size(), e = value_size();
    const T_ scale = static_cast<T_>(1 / std::sqrt(static_cast<double>(d)));
    const Tensor dcontext = g[0].defined() ? g[0].contiguous() : Tensor{}, dweights = g[1].defined() ? g[1].contiguous() : Tensor{};
    const Tensor dq = zeros({B, T, D}, q.dtype()), dk = zeros({B, S, D}, q.dtype()), dv = zeros({B, S, E}, q.dtype());
    parallel_for(B * heads, grain(), [&](int64_t begin, int64_t end) {
      std::vector<T_> ds(static_cast<size_t>(T * S));
      for (int64_t i = begin; i < end; ++i) {
        const int64_t b = i / heads, h = i % heads, length = lengths[static_cast<size_t>(b)];
        const T_* const p = weights.data<T_>() + i * T * S;
        if (dweights.defined()) {
          std::copy_n(dweights.data<T_>() + i * T * S, T * S, ds.data());
        } else {
          std::fill(ds.begin(), ds.end(), T_{0});
        }
        if (dcontext.defined()) {
          const T_* const dc = dcontext.data<T_>() + b * T * E + h * e;
          kernels::gemm<T_>(false, true, T, length, e, dc, E, v.data<T_>() + b * v.strides()[0] + h * e, v.strides()[1], T_{1}, ds.data(),
                            S);
          kernels::gemm<T_>(true, false, length, e, T, p, S, dc, E, T_{0}, dv.data<T_>() + b * S * E + h * e, E);
        }
        for (int64_t t = 0; causal && t < T; ++t) {  // nothing of the keys that a row does not see
          std::fill(ds.begin() + t * S + std::max<int64_t>(seen(t, length), 0), ds.begin() + (t + 1) * S, T_{0});
        }
        kernels::softmax_backward<T_>(T, S, ds.data(), p, ds.data());
        kernels::affine<T_>(T * S, ds.data(), scale, T_{0}, ds.data());
        kernels::gemm<T_>(false, false, T, d, length, ds.data(), S, k.data<T_>() + b * k.strides()[0] + h * d, k.strides()[1], T_{0},
                          dq.data<T_>() + b * T * D + h * d, D);
        of_seen_keys<T_>(length, d, ds.data(), k.data<T_>() + b * k.strides()[0] + h * d, k.strides()[1], dq.data<T_>() + b * T * D + h * d,
                         D);
        kernels::gemm<T_>(true, false, length, d, T, ds.data(), S, q.data<T_>() + b * q.strides()[0] + h * d, q.strides()[1], T_{0},
                          dk.data<T_>() + b * S * D + h * d, D);
      }
    });
    grads.add(0, dq);
    grads.add(1, dk);
    if (dcontext.defined()) grads.add(2, dv);
  }

  void vjp(Grads& grads, const std::array<Tensor, 2>& g, const Saved& saved) const {
    if (GradMode::enabled()) throw GradError("scaled_dot_attention: only first-order gradients; compose it from matmul and masked_softmax");
    dispatch_floating(kName, saved[0].dtype(), [&](auto t) { run_vjp<decltype(t)>(grads, g, saved); });
  }

  static void samples(SampleList& s) {
    const auto add = [&](const char* torch, std::vector<SampleInput> inputs, int64_t h, bool masked) {
      OpSample& sample = s.add(torch, std::move(inputs), [h, masked](const auto& x) {
        const ScaledDotAttentionResult r = scaled_dot_attention(x[0], x[1], x[2], x.size() > 3 ? x[3] : Tensor{}, h, masked);
        return std::vector{r.context, r.weights};
      });
      sample.max_order = 1;
      sample.reason = "the fused backward has no graph of its own";
    };
    add("scaled_dot_attention(a, b, c, d, 2, False)", {{2, 3, 4}, {2, 5, 4}, {2, 5, 6}, integers({2}, {5, 2})}, 2, false);
    add("scaled_dot_attention(a, b, c, None, 1, True)", {{2, 4, 3}, {2, 4, 3}, {2, 4, 3}}, 1, true);
    add("scaled_dot_attention(a, b, c, d, 2, True)", {{2, 4, 8}, {2, 4, 8}, {2, 4, 8}, integers({2}, {4, 3})}, 2, true);
    add("scaled_dot_attention(a, b, c, None, 4, False)", {{3, 1, 8}, {3, 9, 8}, {3, 9, 8}}, 4, false);
    add("scaled_dot_attention(a, b, c, None, 1, False)", {{1, 2, 2}, {1, 3, 2}, {1, 3, 2}}, 1, false);
    add("", {{0, 2, 8}, {0, 3, 8}, {0, 3, 8}}, 4, false);
    s.samples.back().reason += "; PyTorch's reshape cannot tell the sizes of no elements";
    s.again({{2, 0, 8}, {2, 3, 8}, {2, 3, 8}});
  }
};

}  // namespace

ScaledDotAttentionResult scaled_dot_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& lengths,
                                              int64_t heads, bool causal) {
  detail::require_defined("scaled_dot_attention", query, key, value);
  const auto shapes = [&] { return fmt::format("{}, {} and {}", query.shape().str(), key.shape().str(), value.shape().str()); };
  if (query.dtype() != key.dtype() || query.dtype() != value.dtype()) {
    throw DTypeError(fmt::format("scaled_dot_attention: dtypes differ: {}, {}, {}", query.describe(), key.describe(), value.describe()));
  }
  if (query.ndim() != 3 || key.ndim() != 3 || value.ndim() != 3 || query.size(0) != key.size(0) || key.size(0) != value.size(0) ||
      key.size(1) != value.size(1) || query.size(2) != key.size(2)) {
    throw ShapeError("scaled_dot_attention: query, key and value do not fit together: " + shapes());
  }
  if (heads < 1 || query.size(2) % heads != 0 || value.size(2) % heads != 0) {
    throw ValueError(fmt::format("scaled_dot_attention: {} heads do not divide {}", heads, shapes()));
  }
  if (causal && query.size(1) > key.size(1)) {
    throw ShapeError(fmt::format("scaled_dot_attention: {} causal queries at the end of {} keys", query.size(1), key.size(1)));
  }
  ScaledDotAttention op{heads, causal, {}, query.size(0), query.size(1), key.size(1), query.size(2), value.size(2)};
  if (lengths.defined()) {
    if (lengths.dtype() != DType::i64) throw DTypeError("scaled_dot_attention: lengths must be i64, got " + lengths.describe());
    if (lengths.shape() != Shape{op.B}) {
      throw ShapeError(fmt::format("scaled_dot_attention: lengths {} for a batch of {}", lengths.shape().str(), op.B));
    }
    op.lengths = lengths.to_vector<int64_t>();
  } else {
    op.lengths.assign(static_cast<size_t>(op.B), op.S);
  }
  for (const int64_t n : op.lengths) {
    if (n < 0 || n > op.S) throw IndexError(fmt::format("scaled_dot_attention: length {} is outside 0..{}", n, op.S));
  }
  auto [context, weights] = apply(std::move(op), query, key, value);
  return {context, weights};
}

DEFINE_OP(scaled_dot_attention, ScaledDotAttention)

}  // namespace heed
