// General attention: a bilinear form of query and key.
#pragma once

#include "nn/attention/attention.h"
#include "nn/layers.h"

namespace heed::nn {

/// General attention (Luong, Pham & Manning 2015, sec. 3.1, score "general").
///   e_ij = q_i . (W h_j),   a_i = softmax_j(e_ij) over j < length,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
class GeneralAttention : public Attention {
 public:
  GeneralAttention(int64_t query_size, int64_t key_size) : key_proj(key_size, query_size, /*with_bias=*/false) {
    child("key_proj", key_proj);
  }
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override { return {keys, key_proj(keys), lengths}; }

  std::optional<Energy> energy_form() const override { return Energy{}; }

  Linear key_proj;  // W [Q, E]

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State&) const override {
    const Tensor weights = masked_softmax(matmul(query, transpose(memory.projected)), memory.lengths);
    return {matmul(weights, memory.keys), weights};
  }
};

}  // namespace heed::nn
