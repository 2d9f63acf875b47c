#include "nn/gru.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

GRULayer::GRULayer(int64_t in, int64_t hidden)
    : weight_ih(param("weight_ih", init::xavier_uniform({3 * hidden, in}))),
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

GRUCell::GRUCell(int64_t in, int64_t hidden)
    : weight_ih(param("weight_ih", init::xavier_uniform({3 * hidden, in}))),
      weight_hh(param("weight_hh", init::xavier_uniform({3 * hidden, hidden}))),
      bias_ih(param("bias_ih", zeros({3 * hidden}))),
      bias_hh(param("bias_hh", zeros({3 * hidden}))) {}

Tensor GRUCell::operator()(const Tensor& x, const Tensor& state) const {
  const int64_t H = weight_hh.size(1);
  if (x.ndim() != 2 || x.size(1) != weight_ih.size(1)) {
    throw ShapeError(fmt::format("gru: input {} does not fit weight {}", x.shape().str(), weight_ih.shape().str()));
  }
  check_state(state, x, H);
  const Tensor h = state.defined() ? state : zeros({x.size(0), H}, x.dtype());
  return announce(next_state(linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh), h));
}

GRU::GRU(int64_t in, int64_t hidden, GRUOptions options) : options_(options), dropout_(options.dropout) {
  if (in < 1 || hidden < 1 || options.layers < 1) {
    throw ValueError(fmt::format("GRU: sizes must be at least 1, got in {}, hidden {}, layers {}", in, hidden, options.layers));
  }
  child("dropout", dropout_);
  const int64_t directions = options.bidirectional ? 2 : 1;
  for (int64_t layer = 0; layer < options.layers; ++layer) {
    for (int64_t direction = 0; direction < directions; ++direction) {
      layers_.push_back(std::make_unique<GRULayer>(layer == 0 ? in : directions * hidden, hidden));
      child(fmt::format("layer{}{}", layer, direction == 0 ? "" : "_reverse"), *layers_.back());
    }
  }
}

GRUResult GRU::both_directions(int64_t layer, const Tensor& input, const Tensor& lengths) const {
  const GRUResult ahead = (*layers_[static_cast<size_t>(2 * layer)])(input, lengths);
  const GRUResult back = (*layers_[static_cast<size_t>(2 * layer + 1)])(input, lengths, {}, /*reverse=*/true);
  return {concat(std::array{ahead.output, back.output}, 2), concat(std::array{ahead.hidden, back.hidden}, 1)};
}

GRUResult GRU::operator()(const Tensor& x, const Tensor& lengths) const {
  GRUResult result{x, {}};
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
