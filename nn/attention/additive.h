// Additive attention.
#pragma once

#include <cmath>

#include "nn/attention/attention.h"
#include "nn/layers.h"

namespace heed::nn {

/// Additive attention (Bahdanau, Cho & Bengio 2015, sec. A.1.2).
///   e_ij = v . tanh(W_q q_i + W_k h_j + b),   a_i = softmax_j(e_ij) over j < length,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
class AdditiveAttention : public Attention {
 public:
  AdditiveAttention(int64_t query_size, int64_t key_size, int64_t attention_size)
      : query_proj(query_size, attention_size, /*with_bias=*/false),
        key_proj(key_size, attention_size),
        energy(param("energy", init::uniform({attention_size}, std::sqrt(3.0 / static_cast<double>(attention_size))))) {
    child("query_proj", query_proj);
    child("key_proj", key_proj);
  }
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override { return {keys, key_proj(keys), lengths}; }
  Output attend(const Tensor& query, const Memory& memory) const override {
    const Tensor scores = additive_energy(query_proj(query), memory.projected, energy);  // no stored [B, T, S, A]
    const Tensor weights = masked_softmax(scores, memory.lengths);
    return {matmul(weights, memory.keys), weights};
  }

  Linear query_proj, key_proj;
  Tensor energy;  // v [A]
};

}  // namespace heed::nn
