// Every op, declared. Shapes: B batch, S source length, T target length, D feature, H hidden, V vocabulary. dtypes: f32 or f64
// unless said; all floating inputs of one call share one dtype (DTypeError otherwise). A mask is a tensor of bool.
#pragma once

#include <array>
#include <span>
#include <string>
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
/// x in another floating dtype. Throws DTypeError.
Tensor cast(const Tensor& x, DType dtype);
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor abs(const Tensor& x);
/// -1, 0 or 1; NaN stays; its gradient is 0.
Tensor sign(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
/// Radians.
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);
/// x, times negative_slope where x <= 0 (Maas, Hannun & Ng 2013).
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where x > 0, else alpha (e^x - 1) (Clevert, Unterthiner & Hochreiter 2016).
Tensor elu(const Tensor& x, double alpha = 1);
/// x sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2018).
Tensor silu(const Tensor& x);
/// log(1 + e^x), which does not overflow.
Tensor softplus(const Tensor& x);
/// x Phi(x), Phi the normal distribution, or its approximation by tanh (Hendrycks & Gimpel 2016, sec. 2).
enum class GeluForm : bool { exact, tanh };
Tensor gelu(const Tensor& x, GeluForm form = GeluForm::exact);
/// The nearest value in [low, high]; NaN stays. The gradient is 0 outside and 1 at the ends. Throws ValueError unless low <= high.
Tensor clamp(const Tensor& x, double low, double high);
Tensor pow(const Tensor& x, double exponent);
/// The larger and the smaller of two, NaN when one of them is; equal values share the gradient by halves.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// a^b.
Tensor pow(const Tensor& a, const Tensor& b);

