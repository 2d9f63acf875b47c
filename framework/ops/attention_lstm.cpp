// attention_lstm: a decoder with additive, dot or location attention and input feeding over the whole target
// as one op (equations in recurrent.h).
//
// Forward: the target words' share of the gates for all steps at once; per step one product of [context;
// hidden] with the recurrent weights, one gate pass, one query product, and energies, softmax and context
// sentence by sentence while they are in cache. Backward keeps each step's gate gradients dG and ends with
// one product for every weight, where a graph of steps would make T small ones:
//   dW_ih = dG^T [x; context_prev],  dW_hh = dG^T h_prev,  dW_q = dQ^T h,  dmemory[b] = a[b]^T dcontext[b]
// With a predicted position p = n sigmoid(z), z = v . u, u = tanh(W h), and w_s = a_s g_s, g_s the Gaussian:
//   da_s = dw_s g_s,  dp = sum_s dw_s w_s f (s - p) / sigma^2,  dz = dp p (1 - p / n),
//   dv = sum of dz u,  dh += W^T (dz v (1 - u^2))
// The energies' tanh is made again instead of stored. The plain reference is in
// tests/framework/recurrent_reference.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "framework/core/check.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/sequence.h"

namespace heed {
namespace {

template <class T>
void copy_rows(int64_t n, int64_t D, const T* x, int64_t ldx, T* y, int64_t ldy) {
  for (int64_t r = 0; r < n; ++r) std::memcpy(y + r * ldy, x + r * ldx, static_cast<size_t>(D) * sizeof(T));
}

struct AttentionLstm {
  static constexpr const char* kName = "attention_lstm";
  static constexpr int kSaved = 22;
  enum Input {
    kX,
    kMemory,
    kKeys,
    kH0,
    kC0,
    kWeightIh,
    kWeightHh,
    kBias,
    kWeightQuery,
    kV,
    kWeightPosition,
    kPositionV
  };
  Tensor target_lengths;
  std::vector<int64_t> source_lengths;
  int64_t B = 0, steps = 0, S = 0, D = 0, E = 0, H = 0, A = 0;
  int64_t heads = 1;   // which share E and A
  int64_t window = 0;  // positions to each side of the step's own that it sees; 0: all
  int64_t P = 0;       // elements of the vector that a position is predicted from; 0: none is
  double sigma = 1;
  Tensor factor;  // [B, T], or undefined

  // The source positions that step t of a sentence sees: [begin, end).
  std::pair<int64_t, int64_t> seen(int64_t t, int64_t length) const {
    return around(static_cast<double>(std::min(t, length - 1)), length);
  }
  std::pair<int64_t, int64_t> around(double centre, int64_t length) const {
    if (window == 0 || length == 0) return {0, length};
    const auto width = static_cast<double>(window);
    const auto first = static_cast<int64_t>(std::ceil(std::max(0.0, centre - width)));  // of NaN all
    const auto last = std::floor(std::min(static_cast<double>(length - 1), centre + width));
    return {first, static_cast<int64_t>(last) + 1};
  }

  // g_s of the positions s from `first` on, of a step whose factor is f; g has room for twice as many.
  template <class T>
  void gaussian(int64_t first, int64_t count, T p, T f, T* g) const {
    const T scale = f * static_cast<T>(-1 / (2 * sigma * sigma));
    for (int64_t s = 0; s < count; ++s) {
      const T away = static_cast<T>(first + s) - p;
      g[count + s] = away * away * scale;
    }
    kernels::unary<T>(kernels::Unary::exp, count, g + count, g);
  }
  // n sigmoid(v . u).
  template <class T>
  T predicted(int64_t length, const T* u, const T* position_v) const {
    T z = 0;
    kernels::dot_rows<T>(1, P, u, position_v, &z);
    return static_cast<T>(length) / (1 + std::exp(-z));
  }

  // [4H, E + H]: what the previous context and the previous hidden state bring to the gates.
  Tensor recurrent_weight(const Tensor& w_ih, const Tensor& w_hh) const {
    return concat(std::vector{slice(w_ih, 1, D, D + E), w_hh}, 1);
  }

