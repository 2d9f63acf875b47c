// Dot attention.
#pragma once

#include <memory>

#include "nn/attention/general.h"

namespace heed::nn {

/// Dot attention (Luong, Pham & Manning 2015, sec. 3.1, eq. 7, score "dot").
///   e_ij = q_i . h_j,   a_i = softmax_j(e_ij) over j < length,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// It has no parameters when Q = E. When Q and E differ there is no dot product of query and key; the layer
/// then computes general attention (see GeneralAttention).
/// With coverage the energy has an additional term w_c sum_{i' < i} a_i'j, as in See, Liu & Manning 2017, eq.
/// 11, but without the tanh; w_c starts at 0.
class DotAttention : public Attention {
 public:
  /// @param query_size,key_size Q, E
  /// @param with_coverage whether the weights given to earlier queries enter the energy
  DotAttention(int64_t query_size, int64_t key_size, bool with_coverage = false, const Scope& scope = {})
      : Attention(scope),
        coverage(with_coverage ? param("coverage", zeros({1})) : Tensor{}),
        scaled_key_proj(query_size == key_size
                            ? nullptr
                            : std::make_unique<Linear>(key_size, query_size, /*with_bias=*/false)) {
    if (scaled_key_proj) child("scaled_key_proj", *scaled_key_proj);
  }
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override {
    return {keys, scaled_key_proj ? bilinear_keys(*scaled_key_proj, keys) : keys, lengths};
  }
  bool needs_state() const override { return coverage.defined(); }
  std::optional<Energy> energy_form() const override {
    return coverage.defined() ? std::nullopt : std::optional(Energy{});
  }

  Tensor coverage;                          // w_c [1]; undefined without coverage
  std::unique_ptr<Linear> scaled_key_proj;  // null when Q = E

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override {
    return attend_with_dot_energy(query, memory, coverage, state);
  }
};

}  // namespace heed::nn
