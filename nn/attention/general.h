// General attention: a bilinear form of query and key.
#pragma once

#include <cmath>

#include "nn/attention/coverage.h"
#include "nn/layers.h"

namespace heed::nn {

/// The projected keys V h / sqrt(Q) of a bilinear energy q . (W h), with W = V / sqrt(Q) and V the weight of
/// projection. V is the parameter instead of W because of Adam: its first step moves each entry of a
/// parameter by lr. With W as the parameter an energy would change by up to lr |q|_1 |h|_1 (about 8 for Q = E
/// = 256, lr 2e-3), and the attention weights would jump from word to word. With V the change is sqrt(Q)
/// times smaller and training starts from nearly uniform weights (presets/long-sentences.toml, 2000 updates:
/// validation loss 3.93 instead of 4.44).
/// @param projection layer whose weight is V [Q, E]
/// @param keys h [B, S, E]
/// @return [B, S, Q]
inline Tensor bilinear_keys(const Linear& projection, const Tensor& keys) {
  return projection(keys) / std::sqrt(static_cast<double>(projection.weight.size(0)));
}

/// General attention (Luong, Pham & Manning 2015, sec. 3.1, eq. 7, score "general").
///   e_ij = q_i . (W h_j),   W = V / sqrt(Q),   a_i = softmax_j(e_ij) over j < length,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// Coverage as in DotAttention.
class GeneralAttention : public Attention {
 public:
  /// @param query_size,key_size Q, E
  /// @param with_coverage whether the weights given to earlier queries enter the energy
  GeneralAttention(int64_t query_size, int64_t key_size, bool with_coverage = false, const Scope& scope = {})
      : Attention(scope),
        scaled_key_proj(key_size, query_size, /*with_bias=*/false),
        coverage(with_coverage ? param("coverage", zeros({1})) : Tensor{}) {
    child("scaled_key_proj", scaled_key_proj);
  }
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override {
    return {keys, bilinear_keys(scaled_key_proj, keys), lengths};
  }
  bool needs_state() const override { return coverage.defined(); }
  std::optional<Energy> energy_form() const override {
    return coverage.defined() ? std::nullopt : std::optional(Energy{});
  }

  Linear scaled_key_proj;  // V [Q, E]
  Tensor coverage;         // w_c [1]; undefined without coverage

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override {
    return attend_with_dot_energy(query, memory, coverage, state);
  }
};

}  // namespace heed::nn
