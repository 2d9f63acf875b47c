// Local attention: a window of the source around one position, monotonic or predicted.
#pragma once

#include "nn/attention/general.h"

namespace heed::nn {

/// Local attention with a predicted position, local-p (Luong, Pham & Manning 2015, sec. 3.2, eq. 9 and 10),
/// with the energies of general attention; W as in GeneralAttention.
///   p_i = n sigmoid(v . tanh(W_p q_i)), n the source length,   e_ij = q_i . (W h_j)
///   a_ij = softmax over j < n with |j - p_i| <= D of e_ij, times exp(-(j - p_i)^2 / (2 sigma^2)),
///   sigma = D / 2,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// Positions j count from 0. A row of weights sums to at most 1, as in the paper, because the Gaussian is
/// applied after the softmax. The gradient reaches p_i through the Gaussian; the limits of the window have no
/// gradient.
/// Training differs from the paper in two points, because with the paper's window and Gaussian a word far
/// from p_i gives p_i almost no gradient. (1) In training the window is not applied (all j < n). With the
/// window, the predicted positions on the built-in corpus stayed fixed in long sentences and were 31 words
/// behind at the end. (2) In training each query omits the Gaussian with probability 1/2, drawn from
/// default_generator(). Its weights are then those of general attention, so that the scores learn where to
/// look; the other queries pull p_i there. With the Gaussian on every query, all predicted positions of a
/// translator of long sentences moved to the end of the sentence and stayed there.
class LocalPredictiveAttention : public Attention {
 public:
  /// @param query_size,key_size,attention_size Q, E, A
  /// @param window D
  /// @throws ValueError when the window is below 1
  LocalPredictiveAttention(int64_t query_size, int64_t key_size, int64_t attention_size, int64_t window,
                           const Scope& scope = {});
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override {
    return {keys, bilinear_keys(scaled_key_proj, keys), lengths};
  }
  std::optional<Energy> energy_form() const override;

  Linear scaled_key_proj;  // V [Q, E]
  Linear position_proj;    // W_p [A, Q]
  Tensor position;         // v [A]

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override;

 private:
  double sigma() const { return static_cast<double>(window_) / 2; }
  int64_t window_;
};

/// Local attention with a monotonic position, local-m (Luong, Pham & Manning 2015, sec. 3.2), with the
/// energies of general attention; W as in GeneralAttention.
///   p_i = min(i, n - 1), n the source length
///   a_ij = softmax over j < n with |j - p_i| <= D of q_i . (W h_j),   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// i is the position of the target word: state.step for the first query of a call. The paper does not say
/// what happens when a target is longer than its source; here the window then stays at the end of the source.
class LocalMonotonicAttention : public Attention {
 public:
  /// @param query_size,key_size Q, E
  /// @param window D
  /// @throws ValueError when the window is below 1
  LocalMonotonicAttention(int64_t query_size, int64_t key_size, int64_t window, const Scope& scope = {});
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override {
    return {keys, bilinear_keys(scaled_key_proj, keys), lengths};
  }
  bool needs_state() const override { return true; }
  std::optional<Energy> energy_form() const override { return Energy{{}, {}, 1, {}, window_}; }

  Linear scaled_key_proj;  // V [Q, E]

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override;

 private:
  int64_t window_;
};

}  // namespace heed::nn
