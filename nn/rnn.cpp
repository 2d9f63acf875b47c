#include "nn/rnn.h"

#include <fmt/format.h>

#include <array>

namespace heed::nn {

LSTMLayer::LSTMLayer(int64_t in, int64_t hidden)
    : weight_ih(param("weight_ih", init::xavier_uniform({4 * hidden, in}))),
      weight_hh(param("weight_hh", init::xavier_uniform({4 * hidden, hidden}))),
      bias(param("bias", init::lstm_bias(hidden))) {}

LstmResult LSTMLayer::operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0, bool reverse) const {
  return lstm(x, lengths, h0, c0, weight_ih, weight_hh, bias, reverse);
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
  return result;
}

}  // namespace heed::nn
