// Every op, declared. Shapes: B batch, S source length, T target length, D feature, H hidden, V vocabulary. dtypes: f32 or f64
// unless said; all floating inputs of one call share one dtype (DTypeError otherwise).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

// ---- elementwise, with NumPy's broadcasting; throw ShapeError naming both shapes ---------------------------------------
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
/// x * scale + shift.
Tensor affine(const Tensor& x, double scale, double shift);
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor abs(const Tensor& x);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }
inline Tensor operator*(const Tensor& x, double s) { return affine(x, s, 0); }
inline Tensor operator*(double s, const Tensor& x) { return affine(x, s, 0); }
inline Tensor operator/(const Tensor& x, double s) { return affine(x, 1 / s, 0); }
inline Tensor operator+(const Tensor& x, double s) { return affine(x, 1, s); }
inline Tensor operator-(const Tensor& x, double s) { return affine(x, 1, -s); }
inline Tensor operator-(double s, const Tensor& x) { return affine(x, -1, s); }

// ---- reductions ------------------------------------------------------------------------------------------------------
enum class KeepDim : bool { no, yes };
/// Sum over `dims` (all when empty). Throws IndexError for a dim outside, ValueError for a dim named twice.
Tensor sum(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
Tensor mean(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// Sums the dimensions that broadcasting from `shape` to x.shape() added or stretched: the gradient of a broadcast.
Tensor sum_to(const Tensor& x, const Shape& shape);

// ---- shape: views where strides allow --------------------------------------------------------------------------------
/// One extent may be -1. A view when x is contiguous, else a copy. Throws ShapeError when the element counts differ.
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor permute(const Tensor& x, std::vector<int> order);
Tensor transpose(const Tensor& x, int dim_a = -2, int dim_b = -1);
/// Stretches extents of 1 and adds dimensions in front. Throws ShapeError.
Tensor expand(const Tensor& x, const Shape& shape);
/// x[.., start:end, ..] along dim. Throws IndexError outside 0 <= start <= end <= extent.
Tensor slice(const Tensor& x, int dim, int64_t start, int64_t end);
/// x[.., index, ..] without that dimension.
Tensor select(const Tensor& x, int dim, int64_t index);
Tensor unsqueeze(const Tensor& x, int dim);
Tensor squeeze(const Tensor& x, int dim);
Tensor concat(std::span<const Tensor> parts, int dim);
Tensor stack(std::span<const Tensor> parts, int dim);

// ---- products --------------------------------------------------------------------------------------------------------
/// [M, K] x [K, N], or [B, M, K] x [B, K, N]. Throws ShapeError: "matmul: inner dimensions differ: [3, 4] x [5, 6]".
Tensor matmul(const Tensor& a, const Tensor& b);
/// y = x W^T + b: x [*, in], W [out, in], b [out] or undefined -> [*, out].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// ---- lookup, probability ---------------------------------------------------------------------------------------------
/// Rows of table [N, D] by ids i64 [*] -> [*, D]. padding_id's row gets no gradient (-1: none). Throws IndexError.
Tensor embedding(const Tensor& table, const Tensor& ids, int64_t padding_id = -1);
Tensor softmax(const Tensor& x, int dim = -1);
Tensor log_softmax(const Tensor& x, int dim = -1);
/// softmax over the last dimension of x [B, T, S] (or [B, S]) restricted to the first lengths[b] entries; the others are 0, and
/// a row of length 0 is all 0. lengths i64 [B], 0..S. Throws ShapeError, IndexError.
Tensor masked_softmax(const Tensor& x, const Tensor& lengths);
/// (x - mean) / sqrt(var + eps) * gain + bias over the last dimension; var without Bessel's correction (Ba, Kiros & Hinton 2016, eq. 3-4).
/// x [*, D], gain and bias [D] -> [*, D]. Throws ShapeError.
Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps = 1e-5);
/// Zeroes each value with probability p and scales the others by 1 / (1 - p) (Srivastava et al. 2014). Draws once from
/// default_generator(); p in [0, 1) in steps of 2^-16; identity when not training or p = 0. Throws ValueError.
Tensor dropout(const Tensor& x, double p, bool training = true);

// ---- losses ----------------------------------------------------------------------------------------------------------
struct CrossEntropyOptions {
  double label_smoothing = 0;  // in [0, 1): mass spread evenly over all classes
  int64_t ignore_id = -100;    // rows with this target count nothing
};
/// Mean over counted rows of -log softmax(logits)[target], natural log. logits [N, V], targets i64 [N] -> scalar; 0 when no row
/// counts. Throws ShapeError, IndexError, ValueError.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, CrossEntropyOptions options = {});
/// cross_entropy(linear(x, weight, bias), targets) without stored probabilities: the logits turn into their gradient in place.
/// x [N, D], weight [V, D], bias [V] or undefined.
Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets,
                            CrossEntropyOptions options = {});

