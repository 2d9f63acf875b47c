// lstm and attention_lstm step by step from public ops, straight from the equations in ops/recurrent.h: the
// plain reference of the fused ops, differentiable to any order.
#pragma once

#include <cstdlib>
#include <vector>

#include "framework/framework.h"

namespace heed {

/// [B, 1]: 1 where step t lies before the sequence's end.
inline Tensor running(const Tensor& lengths, int64_t batch, int64_t steps, int64_t t, DType dtype) {
  const Tensor mask = ones({batch, 1}, dtype);
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = lengths.defined() ? lengths.to_vector<int64_t>()[static_cast<size_t>(b)] : steps;
    if (t >= length) slice(mask, 0, b, b + 1).fill_(0);
  }
  return mask;
}

/// One step from pre-activations [B, 4H] in the order i, f, g, o.
struct LstmState {
  Tensor h, c;
};
inline LstmState lstm_step(const Tensor& gates, const LstmState& before) {
  const int64_t H = before.h.size(1);
  const auto gate = [&](int64_t k) { return slice(gates, 1, k * H, (k + 1) * H); };
  const Tensor c = sigmoid(gate(1)) * before.c + sigmoid(gate(0)) * tanh(gate(2));
  return {sigmoid(gate(3)) * tanh(c), c};
}

inline LSTMResult lstm_reference(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0,
                                 const Tensor& weight_ih, const Tensor& weight_hh, const Tensor& bias,
                                 bool reverse = false) {
  const int64_t B = x.size(0), steps = x.size(1), H = weight_hh.size(1);
  const Tensor zero = zeros({B, H}, x.dtype());
  LstmState state{h0.defined() ? h0 : zero, c0.defined() ? c0 : zero};
  std::vector<Tensor> outputs(static_cast<size_t>(steps));
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = reverse ? steps - 1 - i : i;
    const LstmState next =
        lstm_step(linear(select(x, 1, t), weight_ih, bias) + linear(state.h, weight_hh), state);
    const Tensor runs = running(lengths, B, steps, t, x.dtype()),
                 rests = 1.0 - runs;  // a sequence that rests keeps its state
    state = {next.h * runs + state.h * rests, next.c * runs + state.c * rests};
    outputs[static_cast<size_t>(t)] = next.h * runs;
  }
  return {stack(outputs, 1), state.h, state.c};
}

inline AttentionLSTMResult attention_lstm_reference(
    const Tensor& x, const Tensor& target_lengths, const Tensor& memory, const Tensor& keys,
    const Tensor& source_lengths, const Tensor& h0, const Tensor& c0, const Tensor& weight_ih,
    const Tensor& weight_hh, const Tensor& bias, const Tensor& weight_query, const Tensor& v,
    int64_t window = 0, const PredictedPosition& position = {}) {
  const int64_t B = x.size(0), steps = x.size(1), S = memory.size(-2);
  const int64_t heads = memory.ndim() == 4 ? memory.size(1) : 1;
  const auto head = [&](const Tensor& all, int64_t k) {  // [B, S, size]
    return all.ndim() == 4 ? select(all, 1, k) : all;
  };
  LstmState state{h0, c0};
  Tensor context = zeros({B, heads * memory.size(-1)}, x.dtype());
  std::vector<Tensor> hidden, contexts, weights;
  for (int64_t t = 0; t < steps; ++t) {
    const Tensor fed = concat(std::vector{select(x, 1, t), context}, 1);
    state = lstm_step(linear(fed, weight_ih, bias) + linear(state.h, weight_hh), state);
    const Tensor query = unsqueeze(weight_query.defined() ? linear(state.h, weight_query) : state.h, 1);
    const Tensor runs = running(target_lengths, B, steps, t, x.dtype());
    Tensor outside = zeros({B, 1, S}, x.dtype());  // of the window: 1
    const std::vector<int64_t> lengths = source_lengths.to_vector<int64_t>();
    Tensor predicted, gaussian;  // [B, 1], [B, 1, S]
    if (position.weight.defined()) {
      predicted = unsqueeze(source_lengths.to(x.dtype()), 1) *
                  sigmoid(linear(tanh(linear(state.h, position.weight)), unsqueeze(position.v, 0)));
      Tensor exponent = square(arange(S, x.dtype()) - predicted) / (-2 * position.sigma * position.sigma);
      if (position.factor.defined()) exponent = exponent * slice(position.factor, 1, t, t + 1);
      gaussian = unsqueeze(exp(exponent), 1);
    }
    if (window > 0) {
      for (int64_t b = 0; b < B; ++b) {
        const double centre =
            predicted.defined()
                ? predicted.detach().to(DType::f64).to_vector<double>()[static_cast<size_t>(b)]
                : static_cast<double>(std::min(t, lengths[static_cast<size_t>(b)] - 1));
        for (int64_t s = 0; s < S; ++s) {
          if (std::abs(static_cast<double>(s) - centre) > static_cast<double>(window))
            slice(slice(outside, 0, b, b + 1), 2, s, s + 1).fill_(1);
        }
      }
    }
    std::vector<Tensor> parts, maps;
    for (int64_t k = 0; k < heads; ++k) {
      const Tensor key = keys.defined() ? head(keys, k) : Tensor{};
      const int64_t size = query.size(2) / heads;
      const Tensor q = slice(query, 2, k * size, (k + 1) * size);
      const Tensor energy = !key.defined() ? q  // [B, 1, S]
                            : v.defined()  ? additive_energy(q, key, v)
                                           : matmul(q, transpose(key));
      Tensor a = masked_softmax(energy - outside * 1e9, source_lengths);
      if (gaussian.defined()) a = a * gaussian;
      parts.push_back(squeeze(matmul(a, head(memory, k)), 1));
      maps.push_back(squeeze(a, 1) * runs);
    }
    context = concat(parts, 1);
    hidden.push_back(state.h * runs);
    contexts.push_back(context * runs);
    weights.push_back(memory.ndim() == 4 ? stack(maps, 1) : maps[0]);
  }
  return {stack(hidden, 1), stack(contexts, 1), stack(weights, memory.ndim() == 4 ? 2 : 1)};
}

}  // namespace heed