  template <class T>
  std::array<Tensor, 3> run(const Tensor& x, const Tensor& memory, const Tensor& keys, const Tensor& h0,
                            const Tensor& c0, const Tensor& w_ih, const Tensor& w_hh, const Tensor& bias,
                            const Tensor& w_q, const Tensor& v, const Tensor& w_p, const Tensor& v_p,
                            Saved& saved) const {
    const SequencePacking seq(kName, target_lengths, B, steps);
    const int64_t rows = seq.rows();
    const DType dtype = x.dtype();
    const auto packed = [&](int64_t width) { return empty({rows, width}, dtype); };
    const Tensor packed_x = packed(D), cells = packed(H), hiddens = packed(H), contexts = packed(E),
                 queries = packed(A);
    const Tensor fed = packed(E + H), weights = packed(heads * S);
    // of a predicted position: the softmax's weights, p, u and f
    const Tensor before_gaussian = P > 0 ? packed(S) : Tensor{}, positions = P > 0 ? packed(1) : Tensor{},
                 tangents = P > 0 ? packed(P) : Tensor{},
                 factors = P > 0 && factor.defined() ? packed(1) : Tensor{};
    if (factors.defined()) seq.pack(factor.data<T>(), 1, factors.data<T>());
    const Tensor h = empty({B, H}, dtype), c = empty({B, H}, dtype);
    seq.pack(x.contiguous().data<T>(), D, packed_x.data<T>());
    seq.rank_rows<T>(h0.contiguous().data<T>(), H, h.data<T>());
    seq.rank_rows<T>(c0.contiguous().data<T>(), H, c.data<T>());
    const Tensor gates = linear(packed_x, slice(w_ih, 1, 0, D), bias);
    const Tensor w_rec = recurrent_weight(w_ih, w_hh);
    const kernels::PackedMatrix<T> recurrent(E + H, 4 * H, w_rec.data<T>(), 1, E + H, B);
    std::optional<kernels::PackedMatrix<T>> query_map;  // none: the hidden state is the query
    if (w_q.defined()) query_map.emplace(H, A, w_q.data<T>(), 1, H, B);
    std::optional<kernels::PackedMatrix<T>> position_map;
    if (P > 0) position_map.emplace(H, P, w_p.data<T>(), 1, H, B);
    const T* const mem = memory.data<T>();
    const T* const key = keys.defined() ? keys.data<T>() : nullptr;
    const int64_t head_size = E / heads, head_keys = A / heads;
    for (int64_t t = 0; t < steps; ++t) {
      const int64_t n = seq.active(t), at = seq.start(t), before = t == 0 ? 0 : seq.start(t - 1);
      if (n == 0) break;  // every sequence is shorter
      T* const feed = fed.data<T>() + at * (E + H);
      if (t == 0) {
        for (int64_t r = 0; r < n; ++r) std::fill_n(feed + r * (E + H), E, T{0});
      } else {
        copy_rows(n, E, contexts.data<T>() + before * E, E, feed, E + H);
      }
      copy_rows(n, H, t == 0 ? h.data<T>() : hiddens.data<T>() + before * H, H, feed + E, E + H);
      T* const g = gates.data<T>() + at * 4 * H;
      recurrent.multiply(n, feed, E + H, T{1}, g, 4 * H);
      kernels::lstm_gates<T>(n, H, g, t == 0 ? c.data<T>() : cells.data<T>() + before * H,
                             cells.data<T>() + at * H, hiddens.data<T>() + at * H);
      if (query_map) {
        query_map->multiply(n, hiddens.data<T>() + at * H, H, T{0}, queries.data<T>() + at * A, A);
      } else {
        copy_rows(n, H, hiddens.data<T>() + at * H, H, queries.data<T>() + at * A, A);
      }
      if (position_map) {
        const Tensor turned = empty({n, P}, dtype);
        position_map->multiply(n, hiddens.data<T>() + at * H, H, T{0}, turned.data<T>(), P);
        kernels::unary<T>(kernels::Unary::tanh, n * P, turned.data<T>(), tangents.data<T>() + at * P);
      }
      parallel_for(
          n, std::max<int64_t>(1, 8192 / std::max<int64_t>(S * A, 1)), [&](int64_t begin, int64_t end) {
            std::vector<T> bell(static_cast<size_t>(P > 0 ? 2 * S : 0));
            for (int64_t r = begin; r < end; ++r) {
              const int64_t b = seq.order[static_cast<size_t>(r)];
              const int64_t length = source_lengths[static_cast<size_t>(b)];
              const T p = P > 0 ? predicted(length, tangents.data<T>() + (at + r) * P, v_p.data<T>()) : T{0};
              const auto [first, last] = P > 0 ? around(static_cast<double>(p), length) : seen(t, length);
              const int64_t count = last - first;
              for (int64_t k = 0; k < heads; ++k) {
                T* const a = weights.data<T>() + ((at + r) * heads + k) * S;
                const T* const query = queries.data<T>() + (at + r) * A + k * head_keys;
                const int64_t from = (b * heads + k) * S + first;
                if (!key) {
                  std::copy_n(query + first, count, a + first);
                } else if (v.defined()) {
                  kernels::additive_energy<T>(count, head_keys, query, key + from * head_keys, v.data<T>(),
                                              a + first);
                } else {
                  kernels::dot_rows<T>(count, head_keys, key + from * head_keys, query, a + first);
                }
                std::fill_n(a, first, T{0});
                kernels::softmax<T>(1, S - first, a + first, &count, 1, a + first);
                if (P > 0) {
                  std::copy_n(a, S, before_gaussian.data<T>() + (at + r) * S);
                  positions.data<T>()[at + r] = p;
                  gaussian(first, count, p, factors.defined() ? factors.data<T>()[at + r] : T{1},
                           bell.data());
                  for (int64_t s = 0; s < count; ++s) a[first + s] *= bell[static_cast<size_t>(s)];
                }
                kernels::weighted_sum<T>(count, head_size, a + first, mem + from * head_size,
                                         contexts.data<T>() + (at + r) * E + k * head_size);
              }
            }
          });
    }
    const Tensor out_h = empty({B, steps, H}, dtype), out_c = empty({B, steps, E}, dtype),
                 out_w = empty({B, steps, heads * S}, dtype);
    seq.unpack(hiddens.data<T>(), H, out_h.data<T>());
    seq.unpack(contexts.data<T>(), E, out_c.data<T>());
    seq.unpack(weights.data<T>(), heads * S, out_w.data<T>());
    for (const Tensor& kept :
         {memory, keys, w_ih, w_hh, w_q, v, packed_x, gates, cells, hiddens, fed, c, queries, weights}) {
      saved.input(kept);
    }
    const Tensor by_head = transpose(reshape(out_w, {B, steps, heads, S}), 1, 2).contiguous();
    saved.output(by_head, 2);
    for (const Tensor& kept : {w_p, v_p, before_gaussian, positions, tangents, factors}) {
      if (P > 0) saved.input(kept);
    }
    return {out_h, out_c, by_head};
  }

