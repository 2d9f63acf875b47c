// lstm: a whole sequence as one op (equations and shapes in ops.h).
//
// Forward: one product W_ih x for all steps at once, then a product with W_hh and one gate pass per step.
// Backward runs the steps in the opposite order, leaves dG, the gradients of all pre-activations, and ends
// with one product each:
//   dx = dG W_ih,  dW_ih = dG^T x,  dW_hh = dG^T h_prev,  db = sum of dG
// Its plain reference, built from public ops step by step, is in tests/framework/recurrent_reference.h.
#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/packed_weights.h"
#include "framework/ops/registry.h"
#include "framework/ops/sequence.h"

namespace heed {
namespace {

// g [n, 4H] += h [n, H] W_hh^T of one step after the other: by the model's kept form of W_hh where there is
// one, by one packed here where there are several steps.
template <class T>
class RecurrentProduct {
 public:
  RecurrentProduct(const Tensor& w_hh, int64_t B, int64_t steps, bool recording)
      : w_hh_(w_hh), H_(w_hh.size(1)) {
    if (!recording) kept_ = detail::packed_weight(w_hh, B);
    if (kept_) {
      product_ = empty({B, 4 * H_}, w_hh.dtype());
    } else if (steps > 1) {
      packed_.emplace(H_, 4 * H_, w_hh.data<T>(), 1, H_, B);
    }
  }
  void add(int64_t n, const T* h, T* g) const {
    if constexpr (std::is_same_v<T, float>) {
      if (kept_) {
        kept_->multiply(n, h, H_, nullptr, product_.data<T>(), 4 * H_);
        return kernels::add_into(DType::f32, n * 4 * H_, product_.data<T>(), g);
      }
    }
    if (packed_) return packed_->multiply(n, h, H_, T{1}, g, 4 * H_);
    kernels::gemm<T>(false, true, n, 4 * H_, H_, h, H_, w_hh_.data<T>(), H_, T{1}, g, 4 * H_);
  }

 private:
  const Tensor& w_hh_;
  int64_t H_;
  std::shared_ptr<const kernels::KeptMatrix> kept_;
  std::optional<kernels::PackedMatrix<T>> packed_;
  Tensor product_;  // of the kept form, which overwrites
};

struct Lstm {
  static constexpr const char* kName = "lstm";
  static constexpr int kSaved = 8;
  Tensor lengths;
  bool reverse;

  // The step that comes before t in reading order, or -1.
  int64_t previous(const SequencePacking& seq, int64_t t) const {
    return reverse ? (t + 1 < seq.steps ? t + 1 : -1) : t - 1;
  }
  int64_t nth(const SequencePacking& seq, int64_t i) const { return reverse ? seq.steps - 1 - i : i; }

  template <class T>
  std::array<Tensor, 3> run(const Tensor& x, const Tensor& h0, const Tensor& c0, const Tensor& w_ih,
                            const Tensor& w_hh, const Tensor& bias, Saved& saved) const {
    const int64_t B = x.shape()[0], steps = x.shape()[1], D = x.shape()[2], H = w_hh.shape()[1];
    const SequencePacking seq(kName, lengths, B, steps);
    const int64_t rows = seq.rows();
    const DType dtype = x.dtype();
    const Tensor packed_x = empty({rows, D}, dtype), cells = empty({rows, H}, dtype),
                 hiddens = empty({rows, H}, dtype);
    const Tensor h_before = empty({rows, H}, dtype);
    const Tensor h = empty({B, H}, dtype), c = empty({B, H}, dtype);  // the running states, by rank
    seq.pack(x.contiguous().data<T>(), D, packed_x.data<T>());
    seq.rank_rows<T>(h0.defined() ? h0.contiguous().data<T>() : nullptr, H, h.data<T>());
    seq.rank_rows<T>(c0.defined() ? c0.contiguous().data<T>() : nullptr, H, c.data<T>());
    const Tensor c_first = saved.recording() ? c.clone() : c;
    const Tensor gates = linear(packed_x, w_ih, bias);
    const RecurrentProduct<T> recurrent(w_hh, B, steps, saved.recording());
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t t = nth(seq, i), n = seq.active(t), at = seq.start(t);
      if (n == 0) continue;  // every sequence is shorter
      const size_t state_bytes = static_cast<size_t>(n * H) * sizeof(T);
      std::memcpy(h_before.data<T>() + at * H, h.data<T>(), state_bytes);
      T* g = gates.data<T>() + at * 4 * H;
      recurrent.add(n, h_before.data<T>() + at * H, g);
      kernels::lstm_gates<T>(n, H, g, c.data<T>(), cells.data<T>() + at * H, hiddens.data<T>() + at * H);
      std::memcpy(h.data<T>(), hiddens.data<T>() + at * H, state_bytes);
      std::memcpy(c.data<T>(), cells.data<T>() + at * H, state_bytes);
    }
    const Tensor y = empty({B, steps, H}, dtype), h_n = empty({B, H}, dtype), c_n = empty({B, H}, dtype);
    seq.unpack(hiddens.data<T>(), H, y.data<T>());
    seq.unrank_rows(h.data<T>(), H, h_n.data<T>());
    seq.unrank_rows(c.data<T>(), H, c_n.data<T>());
    for (const Tensor& kept : {w_ih, w_hh, packed_x, gates, cells, h_before, c_first}) saved.input(kept);
    return {y, h_n, c_n};
  }

