// LSTM and attention ops, each fused over a whole sequence.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Result of lstm().
struct LSTMResult {
  Tensor output;        // [B, T, H]: the hidden state at every step; 0 after the end of a sequence
  Tensor hidden, cell;  // [B, H]: the states after the last step of each sequence
};
/// LSTM (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000), gates in the order i, f, g, o:
///   i,f,o = sigmoid(W_ih x_t + W_hh h_{t-1} + b), g = tanh(...), c_t = f c_{t-1} + i g, h_t = o tanh(c_t)
/// Supports gradients of first order only.
/// @param x [B, T, D]
/// @param lengths i64 [B], each in 0..T; undefined: all T
/// @param h0,c0 initial states [B, H]; undefined: zeros
/// @param weight_ih [4H, D]
/// @param weight_hh [4H, H]
/// @param bias [4H]
/// @param reverse processes each sequence from its last element to its first; outputs stay in the order of x
/// @return hidden states at every step, and both states at the end of each sequence
/// @throws ShapeError, DTypeError, IndexError for a length outside 0..T
LSTMResult lstm(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0,
                const Tensor& weight_ih, const Tensor& weight_hh, const Tensor& bias, bool reverse = false);

/// Energies (unnormalised scores) of additive attention (Bahdanau et al. 2015, A.1.2): e[b, t, s] = v .
/// tanh(query[b, t] + keys[b, s]).
/// The intermediate [B, T, S, A] tensor is never stored.
/// @param query [B, T, A], already projected
/// @param keys [B, S, A], already projected
/// @param v [A]
/// @return [B, T, S]
/// @throws ShapeError, DTypeError
Tensor additive_energy(const Tensor& query, const Tensor& keys, const Tensor& v);

/// Result of attention_lstm(); all values are 0 after the end of a target.
struct AttentionLSTMResult {
  Tensor hidden;   // [B, T, H]: the hidden state at every step
  Tensor context;  // [B, T, E]: the attention's weighted sum of `memory`
  Tensor weights;  // [B, T, S]: the attention weights; of several heads [B, n, T, S]
};
/// A source position that each step predicts, and a Gaussian around it (Luong et al. 2015, sec. 3.2, local-p,
/// eq. 9 and 10): p_t = n sigmoid(v . tanh(W h_t)), n the source length; the softmax's a_ts become
/// a_ts exp(-f_t (s - p_t)^2 / (2 sigma^2)).
struct PredictedPosition {
  Tensor weight = {};  // W [P, H]; undefined: nothing is predicted
  Tensor v = {};       // v [P]
  double sigma = 1;    // in source positions, above 0
  Tensor factor = {};  // f [B, T], without a gradient; undefined: 1
};
/// An LSTM decoder over a whole target sequence with additive or dot attention and input feeding (Luong et
/// al. 2015, sec. 3.3), fused:
///   h_t, c_t = LSTM([x_t; context_{t-1}], h_{t-1}, c_{t-1})
///   e_ts = v . tanh(W_q h_t + keys_s);  a_t = softmax of e_t over s < source length
///   context_t = sum_s a_ts memory_s,  context_0 = 0
/// With v undefined e_ts = (W_q h_t) . keys_s; with W_q undefined too e_ts = h_t . keys_s (A = H); with keys
/// undefined e_ts = (W_q h_t)_s (A = S; Luong et al. 2015, eq. 8, location). With n
/// heads (Vaswani et al. 2017, sec. 3.2.2) each has A / n elements of W_q h_t, keys and weights of its own,
/// and its E / n elements of the context. With a window D step t sees |s - min(t, source length - 1)| <= D
/// alone (Luong et al. 2015, sec. 3.2, local-m), or |s - p_t| <= D of the position that it predicts. Supports
/// gradients of first order only.
/// @param x [B, T, D]
/// @param target_lengths i64 [B], each in 0..T
/// @param memory [B, S, E], or of n heads [B, n, S, E / n]
/// @param keys [B, S, A], or of n heads [B, n, S, A / n], or undefined
/// @param source_lengths i64 [B]
/// @param h0,c0 initial states [B, H]
/// @param weight_ih [4H, D + E]
/// @param weight_hh [4H, H]
/// @param bias [4H]
/// @param weight_query W_q [A, H], or undefined, as it is not without keys
/// @param v [A], or undefined, as it is with several heads and without keys
/// @param window D; 0: the whole source
/// @param position the position that a step predicts, for one head
/// @return states, contexts and weights at every step
/// @throws ShapeError, DTypeError, IndexError; ValueError for a negative window or a sigma that is not above
/// 0
AttentionLSTMResult attention_lstm(const Tensor& x, const Tensor& target_lengths, const Tensor& memory,
                                   const Tensor& keys, const Tensor& source_lengths, const Tensor& h0,
                                   const Tensor& c0, const Tensor& weight_ih, const Tensor& weight_hh,
                                   const Tensor& bias, const Tensor& weight_query, const Tensor& v,
                                   int64_t window = 0, const PredictedPosition& position = {});

