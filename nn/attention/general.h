// General attention: a bilinear form of query and key.
#pragma once

#include <cmath>

#include "nn/attention/coverage.h"
#include "nn/layers.h"

namespace heed::nn {

/// V h / sqrt(Q) for keys h [B, S, E] and the weight V [Q, E] of key_proj  ->  [B, S, Q]: the keys of a bilinear energy q . (W h), whose W
/// is kept as V = W sqrt(Q). A step of Adam moves each entry of a weight by about lr, and so the energy by up to lr |q|_1 |h|_1, which
/// grows with both sizes: with W itself as the parameter the weights of attention jump from word to word, and what is learned stays behind
/// (at size 256, 2000 updates: loss 4.44 against 3.93). The factor is that of scaled dot-product attention.
inline Tensor bilinear_keys(const Linear& key_proj, const Tensor& keys) {
  return key_proj(keys) / std::sqrt(static_cast<double>(key_proj.weight.size(0)));
}

/// General attention (Luong, Pham & Manning 2015, sec. 3.1, score "general").
///   e_ij = q_i . (W h_j),   W = V / sqrt(Q),   a_i = softmax_j(e_ij) over j < length,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// Coverage as in DotAttention.
class GeneralAttention : public Attention {
 public:
  GeneralAttention(int64_t query_size, int64_t key_size, bool with_coverage = false)
      : key_proj(key_size, query_size, /*with_bias=*/false), coverage(with_coverage ? param("coverage", zeros({1})) : Tensor{}) {
    child("key_proj", key_proj);
  }
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override { return {keys, bilinear_keys(key_proj, keys), lengths}; }
  bool needs_state() const override { return coverage.defined(); }
  std::optional<Energy> energy_form() const override { return coverage.defined() ? std::nullopt : std::optional(Energy{}); }

  Linear key_proj;  // V [Q, E]
  Tensor coverage;  // w_c [1]; undefined without coverage

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override {
    return attend_with_dot_energy(query, memory, coverage, state);
  }
};

}  // namespace heed::nn
