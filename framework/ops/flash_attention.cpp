// flash_attention: softmax(Q K^T / sqrt(d)) V of all heads without the scores in memory. Blocks of queries
// meet blocks of keys (Rabe & Staats 2021; Dao et al. 2022, algorithms 1 and 2); of a query, after each
// block:
//   m = max s,  l = sum exp(s - m),  C = sum exp(s - m) v,
// where what was there is multiplied with exp(m before - m); at the end C / l is its context. m and 1 / l are
// kept, whose log-sum-exp the paper keeps: where scores are large, its last bit would be a large factor.
// vjp, with P = exp(S - m) / l of a block computed again and dC the gradient of its context:
//   dV += P^T dC,  dP = dC V^T,  dM = P (dP - sum(dC C)),  dS = dM / sqrt(d),  dQ += dS K,  dK += dS^T Q
// as the sum of dP P over all keys is that of dC C (appendix B). M is what an additive mask adds to the
// scaled scores. Sums over blocks run in double, in an order that does not depend on the threads.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "framework/core/parallel.h"
#include "framework/core/scratch.h"
#include "framework/kernels/attention.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/attention.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// Sizes of a block: its scores are 128 KiB in f32, and with those of their gradient stay in the second cache.
constexpr int64_t kBlockQueries = 128, kBlockKeys = 256;

// Queries t..t + rows of head h in batch b, and keys s..s + n. Row r sees the first used[r] of these keys.
struct Block {
  int64_t b, h, t, rows, s, n;
  std::array<int64_t, kBlockQueries> used;
  bool all;  // every row sees every key
};

struct FlashAttention : detail::AttentionForm {
  static constexpr const char* kName = "flash_attention";
  static constexpr int kSaved = 6;

  int64_t query_blocks() const { return (T + kBlockQueries - 1) / kBlockQueries; }
  int64_t rows_of(int64_t block) const { return std::min(kBlockQueries, T - block * kBlockQueries); }
  // What a call reads; queries, keys and values have dense rows.
  template <class T_>
  struct Operands {
    Operands(const FlashAttention& op, const Tensor& query, const Tensor& key, const Tensor& value,
             const Tensor& mask)
        : q(detail::dense_rows(query)),
          k(detail::dense_rows(key)),
          v(detail::dense_rows(value)),
          hidden(mask.defined() && mask.dtype() == DType::boolean ? mask : Tensor{}),
          added(mask.defined() && mask.dtype() == DType::boolean ? Tensor{} : mask),
          d(op.head_size()),
          e(op.value_size()),
          scale(static_cast<T_>(1 / std::sqrt(static_cast<double>(d)))) {}
    const T_* query(const Block& at) const { return row(q, at.b, at.t) + at.h * d; }
    const T_* key(const Block& at) const { return row(k, at.b, at.s) + at.h * d; }
    const T_* value(const Block& at) const { return row(v, at.b, at.s) + at.h * e; }
    int64_t ldq() const { return q.strides()[1]; }
    int64_t ldk() const { return k.strides()[1]; }
    int64_t ldv() const { return v.strides()[1]; }
    // by which the scores of a block are still to be multiplied
    T_ rest_of_scale() const { return added.data ? T_{1} : scale; }
    static const T_* row(const Tensor& x, int64_t b, int64_t i) {
      return x.data<T_>() + b * x.strides()[0] + i * x.strides()[1];
    }
    Tensor q, k, v;
    detail::MaskRows<bool> hidden;
    detail::MaskRows<T_> added;
    int64_t d, e;
    T_ scale;
  };