/// Result of scaled_dot_attention().
struct ScaledDotAttentionResult {
  Tensor context;  // [B, T, H e]
  Tensor weights;  // [B, H, T, S]; a row without keys is all 0
};
/// Fused multi-head scaled dot-product attention (Vaswani et al. 2017, eq. 1 and sec. 3.2.2, without the
/// projections):
///   weights_h = softmax(Q_h K_h^T / sqrt(d) + mask) over the first lengths[b] keys,
///               and over keys 0..S - T + t for query t when `causal`
///   context = [weights_1 V_1; ...; weights_h V_h]
/// query, key and value may be slices of one joint projection; they are read without a copy. Gradients of any
/// order: the fused backward is used for first order, a composition of public ops when the gradients are to
/// be differentiated again.
/// @param query [B, T, H d]
/// @param key [B, S, H d]
/// @param value [B, S, H e]
/// @param lengths i64 [B] (0..S) or undefined (all S)
/// @param heads H
/// @param causal whether a query sees only keys up to its own position. The T queries are taken as the last T
///   of the S positions: with T = S, query t sees keys 0..t; with T < S (a chunk after S - T earlier
///   positions), query t sees keys 0..S - T + t. T must be at most S
/// @param mask undefined, or [T, S], [B, T, S] or [B, H, T, S], where any extent may be 1 to broadcast. A
///   bool mask is true where a query sees a key (as in PyTorch's scaled_dot_product_attention); a mask of the
///   queries' dtype is added to the scaled scores and receives a gradient. A query that sees no key gets
///   zeros. Keys and values hidden by the mask must still be finite; those past a length or a causal bound
///   need not be
/// @return context and weights
/// @throws ShapeError, DTypeError, ValueError, IndexError
ScaledDotAttentionResult scaled_dot_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                              const Tensor& lengths, int64_t heads, bool causal = false,
                                              const Tensor& mask = {});
/// The context of scaled_dot_attention without its weights, in memory that grows with T + S and not with T S
/// (Rabe & Staats 2021, Self-attention Does Not Need O(n^2) Memory; Dao et al. 2022, FlashAttention,
/// algorithms 1 and 2 and appendix B): blocks of queries meet blocks of keys, whose scores stay in cache.
/// Backward keeps two numbers a query and head, the maximum and the sum of its exponentials, and computes the
/// scores again. Blocks that lie behind a causal bound or a length, or that a bool mask hides from all of
/// their queries, are not computed. The bits do not depend on the number of threads in deterministic mode.
/// Gradients of any order; those that are to be differentiated again store the weights. The gradient of a
/// mask has the mask's size.
/// @param query,key,value,lengths,heads,causal,mask as in scaled_dot_attention
/// @return [B, T, H e]
/// @throws ShapeError, DTypeError, ValueError, IndexError
Tensor flash_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& lengths,
                       int64_t heads, bool causal = false, const Tensor& mask = {});

}  // namespace heed
