// Additive attention.
#pragma once

#include <cmath>

#include "nn/attention/coverage.h"
#include "nn/layers.h"

namespace heed::nn {

/// Additive attention (Bahdanau, Cho & Bengio 2015, sec. 3.1, eq. 5 and 6, and A.1.2).
///   e_ij = v . tanh(W_q q_i + W_k h_j + b),   a_i = softmax_j(e_ij) over j < length,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// With coverage (See, Liu & Manning 2017, eq. 11) the energy has an additional term w_c sum_{i' < i} a_i'j
/// inside the tanh. w_c starts at 0, so a new layer behaves like one without coverage.
class AdditiveAttention : public Attention {
 public:
  /// @param query_size,key_size,attention_size Q, E, A
  /// @param with_coverage whether the weights given to earlier queries enter the energy
  AdditiveAttention(int64_t query_size, int64_t key_size, int64_t attention_size, bool with_coverage = false,
                    const Scope& scope = {})
      : Attention(scope),
        query_proj(query_size, attention_size, /*with_bias=*/false),
        key_proj(key_size, attention_size),
        energy(param("energy",
                     init::uniform({attention_size}, std::sqrt(3.0 / static_cast<double>(attention_size))))),
        coverage(with_coverage ? param("coverage", zeros({attention_size})) : Tensor{}) {
    child("query_proj", query_proj);
    child("key_proj", key_proj);
  }
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override {
    return {keys, key_proj(keys), lengths};
  }
  bool needs_state() const override { return coverage.defined(); }
  std::optional<Energy> energy_form() const override {
    return coverage.defined() ? std::nullopt : std::optional(Energy{query_proj.weight, energy});
  }

  Linear query_proj, key_proj;  // W_q [A, Q]; W_k [A, E] and b [A]
  Tensor energy;                // v [A]
  Tensor coverage;              // w_c [A]; undefined without coverage

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override {
    return attend_with_tanh_energy(query_proj(query), memory, energy, coverage, state);
  }
};

}  // namespace heed::nn