  std::array<Tensor, 3> forward(const Tensor& x, const Tensor& memory, const Tensor& keys, const Tensor& h0,
                                const Tensor& c0, const Tensor& w_ih, const Tensor& w_hh, const Tensor& bias,
                                const Tensor& w_q, const Tensor& v, const Tensor& w_p, const Tensor& v_p,
                                Saved& saved) const {
    return dispatch_floating(kName, x.dtype(), [&](auto t) {
      return run<decltype(t)>(x, memory, keys, h0, c0, w_ih, w_hh, bias, w_q, v, w_p, v_p, saved);
    });
  }

  template <class T>
  void run_vjp(Grads& d, const std::array<Tensor, 3>& g, const Saved& saved) const {
    const Tensor memory = saved[0], keys = saved[1], w_ih = saved[2], w_hh = saved[3], w_q = saved[4],
                 v = saved[5];
    const Tensor packed_x = saved[6], cells = saved[8], hiddens = saved[9], fed = saved[10],
                 c_first = saved[11], queries = saved[12];
    const Tensor weights = saved[13], out_weights = saved[14];
    const auto of_position = [&](int i) { return P > 0 ? saved[i] : Tensor{}; };
    const Tensor w_p = of_position(15), v_p = of_position(16), before_gaussian = of_position(17),
                 positions = of_position(18), tangents = of_position(19), factors = of_position(20);
    const Tensor dgates = saved.take(7);
    const SequencePacking seq(kName, target_lengths, B, steps);
    const int64_t rows = seq.rows();
    const DType dtype = packed_x.dtype();
    const auto packed_gradient = [&](const Tensor& full, int64_t width) {
      const Tensor result = empty({rows, width}, dtype);
      if (full.defined()) {
        seq.pack(full.contiguous().data<T>(), width, result.data<T>());
      } else {
        result.fill_(0);
      }
      return result;
    };
    const Tensor dhidden = packed_gradient(g[0], H), dcontext = packed_gradient(g[1], E);
    const Tensor dweights =
        g[2].defined()
            ? packed_gradient(reshape(transpose(g[2], 1, 2).contiguous(), {B, steps, heads * S}), heads * S)
            : Tensor{};
    const Tensor dqueries = zeros({rows, A}, dtype),
                 dkeys = keys.defined() ? zeros(keys.shape(), dtype) : Tensor{},
                 dv = zeros({B, A}, DType::f64);
    // of z, and of what the tanh was taken of
    const Tensor dz = P > 0 ? zeros({rows, 1}, dtype) : Tensor{},
                 dturned = P > 0 ? zeros({rows, P}, dtype) : Tensor{};
    const Tensor dfed = zeros({B, E + H}, dtype), dh = empty({B, H}, dtype), dc = zeros({B, H}, dtype);
    const Tensor w_rec = recurrent_weight(w_ih, w_hh);
    const kernels::PackedMatrix<T> recurrent(4 * H, E + H, w_rec.data<T>(), E + H, 1, B);
    std::optional<kernels::PackedMatrix<T>> query_map;
    if (w_q.defined()) query_map.emplace(A, H, w_q.data<T>(), H, 1, B);
    std::optional<kernels::PackedMatrix<T>> position_map;
    if (P > 0) position_map.emplace(P, H, w_p.data<T>(), H, 1, B);
    const T* const mem = memory.data<T>();
    const T* const key = keys.defined() ? keys.data<T>() : nullptr;
    const int64_t head_size = E / heads, head_keys = A / heads;
    for (int64_t t = steps - 1; t >= 0; --t) {
      const int64_t n = seq.active(t), at = seq.start(t);
      if (n == 0) continue;
      parallel_for(
          n, std::max<int64_t>(1, 8192 / std::max<int64_t>(S * A, 1)), [&](int64_t begin, int64_t end) {
            std::vector<T> de(static_cast<size_t>(S)), dv_part(static_cast<size_t>(A)),
                bell(static_cast<size_t>(P > 0 ? 2 * S : 0));
            for (int64_t r = begin; r < end; ++r) {
              const int64_t b = seq.order[static_cast<size_t>(r)];
              const int64_t length = source_lengths[static_cast<size_t>(b)];
              const T p = P > 0 ? positions.data<T>()[at + r] : T{0};
              const auto [first, last] = P > 0 ? around(static_cast<double>(p), length) : seen(t, length);
              const int64_t count = last - first;
              T* const whole = dcontext.data<T>() + (at + r) * E;
              kernels::add_row<T>(E, dfed.data<T>() + r * (E + H), whole);
              for (int64_t k = 0; k < heads; ++k) {
                const int64_t from = (b * heads + k) * S + first, row = ((at + r) * heads + k) * S + first;
                kernels::dot_rows<T>(count, head_size, mem + from * head_size, whole + k * head_size,
                                     de.data());
                if (dweights.defined()) kernels::add_row<T>(count, dweights.data<T>() + row, de.data());
                if (P > 0) {
                  const T f = factors.defined() ? factors.data<T>()[at + r] : T{1};
                  gaussian(first, count, p, f, bell.data());
                  double dp = 0;
                  for (int64_t s = 0; s < count; ++s) {
                    const auto i = static_cast<size_t>(s);
                    dp += static_cast<double>(de[i] * weights.data<T>()[row + s] *
                                              (static_cast<T>(first + s) - p));
                    de[i] *= bell[i];
                  }
                  const double n_source = static_cast<double>(std::max<int64_t>(length, 1));
                  dz.data<T>()[at + r] =
                      static_cast<T>(dp * static_cast<double>(f) / (sigma * sigma) * static_cast<double>(p) *
                                     (1 - static_cast<double>(p) / n_source));
                }
                const T* const softmaxed = P > 0 ? before_gaussian.data<T>() : weights.data<T>();
                kernels::softmax_backward<T>(1, count, de.data(), softmaxed + row, de.data());
                const int64_t at_query = (at + r) * A + k * head_keys;
                const T* const query = queries.data<T>() + at_query;
                T* const dquery = dqueries.data<T>() + at_query;
                if (!key) {
                  std::copy_n(de.data(), count, dquery + first);
                  continue;
                }
                T* const dkey = dkeys.data<T>() + from * head_keys;
                if (v.defined()) {
                  // over one source in T, over the steps in double
                  std::fill(dv_part.begin(), dv_part.end(), T{0});
                  kernels::additive_energy_backward<T>(count, head_keys, query, key + from * head_keys,
                                                       v.data<T>(), de.data(), dquery, dkey, dv_part.data());
                  kernels::add_rows_wide<T>(1, head_keys, dv_part.data(), head_keys,
                                            dv.data<double>() + b * A);
                } else {
                  kernels::weighted_sum<T>(count, head_keys, de.data(), key + from * head_keys, dquery);
                  kernels::add_outer<T>(count, head_keys, de.data(), query, dkey);
                }
              }
            }
          });
      copy_rows(n, H, dfed.data<T>() + E, E + H, dh.data<T>(), H);
      kernels::add_into(dtype, n * H, dhidden.data<T>() + at * H, dh.data<T>());
      if (query_map) {
        query_map->multiply(n, dqueries.data<T>() + at * A, A, T{1}, dh.data<T>(), H);
      } else {
        kernels::add_into(dtype, n * H, dqueries.data<T>() + at * A, dh.data<T>());
      }
      if (position_map) {
        T* const to = dturned.data<T>() + at * P;
        for (int64_t r = 0; r < n; ++r) {
          const T* const u = tangents.data<T>() + (at + r) * P;
          const T of_row = dz.data<T>()[at + r];
          for (int64_t i = 0; i < P; ++i) to[r * P + i] = of_row * v_p.data<T>()[i] * (1 - u[i] * u[i]);
        }
        position_map->multiply(n, to, P, T{1}, dh.data<T>(), H);
      }
      T* const dg = dgates.data<T>() + at * 4 * H;
      kernels::lstm_gates_backward<T>(n, H, dg,
                                      t == 0 ? c_first.data<T>() : cells.data<T>() + seq.start(t - 1) * H,
                                      cells.data<T>() + at * H, dh.data<T>(), dc.data<T>());
      recurrent.multiply(n, dg, 4 * H, T{0}, dfed.data<T>(), E + H);
    }

    if (d.wants(kX)) {
      const Tensor dx = matmul(dgates, slice(w_ih, 1, 0, D)), unpacked = empty({B, steps, D}, dtype);
      seq.unpack(dx.data<T>(), D, unpacked.data<T>());
      d.add(kX, unpacked);
    }
    if (d.wants(kMemory)) {
      const Tensor unpacked = empty({B, steps, E}, dtype);
      seq.unpack(dcontext.data<T>(), E, unpacked.data<T>());
      if (heads == 1) {
        d.add(kMemory, reshape(matmul(transpose(select(out_weights, 1, 0)), unpacked), memory.shape()));
      } else {
        const Tensor by_head = transpose(reshape(unpacked, {B, steps, heads, head_size}), 1, 2);
        d.add(kMemory, matmul(transpose(out_weights), by_head.contiguous()));
      }
    }
    if (d.wants(kKeys)) d.add(kKeys, dkeys);
    const auto add_state = [&](Input input, const Tensor& ranked) {
      if (!d.wants(input)) return;
      const Tensor state = empty({B, H}, dtype);
      seq.unrank_rows(ranked.data<T>(), H, state.data<T>());
      d.add(input, state);
    };
    copy_rows(B, H, dfed.data<T>() + E, E + H, dh.data<T>(), H);
    add_state(kH0, dh);
    add_state(kC0, dc);
    const Tensor dgates_t = transpose(dgates);
    if (d.wants(kWeightIh)) {
      const Tensor whole = d.buffer(kWeightIh, w_ih.shape(), dtype);
      kernels::matmul(dgates_t, packed_x, slice(whole, 1, 0, D), 1.0);
      kernels::matmul(dgates_t, slice(fed, 1, 0, E), slice(whole, 1, D, D + E), 1.0);
    }
    if (d.wants(kWeightHh)) d.add_matmul(kWeightHh, dgates_t, slice(fed, 1, E, E + H));
    if (d.wants(kBias)) d.add(kBias, sum(dgates, {0}));
    if (d.wants(kWeightQuery)) d.add_matmul(kWeightQuery, transpose(dqueries), hiddens);
    if (d.wants(kV)) d.add(kV, sum(dv, {0}).to(dtype));
    if (d.wants(kWeightPosition)) d.add_matmul(kWeightPosition, transpose(dturned), hiddens);
    if (d.wants(kPositionV)) d.add(kPositionV, reshape(matmul(transpose(dz), tangents), {P}));
  }