  // Calls f for each block of a block of queries that computes something.
  template <class T_, class F>
  void for_each_key_block(const Operands<T_>& x, int64_t b, int64_t h, int64_t queries, const F& f) const {
    for (int64_t s = 0; s < length(b); s += kBlockKeys) {
      Block at;
      if (!make_block(x, b, h, queries, s, at)) continue;
      f(at);
    }
  }
  // The block, unless no query sees a key of it.
  template <class T_>
  bool make_block(const Operands<T_>& x, int64_t b, int64_t h, int64_t queries, int64_t s, Block& at) const {
    at.b = b, at.h = h, at.t = queries * kBlockQueries, at.rows = rows_of(queries), at.s = s;
    at.n = std::min(kBlockKeys, length(b) - s);
    if (causal) at.n = std::min(at.n, seen(at.t + at.rows - 1, length(b)) - s);
    if (at.n <= 0) return false;
    at.all = true;
    for (int64_t r = 0; r < at.rows; ++r) {
      const int64_t used = std::clamp<int64_t>(seen(at.t + r, length(b)) - s, 0, at.n);
      at.used[static_cast<size_t>(r)] = used;
      at.all = at.all && used == at.n;
    }
    return !x.hidden.data || mask_shows(x.hidden, at);
  }
  static bool mask_shows(const detail::MaskRows<bool>& mask, const Block& at) {
    for (int64_t r = 0; r < (mask.strides[2] == 0 ? 1 : at.rows); ++r) {
      const bool* const row = mask.row(at.b, at.h, at.t + r) + at.s * mask.strides[3];
      for (int64_t s = 0; s < (mask.strides[3] == 0 ? 1 : at.n); ++s) {
        if (row[s * mask.strides[3]]) return true;
      }
    }
    return false;
  }

  // The scores [rows, n] of a block, masked, up to rest_of_scale().
  template <class T_>
  static void score(const Operands<T_>& x, const Block& at, T_* scores) {
    kernels::gemm<T_>(false, true, at.rows, at.n, x.d, x.query(at), x.ldq(), x.key(at), x.ldk(), T_{0},
                      scores, at.n);
    if (x.added.data) kernels::affine<T_>(at.rows * at.n, scores, x.scale, T_{0}, scores);
    for (int64_t r = 0; r < at.rows; ++r) {
      T_* const row = scores + r * at.n;
      if (x.hidden.data) detail::hide(x.hidden, x.hidden.row(at.b, at.h, at.t + r), at.s, at.n, row);
      if (x.added.data) detail::shift(x.added, x.added.row(at.b, at.h, at.t + r), at.s, at.n, row);
    }
  }

  // y [rows, columns] = w x of the keys that each row sees: 0 times infinity or NaN of another is not added.
  template <class T_>
  static void multiply_seen(const Block& at, int64_t columns, const T_* w, const T_* x, int64_t ldx, T_* y) {
    const auto finite = [&] {
      for (int64_t s = 0; s < at.n; ++s) {
        if (!std::all_of(x + s * ldx, x + s * ldx + columns, [](T_ v) { return std::isfinite(v); }))
          return false;
      }
      return true;
    };
    if (at.all || finite()) {
      kernels::gemm<T_>(false, false, at.rows, columns, at.n, w, at.n, x, ldx, T_{0}, y, columns);
      return;
    }
    for (int64_t r = 0; r < at.rows; ++r) {
      kernels::gemm<T_>(false, false, 1, columns, at.used[static_cast<size_t>(r)], w + r * at.n, at.n, x, ldx,
                        T_{0}, y + r * columns, columns);
    }
  }

