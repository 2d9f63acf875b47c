// Concat attention.
#pragma once

#include <cmath>

#include "nn/attention/coverage.h"
#include "nn/layers.h"

namespace heed::nn {

/// Concat attention (Luong, Pham & Manning 2015, sec. 3.1, eq. 7, score "concat").
///   e_ij = v . tanh(W [q_i; h_j]),   a_i = softmax_j(e_ij) over j < length,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// W [q; h] equals W's first Q columns times q plus its other columns times h. So this is additive attention
/// without a bias and with one weight matrix for both parts: the two parts of W are applied separately, and
/// the concatenation [B, T, S, Q + E] is never stored. Coverage as in AdditiveAttention.
class ConcatAttention : public Attention {
 public:
  /// @param query_size,key_size,attention_size Q, E, A
  /// @param with_coverage whether the weights given to earlier queries enter the energy
  ConcatAttention(int64_t query_size, int64_t key_size, int64_t attention_size, bool with_coverage = false,
                  const Scope& scope = {})
      : Attention(scope),
        weight(param("weight", init::xavier_uniform({attention_size, query_size + key_size}))),
        energy(param("energy",
                     init::uniform({attention_size}, std::sqrt(3.0 / static_cast<double>(attention_size))))),
        coverage(with_coverage ? param("coverage", zeros({attention_size})) : Tensor{}),
        query_size_(query_size) {}
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override {
    return {keys, linear(keys, slice(weight, 1, query_size_, weight.size(1))), lengths};
  }
  bool needs_state() const override { return coverage.defined(); }
  std::optional<Energy> energy_form() const override {
    return coverage.defined() ? std::nullopt
                              : std::optional(Energy{slice(weight, 1, 0, query_size_), energy});
  }

  Tensor weight;    // W [A, Q + E]
  Tensor energy;    // v [A]
  Tensor coverage;  // w_c [A]; undefined without coverage

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override {
    return attend_with_tanh_energy(linear(query, slice(weight, 1, 0, query_size_)), memory, energy, coverage,
                                   state);
  }

 private:
  int64_t query_size_;
};

}  // namespace heed::nn
