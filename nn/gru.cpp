#include "nn/gru.h"

#include <fmt/format.h>

#include "framework/ops/sequence.h"

namespace heed::nn {
namespace {

// The next state from what the input and the state h [B, H] give before the gates, [B, 3H] each.
Tensor next_state(const Tensor& from_input, const Tensor& from_state, const Tensor& h) {
  const int64_t H = h.size(1);
  const auto gate = [&](const Tensor& gates, int64_t k) { return slice(gates, 1, k * H, (k + 1) * H); };
  const Tensor r = sigmoid(gate(from_input, 0) + gate(from_state, 0)),
               z = sigmoid(gate(from_input, 1) + gate(from_state, 1));
  const Tensor n = tanh(gate(from_input, 2) + r * gate(from_state, 2));
  return n + z * (h - n);
}

void check_state(const Tensor& h, const Tensor& x, int64_t H) {
  if (h.defined() && h.shape() != Shape{x.size(0), H}) {
    throw ShapeError("gru", fmt::format("state {} does not fit input {} and hidden size {}", h.shape().str(),
                                        x.shape().str(), H));
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
    throw ShapeError(
        "gru", fmt::format("input {} does not fit weight {}", x.shape().str(), weight_ih.shape().str()));
  }
  check_state(h0, x, H);
  const std::vector<int64_t> ends = heed::detail::checked_lengths("gru", lengths, x.size(0), x.size(1));
  const Tensor from_input = linear(detail::without_padding(x, ends), weight_ih, bias_ih);  // [B, T, 3H]
  const Tensor first = h0.defined() ? h0 : zeros({x.size(0), H}, x.dtype());
  auto [output, state] =
      detail::read_steps<1>(from_input, ends, {first}, reverse, [&](const Tensor& gates, const auto& h) {
        return std::array{next_state(gates, linear(h[0], weight_hh, bias_hh), h[0])};
      });
  return {announce(std::move(output)), state[0]};
}

GRULayer::Reading GRULayer::read(const Tensor& x, const Tensor& lengths, const std::array<Tensor, 1>& starts,
                                 bool reverse) const {
  GRUResult result = (*this)(x, lengths, starts[0], reverse);
  return {std::move(result.output), {std::move(result.hidden)}};
}

Tensor GRUCell::operator()(const Tensor& x, const Tensor& state) const {
  const int64_t H = weight_hh.size(1);
  if (x.ndim() != 2 || x.size(1) != weight_ih.size(1)) {
    throw ShapeError(
        "gru", fmt::format("input {} does not fit weight {}", x.shape().str(), weight_ih.shape().str()));
  }
  check_state(state, x, H);
  const Tensor h = state.defined() ? state : zeros({x.size(0), H}, x.dtype());
  return announce(next_state(linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh), h));
}

GRU::GRU(int64_t in, int64_t hidden, GRUOptions options, const Scope& scope)
    : StackedRecurrent("GRU", in, hidden, options, scope) {}

GRUResult GRU::operator()(const Tensor& x, const Tensor& lengths) const {
  const Stack stack = run(x, lengths, {});
  return {stack.output, last(stack, 0)};
}

GRUResult GRU::operator()(const Tensor& x, const Tensor& lengths, const Tensor& state) const {
  const Stack stack = run(x, lengths, {state});
  return {stack.output, all(stack, 0)};
}

}  // namespace heed::nn