  // stats [B, heads, 2, T] receives m and 1 / l, 0 for a query that sees nothing.
  template <class T_>
  Tensor run(const Operands<T_>& x, const Tensor& stats) const {
    const Tensor context = empty({B, T, E}, x.q.dtype());
    const int64_t blocks = query_blocks(), most_rows = std::min(kBlockQueries, T),
                  most_keys = std::min(kBlockKeys, S), e = value_size();
    parallel_for(B * heads * blocks, grain(most_rows), [&](int64_t begin, int64_t end) {
      const detail::Scratch<T_> scores(most_rows * most_keys), product(most_rows * e);
      const detail::Scratch<double> sum(most_rows * e);
      std::array<double, kBlockQueries> total, keep;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t b = i / blocks / heads, h = i / blocks % heads, t = i % blocks * kBlockQueries,
                      rows = rows_of(i % blocks);
        T_ *const most = stats.data<T_>() + (b * heads + h) * 2 * T + t, *const inverse = most + T;
        std::fill_n(most, rows, -std::numeric_limits<T_>::infinity());
        total.fill(0);
        std::fill_n(sum.data(), rows * e, 0.0);
        for_each_key_block(x, b, h, i % blocks, [&](const Block& at) {
          score(x, at, scores.data());
          kernels::softmax_block<T_>(rows, at.n, at.used.data(), x.rest_of_scale(), scores.data(), at.n, most,
                                     total.data(), keep.data());
          multiply_seen(at, e, scores.data(), x.value(at), x.ldv(), product.data());
          kernels::add_to_scaled_rows<T_>(rows, e, product.data(), keep.data(), sum.data());
        });
        for (int64_t r = 0; r < rows; ++r) {
          const double l = total[static_cast<size_t>(r)], share = l == 0 ? 0 : 1 / l;
          inverse[r] = static_cast<T_>(share);
          T_* const into = context.data<T_>() + (b * T + t + r) * E + h * e;
          for (int64_t j = 0; j < e; ++j) into[j] = static_cast<T_>(sum.data()[r * e + j] * share);
        }
      }
    });
    return context;
  }

  Tensor forward(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                 Saved& saved) const {
    const Tensor stats = empty({B, heads, 2, T}, query.dtype());
    const Tensor context = dispatch_floating(kName, query.dtype(), [&](auto t) {
      return run(Operands<decltype(t)>(*this, query, key, value, mask), stats);
    });
    for (const Tensor& x : {query, key, value, mask}) saved.input(x);
    saved.output(context);
    saved.input(stats);
    return context;
  }

  // What backward reads beside the operands.
  template <class T_>
  struct Cotangent {
    const T_* of(const Block& at) const { return dcontext.data<T_>() + (at.b * T + at.t) * E + at.h * e; }
    const T_* most(const Block& at) const { return stats.data<T_>() + (at.b * heads + at.h) * 2 * T + at.t; }
    const T_* inverse(const Block& at) const { return most(at) + T; }
    const T_* mean(const Block& at) const { return means.data<T_>() + (at.b * heads + at.h) * T + at.t; }
    Tensor dcontext, stats, means;  // means [B, heads, T]: sum(dC C)
    int64_t heads, T, E, e;
  };
  template <class T_>
  Cotangent<T_> cotangent(const Tensor& g, const Tensor& context, const Tensor& stats) const {
    const int64_t e = value_size();
    const Cotangent<T_> result{g.contiguous(), stats, empty({B, heads, T}, g.dtype()), heads, T, E, e};
    parallel_for(
        B * T, std::max<int64_t>(1, 10000 / std::max<int64_t>(E, 1)), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            for (int64_t h = 0; h < heads; ++h) {
              const T_ *const dc = result.dcontext.template data<T_>() + i * E + h * e,
                              *const c = context.data<T_>() + i * E + h * e;
              double mean = 0;
              for (int64_t j = 0; j < e; ++j) mean += static_cast<double>(dc[j]) * static_cast<double>(c[j]);
              result.means.template data<T_>()[(i / T * heads + h) * T + i % T] = static_cast<T_>(mean);
            }
          }
        });
    return result;
  }

  // p [rows, n]: the block's weights; dm: the gradient of its scaled and masked scores.
  template <class T_>
  static void weights_again(const Operands<T_>& x, const Cotangent<T_>& g, const Block& at, T_* p, T_* dm) {
    score(x, at, p);
    kernels::gemm<T_>(false, true, at.rows, at.n, x.e, g.of(at), g.E, x.value(at), x.ldv(), T_{0}, dm, at.n);
    kernels::softmax_block_backward<T_>(at.rows, at.n, at.used.data(), x.rest_of_scale(), p, dm, at.n,
                                        g.most(at), g.inverse(at), g.mean(at));
  }

  template <class T_>
  void add_gradients(Grads& grads, const Operands<T_>& x, const Cotangent<T_>& g) const {
    const DType dtype = x.q.dtype();
    const Tensor dq = grads.wants(0) ? empty({B, T, D}, dtype) : Tensor{},
                 dk = grads.wants(1) ? zeros({B, S, D}, dtype) : Tensor{},
                 dv = grads.wants(2) ? zeros({B, S, E}, dtype) : Tensor{};
    const int64_t d = head_size(), e = value_size(), most_rows = std::min(kBlockQueries, T),
                  most_keys = std::min(kBlockKeys, S);
    parallel_for(B * heads, grain(T), [&](int64_t begin, int64_t end) {
      const detail::Scratch<T_> p(most_rows * most_keys), dm(most_rows * most_keys),
          product(std::max(most_rows, most_keys) * std::max(d, e));
      const detail::Scratch<double> queries(dq.defined() ? T * d : 0), keys(most_keys * d),
          values(most_keys * e);
      const auto write = [](const double* from, double factor, int64_t rows, int64_t columns, T_* into,
                            int64_t ld) {
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t j = 0; j < columns; ++j)
            into[r * ld + j] = static_cast<T_>(factor * from[r * columns + j]);
        }
      };
      for (int64_t i = begin; i < end; ++i) {
        const int64_t b = i / heads, h = i % heads;
        if (dq.defined()) std::fill_n(queries.data(), T * d, 0.0);
        for (int64_t s = 0; s < length(b); s += kBlockKeys) {
          const int64_t n = std::min(kBlockKeys, length(b) - s);
          std::fill_n(keys.data(), n * d, 0.0);
          std::fill_n(values.data(), n * e, 0.0);
          for (int64_t block = 0; block < query_blocks(); ++block) {
            Block at;
            if (!make_block(x, b, h, block, s, at)) continue;
            weights_again(x, g, at, p.data(), dm.data());
            const auto add = [&](int64_t rows, int64_t columns, double* into) {
              kernels::add_to_scaled_rows<T_>(rows, columns, product.data(), nullptr, into);
            };
            if (dv.defined()) {
              kernels::gemm<T_>(true, false, at.n, e, at.rows, p.data(), at.n, g.of(at), E, T_{0},
                                product.data(), e);
              add(at.n, e, values.data());
            }
            if (dk.defined()) {
              kernels::gemm<T_>(true, false, at.n, d, at.rows, dm.data(), at.n, x.query(at), x.ldq(), T_{0},
                                product.data(), d);
              add(at.n, d, keys.data());
            }
            if (dq.defined()) {
              multiply_seen(at, d, dm.data(), x.key(at), x.ldk(), product.data());
              add(at.rows, d, queries.data() + at.t * d);
            }
          }
          const double scale = static_cast<double>(x.scale);
          if (dk.defined()) write(keys.data(), scale, n, d, dk.data<T_>() + (b * S + s) * D + h * d, D);
          if (dv.defined()) write(values.data(), 1, n, e, dv.data<T_>() + (b * S + s) * E + h * e, E);
        }
        if (dq.defined())
          write(queries.data(), static_cast<double>(x.scale), T, d, dq.data<T_>() + b * T * D + h * d, D);
      }
    });
    if (dq.defined()) grads.add(0, dq);
    if (dk.defined()) grads.add(1, dk);
    if (dv.defined()) grads.add(2, dv);
  }

  // The gradient of an additive mask, in a pass of its own: each of its elements is summed by one thread over
  // the batches, heads, queries and keys that share it.
  template <class T_>
  Tensor mask_gradient(const Operands<T_>& x, const Cotangent<T_>& g) const {
    const Tensor result = empty(mask_shape, x.q.dtype());
    const int64_t batches = mask_shape[0], of_heads = mask_shape[1], rows = mask_shape[2], n = mask_shape[3];
    const int64_t tasks_of_rows = rows == 1 ? 1 : query_blocks(), most_rows = std::min(kBlockQueries, T),
                  most_keys = std::min(kBlockKeys, S);
    const auto range = [](int64_t extent, int64_t i, int64_t whole) {
      return extent == 1 ? std::pair{int64_t{0}, whole} : std::pair{i, i + 1};
    };
    parallel_for(batches * of_heads * tasks_of_rows, 1, [&](int64_t begin, int64_t end) {
      const detail::Scratch<T_> p(most_rows * most_keys), dm(most_rows * most_keys);
      const detail::Scratch<double> sum(std::min(rows, kBlockQueries) * n);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t of_rows = i % tasks_of_rows, matrix = i / tasks_of_rows;
        const int64_t written = rows == 1 ? 1 : rows_of(of_rows);
        std::fill_n(sum.data(), written * n, 0.0);
        const auto add = [&](const Block& at) {
          weights_again(x, g, at, p.data(), dm.data());
          for (int64_t r = 0; r < at.rows; ++r) {
            double* const into = sum.data() + (rows == 1 ? 0 : r * n) + (n == 1 ? 0 : at.s);
            const T_* const from = dm.data() + r * at.n;
            for (int64_t s = 0; s < at.n; ++s) into[n == 1 ? 0 : s] += static_cast<double>(from[s]);
          }
        };
        const auto [b0, b1] = range(batches, matrix / of_heads, B);
        const auto [h0, h1] = range(of_heads, matrix % of_heads, heads);
        const auto [t0, t1] = range(rows, of_rows, query_blocks());
        for (int64_t b = b0; b < b1; ++b) {
          for (int64_t h = h0; h < h1; ++h) {
            for (int64_t t = t0; t < t1; ++t) for_each_key_block(x, b, h, t, add);
          }
        }
        T_* const into = result.data<T_>() + (matrix * rows + of_rows * kBlockQueries) * n;
        for (int64_t j = 0; j < written * n; ++j) into[j] = static_cast<T_>(sum.data()[j]);
      }
    });
    return result;
  }

  void vjp(Grads& grads, const Tensor& g, const Saved& saved) const {
    if (GradMode::enabled()) {  // through the weights, which are then there to be differentiated
      const Tensor of_keys = from_vector(lengths, {B});
      const Tensor weights =
          scaled_dot_attention(saved[0], saved[1], saved[2], of_keys, heads, causal, saved[3]).weights;
      return add_recorded_gradients(grads, g, {}, saved[0], saved[1], saved[2], weights);
    }
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T_ = decltype(t);
      const Operands<T_> x(*this, saved[0], saved[1], saved[2], saved[3]);
      const Cotangent<T_> cotangents = cotangent<T_>(g, saved[4], saved[5]);
      if (grads.wants(0) || grads.wants(1) || grads.wants(2)) add_gradients(grads, x, cotangents);
      if (grads.wants(3)) grads.add(3, mask_gradient(x, cotangents));
    });
  }

  static void samples(SampleList& s) {
    const auto add = [&](const char* torch, std::vector<SampleInput> inputs, int64_t h, bool masked) {
      s.add(torch, std::move(inputs), [h, masked](const auto& x) {
        return std::vector{flash_attention(x[0], x[1], x[2], x.size() > 3 ? x[3] : Tensor{}, h, masked,
                                           x.size() > 4 ? x[4] : Tensor{})};
      });
    };
    add("scaled_dot_attention(a, b, c, d, 2, False)[0]",
        {{2, 3, 4}, {2, 5, 4}, {2, 5, 6}, integers({2}, {5, 2})}, 2, false);
    add("scaled_dot_attention(a, b, c, None, 1, True)[0]", {{2, 4, 3}, {2, 4, 3}, {2, 4, 3}}, 1, true);
    add("scaled_dot_attention(a, b, c, d, 2, True)[0]",
        {{2, 4, 8}, {2, 4, 8}, {2, 4, 8}, integers({2}, {4, 3})}, 2, true);
    add("scaled_dot_attention(a, b, c, None, 4, False)[0]", {{3, 1, 8}, {3, 9, 8}, {3, 9, 8}}, 4, false);
    add("", {{0, 2, 8}, {0, 3, 8}, {0, 3, 8}}, 4, false);
    s.samples.back().reason = "PyTorch's reshape cannot tell the sizes of no elements";
    s.again({{2, 0, 8}, {2, 3, 8}, {2, 3, 8}});
    const auto lengths = integers({2}, {3, 2});
    add("scaled_dot_attention(a, b, c, d, 2, False, e)[0]",
        {{2, 2, 4}, {2, 3, 4}, {2, 3, 6}, lengths, {2, 3}}, 2, false);
    add("scaled_dot_attention(a, b, c, d, 2, False, e)[0]",
        {{2, 2, 4}, {2, 3, 4}, {2, 3, 6}, lengths, {2, 1, 3}}, 2, false);
    add("scaled_dot_attention(a, b, c, d, 2, True, e)[0]",
        {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}, lengths, {1, 2, 3, 3}}, 2, true);
    add("scaled_dot_attention(a, b, c, d, 2, False, e)[0]",
        {{2, 2, 4}, {2, 3, 4}, {2, 3, 4}, lengths, {1, 2, 2, 1}}, 2, false);
    add("scaled_dot_attention(a, b, c, d, 2, True, e)[0]",
        {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}, lengths, mask({3, 3}, {1, 0, 1, 0, 0, 1, 1, 0, 1})}, 2, true);
    add("scaled_dot_attention(a, b, c, d, 2, False, e)[0]",
        {{2, 1, 4}, {2, 3, 4}, {2, 3, 4}, lengths, mask({2, 2, 1, 3}, {1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1})},
        2, false);
  }
};

}  // namespace

Tensor flash_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& lengths,
                       int64_t heads, bool causal, const Tensor& mask) {
  auto [form, by_head] =
      detail::attention_form("flash_attention", query, key, value, lengths, heads, causal, mask);
  return apply(FlashAttention{std::move(form)}, query, key, value, by_head);
}

DEFINE_OP(flash_attention, FlashAttention)

}  // namespace heed