// ---- recurrent, fused over the whole sequence ------------------------------------------------------------------------
/// LSTM (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000), gates in the order i, f, g, o:
///   i,f,o = sigmoid(W_ih x_t + W_hh h_{t-1} + b), g = tanh(...), c_t = f c_{t-1} + i g, h_t = o tanh(c_t)
/// x [B, T, D], lengths i64 [B] (1..T) or undefined (all T), h0 and c0 [B, H] or undefined (zeros), weight_ih [4H, D], weight_hh
/// [4H, H], bias [4H]  ->  y [B, T, H] (zeros past a length), h_n and c_n [B, H] at each sequence's end.
/// `reverse` reads each sequence from its own last element to its first; y stays in the order of x. Gradients of first order.
struct LstmResult {
  Tensor output, hidden, cell;
};
LstmResult lstm(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0, const Tensor& weight_ih,
                const Tensor& weight_hh, const Tensor& bias, bool reverse = false);

/// Energies of additive attention (Bahdanau et al. 2015, A.1.2): e[b, t, s] = v . tanh(query[b, t] + keys[b, s]).
/// query [B, T, A], keys [B, S, A], v [A] -> [B, T, S]; the [B, T, S, A] tensor is never stored.
Tensor additive_energy(const Tensor& query, const Tensor& keys, const Tensor& v);

/// A decoder over the whole target with additive or dot attention and input feeding (Luong et al. 2015, sec. 3.3), fused:
///   h_t, c_t = LSTM([x_t; context_{t-1}], h_{t-1}, c_{t-1});  e_ts = v . tanh(W_q h_t + keys_s);  a_t = softmax over s < source length;
///   context_t = sum_s a_ts memory_s,  context_0 = 0;  with v undefined e_ts = (W_q h_t) . keys_s, with W_q undefined too h_t . keys_s (A =
///   H)
/// x [B, T, D], target_lengths i64 [B] (1..T), memory [B, S, E], keys [B, S, A], source_lengths i64 [B], h0 and c0 [B, H],
/// weight_ih [4H, D + E], weight_hh [4H, H], bias [4H], weight_query [A, H], v [A]  ->  hidden [B, T, H], context [B, T, E],
/// weights [B, T, S]; zeros past a target length. Gradients of first order.
struct AttentionLstmResult {
  Tensor hidden, context, weights;
};
AttentionLstmResult attention_lstm(const Tensor& x, const Tensor& target_lengths, const Tensor& memory, const Tensor& keys,
                                   const Tensor& source_lengths, const Tensor& h0, const Tensor& c0, const Tensor& weight_ih,
                                   const Tensor& weight_hh, const Tensor& bias, const Tensor& weight_query, const Tensor& v);

/// Scaled dot-product attention of several heads, fused (Vaswani et al. 2017, eq. 1 and sec. 3.2.2 without the projections):
///   weights_h = softmax(Q_h K_h^T / sqrt(d)) over the first lengths[b] keys, and over keys 0..t for query t when `causal`;
///   context = [weights_1 V_1; ...; weights_h V_h]
/// query [B, T, H d], key [B, S, H d], value [B, S, H e], lengths i64 [B] (0..S) or undefined (all S) -> context [B, T, H e], weights
/// [B, H, T, S]; a row without keys is all 0. Slices of a joint projection are read in place. Gradients of first order.
/// Throws ShapeError, DTypeError, ValueError, IndexError.
struct ScaledDotAttentionResult {
  Tensor context, weights;
};
ScaledDotAttentionResult scaled_dot_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& lengths,
                                              int64_t heads, bool causal = false);

// ---- without gradients -----------------------------------------------------------------------------------------------
/// Index of the largest value along the last dimension (the first of equals) -> i64.
Tensor argmax(const Tensor& x);
/// Sum of squares in double; the bits do not depend on the thread count.
double sum_of_squares(const Tensor& x);

struct AdamUpdate {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  double bias1 = 1, bias2 = 1;  // 1 - beta^t
  double grad_scale = 1;        // multiplies the gradient on the way in (clipping)
};
/// One Adam update in place (Kingma & Ba 2015, algorithm 1) in one pass: parameter, first and second moment.
void adam_(const Tensor& parameter, const Tensor& gradient, const Tensor& first, const Tensor& second, const AdamUpdate& update);

}  // namespace heed
