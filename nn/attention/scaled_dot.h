// Scaled dot-product attention with projections.
#pragma once

#include <cmath>

#include "nn/attention/coverage.h"
#include "nn/layers.h"

namespace heed::nn {

/// Scaled dot-product attention (Vaswani et al. 2017, sec. 3.2.1, eq. 1) of projected queries, keys and
/// values.
///   e_ij = (W_q q_i) . (W_k h_j) / sqrt(A),   a_i = softmax_j(e_ij) over j < length,
///   c_i = sum_j a_ij W_v h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// The values have the size E of the keys, so that the context has the same shape as for the other kinds. No
/// biases, as in the paper. Coverage as in DotAttention.
class ScaledDotAttention : public Attention {
 public:
  /// @param query_size,key_size,attention_size Q, E, A
  /// @param with_coverage whether the weights given to earlier queries enter the energy
  ScaledDotAttention(int64_t query_size, int64_t key_size, int64_t attention_size, bool with_coverage = false,
                     const Scope& scope = {})
      : Attention(scope),
        query_proj(query_size, attention_size, /*with_bias=*/false),
        key_proj(key_size, attention_size, /*with_bias=*/false),
        value_proj(key_size, key_size, /*with_bias=*/false),
        coverage(with_coverage ? param("coverage", zeros({1})) : Tensor{}) {
    child("query_proj", query_proj);
    child("key_proj", key_proj);
    child("value_proj", value_proj);
  }
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override {
    return {keys, key_proj(keys), lengths, value_proj(keys)};
  }
  bool needs_state() const override { return coverage.defined(); }
  std::optional<Energy> energy_form() const override {
    return coverage.defined() ? std::nullopt : std::optional(Energy{query_proj.weight / scale(), {}});
  }

  Linear query_proj, key_proj, value_proj;  // W_q [A, Q], W_k [A, E], W_v [E, E]
  Tensor coverage;                          // w_c [1]; undefined without coverage

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override {
    return attend_with_dot_energy(query_proj(query) / scale(), memory, coverage, state);
  }

 private:
  double scale() const { return std::sqrt(static_cast<double>(query_proj.weight.size(0))); }
};

}  // namespace heed::nn
