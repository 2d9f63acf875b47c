#include "nn/rnn.h"

#include <fmt/format.h>

#include <array>

namespace heed::nn {

LSTMLayer::LSTMLayer(int64_t in, int64_t hidden)
    : weight_ih(param("weight_ih", init::xavier_uniform({4 * hidden, in}))),
      weight_hh(param("weight_hh", init::xavier_uniform({4 * hidden, hidden}))),
      bias(param("bias", init::lstm_bias(hidden))) {}

LstmResult LSTMLayer::operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0, bool reverse) const {
  LstmResult result = lstm(x, lengths, h0, c0, weight_ih, weight_hh, bias, reverse);
  result.output = announce(std::move(result.output));
  return result;
}

LSTMCell::LSTMCell(int64_t in, int64_t hidden)
    : weight_ih(param("weight_ih", init::xavier_uniform({4 * hidden, in}))),
      weight_hh(param("weight_hh", init::xavier_uniform({4 * hidden, hidden}))),
      bias(param("bias", init::lstm_bias(hidden))) {}

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

LSTM::LSTM(int64_t in, int64_t hidden, LSTMOptions options) : options_(options), dropout_(options.dropout) {
  if (in < 1 || hidden < 1 || options.layers < 1) {
    throw ValueError(fmt::format("LSTM: sizes must be at least 1, got in {}, hidden {}, layers {}", in, hidden, options.layers));
  }
  child("dropout", dropout_);
  const int64_t directions = options.bidirectional ? 2 : 1;
  for (int64_t layer = 0; layer < options.layers; ++layer) {
    for (int64_t direction = 0; direction < directions; ++direction) {
      layers_.push_back(std::make_unique<LSTMLayer>(layer == 0 ? in : directions * hidden, hidden));
      child(fmt::format("layer{}{}", layer, direction == 0 ? "" : "_reverse"), *layers_.back());
    }
  }
}

LstmResult LSTM::both_directions(int64_t layer, const Tensor& input, const Tensor& lengths) const {
  const LstmResult ahead = (*layers_[static_cast<size_t>(2 * layer)])(input, lengths);
  const LstmResult back = (*layers_[static_cast<size_t>(2 * layer + 1)])(input, lengths, {}, {}, true);
  const auto join = [](const Tensor& a, const Tensor& b, int dim) { return concat(std::array{a, b}, dim); };
  return {join(ahead.output, back.output, 2), join(ahead.hidden, back.hidden, 1), join(ahead.cell, back.cell, 1)};
}

LstmResult LSTM::operator()(const Tensor& x, const Tensor& lengths) const {
  LstmResult result{x, {}, {}};
  for (int64_t layer = 0; layer < options_.layers; ++layer) {
    const Tensor input = layer == 0 ? x : dropout_(result.output);
    const Tensor before = result.output;
    result = options_.bidirectional ? both_directions(layer, input, lengths) : (*layers_[static_cast<size_t>(layer)])(input, lengths);
    if (options_.residual && layer > 0) result.output = result.output + before;
  }
  result.output = announce(std::move(result.output));
  return result;
}

}  // namespace heed::nn
