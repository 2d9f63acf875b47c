#include "nn/rnn.h"

namespace heed::nn {

LSTMWeights::LSTMWeights(int64_t in, int64_t hidden, const Scope& scope)
    : Module(scope),
      weight_ih((check_at_least("LSTM", "in", in, 1), check_at_least("LSTM", "hidden", hidden, 1),
                 param("weight_ih", init::xavier_uniform({4 * hidden, in})))),
      weight_hh(param("weight_hh", init::xavier_uniform({4 * hidden, hidden}))),
      bias(param("bias", init::lstm_bias(hidden))) {}

LstmResult LSTMLayer::operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0, bool reverse) const {
  LstmResult result = lstm(x, lengths, h0, c0, weight_ih, weight_hh, bias, reverse);
  result.output = announce(std::move(result.output));
  return result;
}

LSTMLayer::Reading LSTMLayer::read(const Tensor& x, const Tensor& lengths, const std::array<Tensor, 2>& starts, bool reverse) const {
  LstmResult result = (*this)(x, lengths, starts[0], starts[1], reverse);
  return {std::move(result.output), {std::move(result.hidden), std::move(result.cell)}};
}

LSTMCell::State LSTMCell::operator()(const Tensor& x, const State& state) const {
  const int64_t H = weight_hh.size(1);
  if (x.ndim() != 2 || x.size(1) != weight_ih.size(1)) {
    throw ShapeError(fmt::format("lstm: input {} does not fit weight {}", x.shape().str(), weight_ih.shape().str()));
  }
  for (const Tensor& given : {state.hidden, state.cell}) {
    if (given.defined() && given.shape() != Shape{x.size(0), H}) {
      throw ShapeError(fmt::format("lstm: state {} does not fit input {} and hidden size {}", given.shape().str(), x.shape().str(), H));
    }
  }
  Tensor gates = linear(x, weight_ih, bias);
  if (state.hidden.defined()) gates = gates + linear(state.hidden, weight_hh);
  const auto gate = [&](int64_t k) { return slice(gates, 1, k * H, (k + 1) * H); };
  Tensor cell = sigmoid(gate(0)) * tanh(gate(2));
  if (state.cell.defined()) cell = cell + sigmoid(gate(1)) * state.cell;
  return {announce(sigmoid(gate(3)) * tanh(cell)), cell};
}

LSTM::LSTM(int64_t in, int64_t hidden, LSTMOptions options, const Scope& scope) : StackedRecurrent("LSTM", in, hidden, options, scope) {}

LstmResult LSTM::operator()(const Tensor& x, const Tensor& lengths) const {
  const Stack stack = run(x, lengths, {});
  return {stack.output, last(stack, 0), last(stack, 1)};
}

LSTM::Piece LSTM::operator()(const Tensor& x, const Tensor& lengths, const State& state) const {
  const Stack stack = run(x, lengths, {state.hidden, state.cell});
  return {stack.output, {all(stack, 0), all(stack, 1)}};
}

}  // namespace heed::nn