/// Masks (bool) of where a = b, a != b, a < b, a <= b, a > b, a >= b; a NaN is equal to nothing. Any dtype, both the same; throw
/// DTypeError.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
/// On masks; throw DTypeError for anything else.
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
/// a where the mask `condition` holds, b elsewhere; a and b of one dtype. Throws DTypeError, ShapeError.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x with `value` where the mask `filled`, which stretches to x, holds. Throws DTypeError, ShapeError.
Tensor masked_fill(const Tensor& x, const Tensor& filled, double value);

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
/// Largest, smallest, over `dims` (all when empty); equal ones share the gradient, NaN wins. Throw as sum, and ShapeError for no elements.
Tensor amax(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
Tensor amin(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// Whether any, whether every element of a mask over `dims` holds; of none: no, yes. Throw as sum, and DTypeError.
Tensor any(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
Tensor all(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// Product over `dims`. Gradients of gradients throw GradError where an element is 0.
Tensor prod(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// Sum of (x - mean)^2 over n - correction (1: Bessel's), and its root.
Tensor var(const Tensor& x, std::vector<int> dims = {}, double correction = 1, KeepDim keep = KeepDim::no);
Tensor stddev(const Tensor& x, std::vector<int> dims = {}, double correction = 1, KeepDim keep = KeepDim::no);
/// sqrt(sum x^2); the gradient at 0 is 0.
Tensor norm(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// log sum e^x, without overflow.
Tensor logsumexp(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// y_i = x_0 + ... + x_i along dim.
Tensor cumsum(const Tensor& x, int dim);
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

/// The order along dims turned round. Throws IndexError, ValueError for a dim named twice.
Tensor flip(const Tensor& x, std::vector<int> dims);
/// Elements put before and after a dimension.
struct Padding {
  int64_t before = 0, after = 0;
};
/// x inside a larger tensor of `value`, one width for each dimension. Throws ShapeError, ValueError for a negative width.
Tensor pad(const Tensor& x, std::vector<Padding> widths, double value = 0);
/// The lower, the upper triangle of matrices [*, M, N], 0 elsewhere; diagonal 0 is the main one, 1 the one above. Throw ShapeError.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// Parts of these sizes along dim, which they make up. Throws ValueError.
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int dim);
/// Parts of ceil(extent / chunks), the last one shorter; fewer than `chunks` when that is enough. Throws ValueError.
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int dim);

// ---- elements chosen by whole numbers; an index is i64 (DTypeError), inside its dimension (IndexError) -------------------
/// y[i][j].. = x[index[i][j]..][j].. along dim 0, and so on; index has x's dimensions and is no longer than x beside dim (ShapeError).
Tensor gather(const Tensor& x, int dim, const Tensor& index);
/// x with source[i][j].. added to x[index[i][j]..][j].., in order; index as in gather, source of its shape.
Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
/// The slices of x at ids [N] along dim, in their order.
Tensor index_select(const Tensor& x, int dim, const Tensor& ids);
/// ids [*] -> [*, classes], 1 at the id and 0 elsewhere.
Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype = DType::f32);
/// Values and where they stood, i64, along a dimension. Equal ones stay in order, NaN counts as the largest.
struct Sorted {
  Tensor values, indices;
};
Sorted sort(const Tensor& x, int dim = -1, bool descending = false);
/// The k largest (or smallest), the first first. Throws IndexError for k outside 0..extent.
Sorted topk(const Tensor& x, int64_t k, int dim = -1, bool largest = true);
/// Where the largest, the smallest stands along dim (the first of equals; a NaN before all) -> i64 without dim. Throw ShapeError for
/// no elements.
Tensor argmax(const Tensor& x, int dim = -1);
Tensor argmin(const Tensor& x, int dim = -1);

// ---- products --------------------------------------------------------------------------------------------------------
/// [*, M, K] x [*, K, N] -> [*, M, N], what stands before the matrices broadcast; a vector [K] is a row at the left and a column at the
/// right, and that dimension goes again. Throws ShapeError: "matmul: inner dimensions differ: [3, 4] x [5, 6]".
Tensor matmul(const Tensor& a, const Tensor& b);
/// [B, M, K] x [B, K, N]. Throws ShapeError.
Tensor bmm(const Tensor& a, const Tensor& b);
/// [M] x [N] -> [M, N]. Throws ShapeError.
Tensor outer(const Tensor& a, const Tensor& b);
/// A product of two tensors with its dimensions named by letters, "bij,bjk->bik": a letter that the result lacks is summed. A letter
/// stands once in each operand. Throws ValueError.
Tensor einsum(const std::string& equation, const Tensor& x, const Tensor& y);
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
/// x / sqrt(mean x^2 + eps) * gain over the last dimension (Zhang & Sennrich 2019, eq. 4). x [*, D], gain [D]. Throws ShapeError.
Tensor rms_norm(const Tensor& x, const Tensor& gain, double eps = 1e-5);
/// Zeroes each value with probability p and scales the others by 1 / (1 - p) (Srivastava et al. 2014). Draws once from
/// default_generator(); p in [0, 1) in steps of 2^-16; identity when not training or p = 0. Throws ValueError.
Tensor dropout(const Tensor& x, double p, bool training = true);

// ---- losses ----------------------------------------------------------------------------------------------------------
struct CrossEntropyOptions {
  double label_smoothing = 0;  // in [0, 1): mass spread evenly over all classes
  int64_t ignore_id = -100;    // rows with this target count nothing
  Tensor class_weights{};      // [V]: a class's loss is multiplied by it, and the mean divided by the targets' weights; undefined: all 1
};
/// Mean over counted rows of -log softmax(logits)[target], natural log. logits [N, V], targets i64 [N] -> scalar; 0 when no row
/// counts. Throws ShapeError, IndexError, ValueError, DTypeError.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, CrossEntropyOptions options = {});
/// cross_entropy(linear(x, weight, bias), targets) without stored probabilities: the logits turn into their gradient in place.
/// x [N, D], weight [V, D], bias [V] or undefined.
Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets,
                            CrossEntropyOptions options = {});

enum class Reduction : uint8_t { mean, sum, none };
/// -log_probabilities[i, targets[i]], weighted by class_weights [V] (undefined: 1) and averaged by these weights over the rows whose
/// target is not ignore_id; 0 when there are none. log_probabilities [N, V], targets i64 [N]. Throws ShapeError, IndexError.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& class_weights = {}, int64_t ignore_id = -100);
/// (x - target)^2; |x - target|; of equal shapes (ShapeError).
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
/// d^2 / (2 beta) where d = |x - target| < beta, else d - beta / 2 (Girshick 2015, eq. 3). Throws ShapeError, ValueError for beta <= 0.
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta = 1, Reduction reduction = Reduction::mean);
/// -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), without overflow. Throws ShapeError.
Tensor bce_with_logits(const Tensor& logits, const Tensor& target, Reduction reduction = Reduction::mean);
/// t (log t - log p), elements where t = 0 being 0; its sum over a row is the divergence of p from t. Throws ShapeError.
Tensor kl_div(const Tensor& log_probabilities, const Tensor& target, Reduction reduction = Reduction::mean);

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