  std::array<Tensor, 3> forward(const Tensor& x, const Tensor& h0, const Tensor& c0, const Tensor& w_ih,
                                const Tensor& w_hh, const Tensor& bias, Saved& saved) const {
    return dispatch_floating(kName, x.dtype(),
                             [&](auto t) { return run<decltype(t)>(x, h0, c0, w_ih, w_hh, bias, saved); });
  }

  template <class T>
  void run_vjp(Grads& d, const std::array<Tensor, 3>& g, const Saved& saved) const {
    const Tensor w_ih = saved[0], w_hh = saved[1], packed_x = saved[2], cells = saved[4], h_before = saved[5],
                 c_first = saved[6];
    const Tensor dgates = saved.take(3);  // activations now, gradients of the pre-activations at the end
    const int64_t H = w_hh.shape()[1], D = packed_x.shape()[1], B = batch, steps = step_count;
    const SequencePacking seq(kName, lengths, B, steps);
    const DType dtype = packed_x.dtype();
    const Tensor dy = empty({seq.rows(), H}, dtype), dh = empty({B, H}, dtype), dc = empty({B, H}, dtype);
    if (g[0].defined()) {
      seq.pack(g[0].contiguous().data<T>(), H, dy.data<T>());
    } else {
      dy.fill_(0);
    }
    seq.rank_rows<T>(g[1].defined() ? g[1].contiguous().data<T>() : nullptr, H, dh.data<T>());
    seq.rank_rows<T>(g[2].defined() ? g[2].contiguous().data<T>() : nullptr, H, dc.data<T>());
    std::optional<kernels::PackedMatrix<T>> recurrent;
    if (steps > 1) recurrent.emplace(4 * H, H, w_hh.data<T>(), H, 1, B);
    for (int64_t i = steps - 1; i >= 0; --i) {
      const int64_t t = nth(seq, i), n = seq.active(t), at = seq.start(t);
      if (n == 0) continue;
      kernels::add_into(dtype, n * H, dy.data<T>() + at * H, dh.data<T>());
      T* dg = dgates.data<T>() + at * 4 * H;
      // The cells before the step: of the step before it, and at first those of the sequences that begin.
      const int64_t before = previous(seq, t), gone_on = before < 0 ? 0 : std::min(n, seq.active(before));
      const auto gates = [&](int64_t first, int64_t count, const T* c_before) {
        kernels::lstm_gates_backward<T>(count, H, dg + first * 4 * H, c_before,
                                        cells.data<T>() + (at + first) * H, dh.data<T>() + first * H,
                                        dc.data<T>() + first * H);
      };
      if (gone_on > 0) gates(0, gone_on, cells.data<T>() + seq.start(before) * H);
      if (gone_on < n) gates(gone_on, n - gone_on, c_first.data<T>() + gone_on * H);
      if (recurrent) {
        recurrent->multiply(n, dg, 4 * H, T{0}, dh.data<T>(), H);
      } else {
        kernels::gemm<T>(false, false, n, H, 4 * H, dg, 4 * H, w_hh.data<T>(), H, T{0}, dh.data<T>(), H);
      }
    }
    if (d.wants(0)) {
      const Tensor dx = matmul(dgates, w_ih), unpacked = empty({B, steps, D}, dtype);
      seq.unpack(dx.data<T>(), D, unpacked.data<T>());
      d.add(0, unpacked);
    }
    const auto add_state = [&](int input, const Tensor& ranked) {
      if (!d.wants(input)) return;
      const Tensor state = empty({B, H}, dtype);
      seq.unrank_rows(ranked.data<T>(), H, state.data<T>());
      d.add(input, state);
    };
    add_state(1, dh);
    add_state(2, dc);
    d.add_matmul(3, transpose(dgates), packed_x);
    d.add_matmul(4, transpose(dgates), h_before);
    if (d.wants(5)) d.add(5, sum(dgates, {0}));
  }

