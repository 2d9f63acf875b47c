#include "nn/rnn.h"

#include <fmt/format.h>

#include "framework/ops/sequence.h"

namespace heed::nn {
namespace {

// Hidden state and cell, [B, H], from the gates' sums [B, 4H] and the cell before (undefined: zeros).
std::array<Tensor, 2> next_states(const Tensor& gates, const Tensor& before) {
  const int64_t H = gates.size(1) / 4;
  const auto gate = [&](int64_t k) { return slice(gates, 1, k * H, (k + 1) * H); };
  Tensor cell = sigmoid(gate(0)) * tanh(gate(2));
  if (before.defined()) cell = cell + sigmoid(gate(1)) * before;
  return {sigmoid(gate(3)) * tanh(cell), cell};
}

}  // namespace

LSTMWeights::LSTMWeights(int64_t in, int64_t hidden, const Scope& scope)
    : Module(scope),
      weight_ih((check_at_least("LSTM", "in", in, 1), check_at_least("LSTM", "hidden", hidden, 1),
                 param("weight_ih", init::xavier_uniform({4 * hidden, in})))),
      weight_hh(param("weight_hh", init::xavier_uniform({4 * hidden, hidden}))),
      bias(param("bias", init::lstm_bias(hidden))) {}

void LSTMWeights::check_input(const Tensor& x, int dims, const std::array<Tensor, 2>& states) const {
  if (x.ndim() != dims || x.shape().back() != weight_ih.size(1)) {
    throw ShapeError(
        "lstm", fmt::format("input {} does not fit weight {}", x.shape().str(), weight_ih.shape().str()));
  }
  const int64_t H = weight_hh.size(1);
  for (const Tensor& given : states) {
    if (given.defined() && given.shape() != Shape{x.size(0), H}) {
      throw ShapeError("lstm", fmt::format("state {} does not fit input {} and hidden size {}",
                                           given.shape().str(), x.shape().str(), H));
    }
  }
}

LSTMResult LSTMLayer::operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0,
                                 bool reverse) const {
  LSTMResult result = composed ? read_composed(x, lengths, h0, c0, reverse)
                               : lstm(x, lengths, h0, c0, weight_ih, weight_hh, bias, reverse);
  result.output = announce(std::move(result.output));
  return result;
}

LSTMLayer::Reading LSTMLayer::read(const Tensor& x, const Tensor& lengths,
                                   const std::array<Tensor, 2>& starts, bool reverse) const {
  LSTMResult result = (*this)(x, lengths, starts[0], starts[1], reverse);
  return {std::move(result.output), {std::move(result.hidden), std::move(result.cell)}};
}

LSTMResult LSTMLayer::read_composed(const Tensor& x, const Tensor& lengths, const Tensor& h0,
                                    const Tensor& c0, bool reverse) const {
  check_input(x, 3, {h0, c0});
  const Tensor none = zeros({x.size(0), weight_hh.size(1)}, x.dtype());
  const std::array first{h0.defined() ? h0 : none, c0.defined() ? c0 : none};
  const std::vector<int64_t> counts = heed::detail::checked_lengths("lstm", lengths, x.size(0), x.size(1));
  auto [output, ends] = detail::read_steps<2>(
      linear(detail::without_padding(x, counts), weight_ih, bias), counts, first, reverse,
      [&](const Tensor& gates, const auto& s) { return next_states(gates + linear(s[0], weight_hh), s[1]); });
  return {output, ends[0], ends[1]};
}

LSTMCell::State LSTMCell::operator()(const Tensor& x, const State& state) const {
  check_input(x, 2, {state.hidden, state.cell});
  Tensor gates = linear(x, weight_ih, bias);
  if (state.hidden.defined()) gates = gates + linear(state.hidden, weight_hh);
  auto [hidden, cell] = next_states(gates, state.cell);
  return {announce(std::move(hidden)), cell};
}

LSTM::LSTM(int64_t in, int64_t hidden, LSTMOptions options, const Scope& scope)
    : StackedRecurrent("LSTM", in, hidden, options, scope) {}

LSTMResult LSTM::operator()(const Tensor& x, const Tensor& lengths) const {
  const Stack stack = run(x, lengths, {});
  return {stack.output, last(stack, 0), last(stack, 1)};
}

LSTMResult LSTM::operator()(const Tensor& x, const Tensor& lengths, const State& state) const {
  const Stack stack = run(x, lengths, {state.hidden, state.cell});
  return {stack.output, all(stack, 0), all(stack, 1)};
}

}  // namespace heed::nn