  void vjp(Grads& d, const std::array<Tensor, 3>& g, const Saved& saved) const {
    if (GradMode::enabled()) {
      throw GradError("attention_lstm",
                      "the fused op has first-order gradients only; build the steps from lstm and "
                      "additive_energy for higher orders");
    }
    dispatch_floating(kName, saved[0].dtype(), [&](auto t) { run_vjp<decltype(t)>(d, g, saved); });
  }

  static void first_order(OpSample& sample) {
    sample.max_order = 1;
    sample.reason = "the fused sequence offers first-order gradients";
  }
  static void samples(SampleList& s) {
    // x, memory, keys, h0, c0, weight_ih, weight_hh, bias of two sentences, and what follows them
    const auto usual = [](const SampleInput& keys, const std::vector<SampleInput>& others) {
      std::vector<SampleInput> all{{2, 3, 4}, {2, 5, 6}, keys, {2, 4}, {2, 4}, {16, 10}, {16, 4}, {16}};
      all.insert(all.end(), others.begin(), others.end());
      return all;
    };
    // x, memory, keys, h0, c0, weight_ih, weight_hh, bias, weight_query, v, target lengths, source lengths
    const auto run = [](const std::vector<Tensor>& x) {
      const auto [h, c, w] =
          heed::attention_lstm(x[0], x[10], x[1], x[2], x[11], x[3], x[4], x[5], x[6], x[7], x[8], x[9]);
      return std::vector{h, c, w};
    };
    const auto add = [&](std::vector<SampleInput> inputs) {
      first_order(s.add("attention_lstm(a, b, c, d, e, f, g, h, i, j, k, l)", std::move(inputs), run));
    };
    add(usual({2, 5, 3}, {{3, 4}, {3}, integers({2}, {3, 3}), integers({2}, {5, 5})}));
    add({{3, 4, 2},
         {3, 4, 3},
         {3, 4, 5},
         {3, 2},
         {3, 2},
         {8, 5},
         {8, 2},
         {8},
         {5, 2},
         {5},
         integers({3}, {2, 4, 1}),
         integers({3}, {4, 1, 3})});
    add({{1, 2, 1},
         {1, 2, 1},
         {1, 2, 1},
         {1, 1},
         {1, 1},
         {4, 2},
         {4, 1},
         {4},
         {1, 1},
         {1},
         integers({1}, {2}),
         integers({1}, {2})});
    // dot energies: with a query of its own (11 inputs), and of the hidden state itself
    const auto add_dot = [&](std::vector<SampleInput> inputs, int64_t width = 0) {
      const bool own = inputs.size() == 11;
      const std::string torch = fmt::format("attention_lstm(a, b, c, d, e, f, g, h, {}{})",
                                            own ? "i, None, j, k" : "None, None, i, j",
                                            width > 0 ? fmt::format(", window={}", width) : "");
      const auto dot = [own, width](const std::vector<Tensor>& x) {
        const size_t targets = own ? 9 : 8;
        const auto [h, c, w] = heed::attention_lstm(x[0], x[targets], x[1], x[2], x[targets + 1], x[3], x[4],
                                                    x[5], x[6], x[7], own ? x[8] : Tensor{}, {}, width);
        return std::vector{h, c, w};
      };
      first_order(s.add(torch, std::move(inputs), dot));
    };
    add_dot(usual({2, 5, 3}, {{3, 4}, integers({2}, {3, 2}), integers({2}, {4, 5})}));
    add_dot(usual({2, 5, 4}, {integers({2}, {1, 3}), integers({2}, {5, 3})}));
    // two heads, and a window
    add_dot({{2, 3, 4},
             {2, 2, 5, 3},
             {2, 2, 5, 2},
             {2, 4},
             {2, 4},
             {16, 10},
             {16, 4},
             {16},
             {4, 4},
             integers({2}, {3, 2}),
             integers({2}, {4, 5})});
    add_dot({{2, 4, 4},
             {2, 5, 6},
             {2, 5, 4},
             {2, 4},
             {2, 4},
             {16, 10},
             {16, 4},
             {16},
             integers({2}, {4, 3}),
             integers({2}, {5, 2})},
            1);
    s.again({{0, 3, 4},
             {0, 5, 6},
             {0, 5, 4},
             {0, 4},
             {0, 4},
             {16, 10},
             {16, 4},
             {16},
             integers({0}, {}),
             integers({0}, {})});
    // energies of positions alone, and a predicted position in a window and with a Gaussian of its own
    first_order(s.add("attention_lstm(a, b, None, c, d, e, f, g, h, None, i, j)",
                      {{2, 3, 4},
                       {2, 5, 6},
                       {2, 4},
                       {2, 4},
                       {16, 10},
                       {16, 4},
                       {16},
                       {5, 4},
                       integers({2}, {3, 2}),
                       integers({2}, {4, 5})},
                      [](const std::vector<Tensor>& x) {
                        const auto [h, c, w] = heed::attention_lstm(x[0], x[8], x[1], {}, x[9], x[2], x[3],
                                                                    x[4], x[5], x[6], x[7], {});
                        return std::vector{h, c, w};
                      }));
    const auto add_predicted = [&](int64_t width, std::vector<double> factors) {
      std::string factor;
      for (const double f : factors) factor += fmt::format("{}{}", factor.empty() ? "" : ", ", f);
      const std::string torch = fmt::format(
          "attention_lstm(a, b, c, d, e, f, g, h, None, None, k, l, window={}, position=(i, j, 1.25, "
          "[{}]))",
          width, factor);
      first_order(
          s.add(torch, usual({2, 5, 4}, {{3, 4}, {3}, integers({2}, {3, 2}), integers({2}, {5, 3})}),
                [=](const std::vector<Tensor>& x) {
                  const PredictedPosition position{
                      x[8], x[9], 1.25,
                      factors.empty()
                          ? Tensor{}
                          : from_vector(factors, {2, 3}).to(x[0].defined() ? x[0].dtype() : DType::f64)};
                  const auto [h, c, w] = heed::attention_lstm(x[0], x[10], x[1], x[2], x[11], x[3], x[4],
                                                              x[5], x[6], x[7], {}, {}, width, position);
                  return std::vector{h, c, w};
                }));
    };
    add_predicted(0, {1, 0, 1, 0, 1, 0.5});
    add_predicted(2, {});
  }
};

}  // namespace

AttentionLSTMResult attention_lstm(const Tensor& x, const Tensor& target_lengths, const Tensor& memory,
                                   const Tensor& keys, const Tensor& source_lengths, const Tensor& h0,
                                   const Tensor& c0, const Tensor& weight_ih, const Tensor& weight_hh,
                                   const Tensor& bias, const Tensor& weight_query, const Tensor& v,
                                   int64_t window, const PredictedPosition& position) {
  detail::require_defined("attention_lstm", x, memory, source_lengths, h0, c0, weight_ih, weight_hh, bias);
  if (!keys.defined()) detail::require_defined("attention_lstm", weight_query);
  const auto require = [](bool fits, const char* what, const Tensor& tensor) {
    if (!fits)
      throw ShapeError("attention_lstm",
                       fmt::format("{} {} does not fit the others", what, tensor.shape().str()));
  };
  require(x.ndim() == 3, "input", x);
  const bool by_head = memory.ndim() == 4;
  require((memory.ndim() == 3 || by_head) && memory.shape()[0] == x.shape()[0], "memory", memory);
  const int size_dim = memory.ndim() - 1;
  require(!keys.defined() || (keys.ndim() == memory.ndim() &&
                              keys.shape().with(size_dim, 1) == memory.shape().with(size_dim, 1)),
          "keys", keys);
  require(keys.defined() || !by_head, "memory", memory);
  AttentionLstm op;
  op.B = x.shape()[0], op.steps = x.shape()[1], op.D = x.shape()[2];
  op.heads = by_head ? memory.shape()[1] : 1;
  op.S = memory.size(-2), op.E = op.heads * memory.size(-1),
  op.A = keys.defined() ? op.heads * keys.size(-1) : op.S;
  if (window < 0) throw ValueError("attention_lstm", fmt::format("the window is {}", window));
  op.window = window;
  require(weight_hh.ndim() == 2 && weight_hh.shape()[0] == 4 * weight_hh.shape()[1], "weight_hh", weight_hh);
  op.H = weight_hh.shape()[1];
  require(weight_ih.shape() == Shape{4 * op.H, op.D + op.E}, "weight_ih", weight_ih);
  require(bias.shape() == Shape{4 * op.H}, "bias", bias);
  require(h0.shape() == Shape{op.B, op.H}, "h0", h0);
  require(c0.shape() == Shape{op.B, op.H}, "c0", c0);
  if (weight_query.defined()) {
    require(weight_query.shape() == Shape{op.A, op.H}, "weight_query", weight_query);
  } else {
    require(op.A == op.H, "keys", keys);
  }
  if (v.defined()) require(v.shape() == Shape{op.A} && !by_head && keys.defined(), "v", v);
  if (position.weight.defined()) {
    detail::require_defined("attention_lstm", position.v);
    check_number("attention_lstm", "sigma", position.sigma, Allowed::positive);
    require(position.weight.ndim() == 2 && position.weight.size(1) == op.H && !by_head, "position's weight",
            position.weight);
    op.P = position.weight.size(0);
    require(op.P > 0 && position.v.shape() == Shape{op.P}, "position's v", position.v);
    op.sigma = position.sigma;
    if (position.factor.defined()) {
      require(position.factor.shape() == Shape{op.B, op.steps}, "position's factor", position.factor);
      op.factor = position.factor.detach().contiguous();
    }
  }
  for (const Tensor& other : {memory, keys, h0, c0, weight_ih, weight_hh, bias, weight_query, v,
                              position.weight, position.v, position.factor}) {
    if (other.defined() && other.dtype() != x.dtype())
      throw DTypeError("attention_lstm",
                       fmt::format("dtypes differ: {} and {}", x.describe(), other.describe()));
  }
  op.target_lengths = target_lengths.defined() ? target_lengths.clone() : target_lengths;  // for backward
  op.source_lengths = detail::checked_lengths("attention_lstm", source_lengths, op.B, op.S, "source length");
  const auto dense = [](const Tensor& optional) {
    return optional.defined() ? optional.contiguous() : optional;
  };
  auto [h, c, w] = apply(std::move(op), x, memory.contiguous(), dense(keys), h0, c0, weight_ih.contiguous(),
                         weight_hh.contiguous(), bias, dense(weight_query), dense(v), dense(position.weight),
                         dense(position.v));
  return {h, c, by_head ? w : squeeze(w, 1)};
}

DEFINE_OP(attention_lstm, AttentionLstm)

}  // namespace heed