  void vjp(Grads& d, const std::array<Tensor, 3>& g, const Saved& saved) const {
    if (GradMode::enabled()) {
      throw GradError("lstm",
                      "the fused op has first-order gradients only; build the steps from linear, sigmoid and "
                      "tanh for higher orders");
    }
    dispatch_floating(kName, saved[0].dtype(), [&](auto t) { run_vjp<decltype(t)>(d, g, saved); });
  }

  int64_t batch = 0, step_count = 0;

  static void samples(SampleList& s) {
    const auto run = [](bool reversed, bool with_lengths) {
      return [=](const std::vector<Tensor>& x) {
        const auto [y, h, c] =
            heed::lstm(x[0], with_lengths ? x[6] : Tensor{}, x[1], x[2], x[3], x[4], x[5], reversed);
        return std::vector{y, h, c};
      };
    };
    const auto add = [&](const char* torch, std::vector<SampleInput> inputs, OpSample::Function f) {
      OpSample& sample = s.add(torch, std::move(inputs), std::move(f));
      sample.max_order = 1;
      sample.reason = "the fused sequence offers first-order gradients";
    };
    add("lstm(a, b, c, d, e, f)", {{2, 3, 4}, {2, 5}, {2, 5}, {20, 4}, {20, 5}, {20}}, run(false, false));
    add("lstm(a, b, c, d, e, f, g)",
        {{3, 4, 2}, {3, 3}, {3, 3}, {12, 2}, {12, 3}, {12}, integers({3}, {2, 4, 1})}, run(false, true));
    add("lstm(a, b, c, d, e, f, g, reverse=True)",
        {{3, 4, 2}, {3, 3}, {3, 3}, {12, 2}, {12, 3}, {12}, integers({3}, {2, 4, 1})}, run(true, true));
    add("lstm(a, b, c, d, e, f)", {{2, 2, 40}, {2, 40}, {2, 40}, {160, 40}, {160, 40}, {160}},
        run(false, false));
    add("lstm(a, b, c, d, e, f)", {{1, 2, 1}, {1, 1}, {1, 1}, {4, 1}, {4, 1}, {4}}, run(false, false));
    add("", {{0, 2, 3}, {0, 4}, {0, 4}, {16, 3}, {16, 4}, {16}}, run(false, false));
    s.samples.back().reason += "; PyTorch refuses a batch of no sequences";
  }
};

}  // namespace

LSTMResult lstm(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0,
                const Tensor& weight_ih, const Tensor& weight_hh, const Tensor& bias, bool reverse) {
  detail::require_defined("lstm", x, weight_ih, weight_hh, bias);
  if (x.ndim() != 3 || weight_ih.ndim() != 2 || weight_ih.shape()[1] != x.shape()[2]) {
    throw ShapeError(
        "lstm", fmt::format("input {} does not fit weight_ih {}", x.shape().str(), weight_ih.shape().str()));
  }
  const int64_t H = weight_ih.shape()[0] / 4;
  if (weight_hh.shape() != Shape{4 * H, H} || bias.shape() != Shape{4 * H}) {
    throw ShapeError("lstm",
                     fmt::format("weight_ih {}, weight_hh {} and bias {} do not fit together",
                                 weight_ih.shape().str(), weight_hh.shape().str(), bias.shape().str()));
  }
  for (const Tensor& state : {h0, c0}) {
    if (state.defined() && state.shape() != Shape{x.shape()[0], H}) {
      throw ShapeError("lstm", fmt::format("initial state {} for batch {} and hidden size {}",
                                           state.shape().str(), x.shape()[0], H));
    }
  }
  for (const Tensor& other : {weight_ih, weight_hh, bias, h0, c0}) {
    if (other.defined() && other.dtype() != x.dtype()) {
      throw DTypeError("lstm", fmt::format("dtypes differ: {} and {}", x.describe(), other.describe()));
    }
  }
  Lstm op;
  op.lengths = lengths.defined() ? lengths.clone() : lengths;  // backward reads them again
  op.reverse = reverse;
  op.batch = x.shape()[0];
  op.step_count = x.shape()[1];
  auto [y, h, c] = apply(std::move(op), x, h0, c0, weight_ih.contiguous(), weight_hh.contiguous(), bias);
  return {y, h, c};
}

DEFINE_OP(lstm, Lstm)

}  // namespace heed
