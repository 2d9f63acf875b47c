// Multi-head attention.
#pragma once

#include "nn/attention/attention.h"
#include "nn/layers.h"

namespace heed::nn {

/// Multi-head attention (Vaswani et al. 2017, sec. 3.2.2): scaled dot-product attention in n heads of size
/// d = A / n.
///   head_k = softmax over j < length of (W_q q_i)_k . (W_k h_j)_k / sqrt(d), times (W_v h_j)_k
///   c_i = W_o [head_1; ...; head_n]
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S] (the mean of
/// the heads), head_weights [B, n, T, S]. (x)_k are the elements k d to (k + 1) d - 1 of x. No biases, as in
/// the paper. Computed by the op scaled_dot_attention, like the attention of nn/transformer.h; Memory::mask
/// can hide keys.
class MultiHeadAttention : public Attention {
 public:
  /// @param query_size,key_size,attention_size Q, E, A
  /// @param heads n
  /// @throws ValueError when n does not divide A
  MultiHeadAttention(int64_t query_size, int64_t key_size, int64_t attention_size, int64_t heads,
                     const Scope& scope = {});
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override;
  std::optional<Energy> energy_form() const override;
  /// @return n
  int64_t heads() const { return heads_; }

  Linear query_proj, key_proj, value_proj, out_proj;  // W_q [A, Q], W_k [A, E], W_v [A, E], W_o [E, A]

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override;

 private:
  int64_t heads_;
};

}  // namespace heed::nn
