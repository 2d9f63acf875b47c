#include "nn/gru.h"

#include <fmt/format.h>

#include <algorithm>

namespace heed::nn {
namespace {

// Lengths as numbers, checked; all T when undefined.
std::vector<int64_t> checked_lengths(const Tensor& x, const Tensor& lengths) {
  const int64_t B = x.size(0), T = x.size(1);
  if (!lengths.defined()) return std::vector<int64_t>(static_cast<size_t>(B), T);
  if (lengths.shape() != Shape{B}) throw ShapeError(fmt::format("gru: lengths {} do not fit x {}", lengths.shape().str(), x.shape().str()));
  std::vector<int64_t> values = lengths.to_vector<int64_t>();
  for (const int64_t length : values) {
    if (length < 0 || length > T) throw IndexError(fmt::format("gru: length {} is outside 0..{}", length, T));
  }
  return values;
}

// [B, 1]: whether step t lies before the sequence's end.
Tensor running(const std::vector<int64_t>& lengths, int64_t t) {
  std::vector<bool> mask;
  for (const int64_t length : lengths) mask.push_back(t < length);
  return from_vector(mask, {static_cast<int64_t>(lengths.size()), 1});
}

// The next state from what the input and the state h [B, H] give before the gates, [B, 3H] each.
Tensor next_state(const Tensor& from_input, const Tensor& from_state, const Tensor& h) {
  const int64_t H = h.size(1);
  const auto gate = [&](const Tensor& gates, int64_t k) { return slice(gates, 1, k * H, (k + 1) * H); };
  const Tensor r = sigmoid(gate(from_input, 0) + gate(from_state, 0)), z = sigmoid(gate(from_input, 1) + gate(from_state, 1));
  const Tensor n = tanh(gate(from_input, 2) + r * gate(from_state, 2));
  return n + z * (h - n);
}

void check_state(const Tensor& h, const Tensor& x, int64_t H) {
  if (h.defined() && h.shape() != Shape{x.size(0), H}) {
    throw ShapeError(fmt::format("gru: state {} does not fit input {} and hidden size {}", h.shape().str(), x.shape().str(), H));
  }
}

}  // namespace

GRUWeights::GRUWeights(int64_t in, int64_t hidden, const Scope& scope)
    : Module(scope),
      weight_ih((check_at_least("GRU", "in", in, 1), check_at_least("GRU", "hidden", hidden, 1),
                 param("weight_ih", init::xavier_uniform({3 * hidden, in})))),
      weight_hh(param("weight_hh", init::xavier_uniform({3 * hidden, hidden}))),
      bias_ih(param("bias_ih", zeros({3 * hidden}))),
      bias_hh(param("bias_hh", zeros({3 * hidden}))) {}

GRUResult GRULayer::operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0, bool reverse) const {
  const int64_t H = weight_hh.size(1);
  if (x.ndim() != 3 || x.size(2) != weight_ih.size(1)) {
    throw ShapeError(fmt::format("gru: input {} does not fit weight {}", x.shape().str(), weight_ih.shape().str()));
  }
  const int64_t B = x.size(0), T = x.size(1);
  check_state(h0, x, H);
  const std::vector<int64_t> ends = checked_lengths(x, lengths);
  const int64_t shortest = ends.empty() ? T : *std::min_element(ends.begin(), ends.end());
  const Tensor from_input = linear(x, weight_ih, bias_ih);  // [B, T, 3H] for all steps at once
  Tensor h = h0.defined() ? h0 : zeros({B, H}, x.dtype());
  std::vector<Tensor> outputs(static_cast<size_t>(T));
  for (int64_t i = 0; i < T; ++i) {
    const int64_t t = reverse ? T - 1 - i : i;
    const Tensor next = next_state(select(from_input, 1, t), linear(h, weight_hh, bias_hh), h);
    if (t < shortest) {
      outputs[static_cast<size_t>(t)] = h = next;
    } else {
      const Tensor runs = running(ends, t);  // chosen and not multiplied: what lies past an end may be NaN
      outputs[static_cast<size_t>(t)] = where(runs, next, zeros({}, x.dtype()));
      h = where(runs, next, h);  // a sequence that rests keeps its state
    }
  }
  return {announce(outputs.empty() ? zeros({B, 0, H}, x.dtype()) : stack(outputs, 1)), h};
}

GRULayer::Reading GRULayer::read(const Tensor& x, const Tensor& lengths, const std::array<Tensor, 1>& starts, bool reverse) const {
  GRUResult result = (*this)(x, lengths, starts[0], reverse);
  return {std::move(result.output), {std::move(result.hidden)}};
}

Tensor GRUCell::operator()(const Tensor& x, const Tensor& state) const {
  const int64_t H = weight_hh.size(1);
  if (x.ndim() != 2 || x.size(1) != weight_ih.size(1)) {
    throw ShapeError(fmt::format("gru: input {} does not fit weight {}", x.shape().str(), weight_ih.shape().str()));
  }
  check_state(state, x, H);
  const Tensor h = state.defined() ? state : zeros({x.size(0), H}, x.dtype());
  return announce(next_state(linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh), h));
}

GRU::GRU(int64_t in, int64_t hidden, GRUOptions options, const Scope& scope) : StackedRecurrent("GRU", in, hidden, options, scope) {}

GRUResult GRU::operator()(const Tensor& x, const Tensor& lengths) const {
  const Stack stack = run(x, lengths, {});
  return {stack.output, last(stack, 0)};
}

GRU::Piece GRU::operator()(const Tensor& x, const Tensor& lengths, const Tensor& state) const {
  const Stack stack = run(x, lengths, {state});
  return {stack.output, all(stack, 0)};
}

}  // namespace heed::nn
