// LSTM and attention, fused over the whole sequence.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// What an LSTM gives.
struct LSTMResult {
  Tensor output;        // [B, T, H]; zeros past a length
  Tensor hidden, cell;  // [B, H] at each sequence's end
};
/// LSTM (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000), gates in the order i, f, g, o:
///   i,f,o = sigmoid(W_ih x_t + W_hh h_{t-1} + b), g = tanh(...), c_t = f c_{t-1} + i g, h_t = o tanh(c_t)
/// Gradients of first order.
/// @param x [B, T, D]
/// @param lengths i64 [B] (0..T) or undefined (all T)
/// @param h0,c0 [B, H] or undefined (zeros)
/// @param weight_ih [4H, D]
/// @param weight_hh [4H, H]
/// @param bias [4H]
/// @param reverse reads each sequence from its own last element to its first; the output stays in the order of x
/// @return states at every step and at each sequence's end
/// @throws ShapeError, DTypeError, IndexError for a length outside
LSTMResult lstm(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0, const Tensor& weight_ih,
                const Tensor& weight_hh, const Tensor& bias, bool reverse = false);

/// Energies of additive attention (Bahdanau et al. 2015, A.1.2): e[b, t, s] = v . tanh(query[b, t] + keys[b, s]).
/// The [B, T, S, A] tensor is never stored.
/// @param query [B, T, A], projected
/// @param keys [B, S, A], projected
/// @param v [A]
/// @return [B, T, S]
/// @throws ShapeError, DTypeError
Tensor additive_energy(const Tensor& query, const Tensor& keys, const Tensor& v);

/// What a decoder with attention gives; zeros past a target length.
struct AttentionLSTMResult {
  Tensor hidden;   // [B, T, H]
  Tensor context;  // [B, T, E]
  Tensor weights;  // [B, T, S]
};
/// A decoder over the whole target with additive or dot attention and input feeding (Luong et al. 2015, sec. 3.3), fused:
///   h_t, c_t = LSTM([x_t; context_{t-1}], h_{t-1}, c_{t-1});  e_ts = v . tanh(W_q h_t + keys_s);  a_t = softmax over s < source length;
///   context_t = sum_s a_ts memory_s,  context_0 = 0;  with v undefined e_ts = (W_q h_t) . keys_s, with W_q undefined too h_t . keys_s (A =
///   H)
/// Gradients of first order.
/// @param x [B, T, D]
/// @param target_lengths i64 [B] (0..T)
/// @param memory [B, S, E]
/// @param keys [B, S, A]
/// @param source_lengths i64 [B]
/// @param h0,c0 [B, H]
/// @param weight_ih [4H, D + E]
/// @param weight_hh [4H, H]
/// @param bias [4H]
/// @param weight_query W_q [A, H], or undefined
/// @param v [A], or undefined
/// @return states, contexts and weights at every step
/// @throws ShapeError, DTypeError, IndexError
AttentionLSTMResult attention_lstm(const Tensor& x, const Tensor& target_lengths, const Tensor& memory, const Tensor& keys,
                                   const Tensor& source_lengths, const Tensor& h0, const Tensor& c0, const Tensor& weight_ih,
                                   const Tensor& weight_hh, const Tensor& bias, const Tensor& weight_query, const Tensor& v);

/// What attention of several heads gives.
struct ScaledDotAttentionResult {
  Tensor context;  // [B, T, H e]
  Tensor weights;  // [B, H, T, S]; a row without keys is all 0
};
/// Scaled dot-product attention of several heads, fused (Vaswani et al. 2017, eq. 1 and sec. 3.2.2 without the projections):
///   weights_h = softmax(Q_h K_h^T / sqrt(d) + mask) over the first lengths[b] keys, and over keys 0..S - T + t for query t when `causal`;
///   context = [weights_1 V_1; ...; weights_h V_h]
/// Slices of a joint projection are read in place. Gradients of any order: fused, or composed where they are to be differentiated again.
/// @param query [B, T, H d]
/// @param key [B, S, H d]
/// @param value [B, S, H e]
/// @param lengths i64 [B] (0..S) or undefined (all S)
/// @param heads H
/// @param causal the queries stand at the end of the keys (where T = S, query t sees keys 0..t; in chunks, with the keys before it, as in
/// the whole); at most S of them
/// @param mask undefined, or [T, S], [B, T, S] or [B, H, T, S], any extent 1 for all alike: bool, true where a query sees a key (as in
/// PyTorch's scaled_dot_product_attention), or of the queries' dtype and added to the scaled scores, with a gradient. A query that sees no
/// key gets zeros. What it hides must be finite all the same; what lies past a length or a causal bound need not be.
/// @return context and weights
/// @throws ShapeError, DTypeError, ValueError, IndexError
ScaledDotAttentionResult scaled_dot_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& lengths,
                                              int64_t heads, bool causal = false, const Tensor& mask = {});

}  // namespace heed
