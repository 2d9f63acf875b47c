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
/// @{
/// a + b, a - b, a b, a / b.
/// @param a,b floating; broadcast
/// @return of the common shape
/// @throws ShapeError, DTypeError
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
/// @}
/// x * scale + shift.
/// @param x floating
/// @param scale,shift numbers
/// @return of x's shape
Tensor affine(const Tensor& x, double scale, double shift);
/// x in another floating dtype; differentiable.
/// @param x f32 or f64
/// @param dtype f32 or f64
/// @return of x's shape
/// @throws DTypeError for others
Tensor cast(const Tensor& x, DType dtype);
/// @{
/// -x, e^x, ln x, tanh x, 1 / (1 + e^-x), max(x, 0), the root, x^2, |x|; relu and abs have the gradient 0 at 0.
/// @param x floating
/// @return of x's shape; NaN outside of a function's domain
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor abs(const Tensor& x);
/// @}
/// -1, 0 or 1; NaN stays; its gradient is 0.
/// @param x floating
/// @return of x's shape
Tensor sign(const Tensor& x);
/// @{
/// e^x - 1 and ln(1 + x), exact near 0; 1 / sqrt(x), 1 / x.
/// @param x floating
/// @return of x's shape
Tensor expm1(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
/// @}
/// @{
/// Sine and cosine of radians; the error function.
/// @param x floating
/// @return of x's shape
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);
/// @}
/// x, times negative_slope where x <= 0 (Maas, Hannun & Ng 2013).
/// @param x floating
/// @param negative_slope a number
/// @return of x's shape
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where x > 0, else alpha (e^x - 1) (Clevert, Unterthiner & Hochreiter 2016).
/// @param x floating
/// @param alpha a number
/// @return of x's shape
Tensor elu(const Tensor& x, double alpha = 1);
/// x sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2018).
/// @param x floating
/// @return of x's shape
Tensor silu(const Tensor& x);
/// log(1 + e^x), which does not overflow.
/// @param x floating
/// @return of x's shape
Tensor softplus(const Tensor& x);
/// Which of gelu's forms.
enum class GeluForm : bool {
  exact,  // by erf
  tanh    // an approximation
};
/// x Phi(x), Phi the normal distribution, or its approximation by tanh (Hendrycks & Gimpel 2016, sec. 2).
/// @param x floating
/// @param form exact or approximate
/// @return of x's shape
Tensor gelu(const Tensor& x, GeluForm form = GeluForm::exact);
/// The nearest value in [low, high]; NaN stays. The gradient is 0 outside and 1 at the ends.
/// @param x floating
/// @param low,high the range
/// @return of x's shape
/// @throws ValueError unless low <= high
Tensor clamp(const Tensor& x, double low, double high);
/// x^exponent.
/// @param x floating
/// @param exponent a number
/// @return of x's shape; NaN for a negative x and a broken exponent
Tensor pow(const Tensor& x, double exponent);
/// @{
/// The larger and the smaller of two, NaN when one of them is; equal values share the gradient by halves.
/// @param a,b floating; broadcast
/// @return of the common shape
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// @}
/// a^b.
/// @param a,b floating; broadcast
/// @return of the common shape
Tensor pow(const Tensor& a, const Tensor& b);

/// @{
/// Where a = b, a != b, a < b, a <= b, a > b, a >= b; a NaN is equal to nothing.
/// @param a,b any dtype, both the same; broadcast
/// @return a mask of the common shape
/// @throws ShapeError, DTypeError
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
/// @}
/// @{
/// Both, either, exactly one of two masks.
/// @param a,b masks; broadcast
/// @return a mask of the common shape
/// @throws ShapeError, DTypeError for anything but masks
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
/// @}
/// The opposite of a mask.
/// @param x a mask
/// @return a mask of its shape
/// @throws DTypeError for anything but a mask
Tensor logical_not(const Tensor& x);
/// a where a mask holds, b elsewhere.
/// @param condition a mask; broadcast as the others
/// @param a,b of one dtype
/// @return of the common shape
/// @throws DTypeError, ShapeError
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x with `value` where a mask holds.
/// @param x any dtype
/// @param filled a mask, which stretches to x
/// @param value a number, -inf for energies that softmax is to leave out
/// @return of x's shape
/// @throws DTypeError, ShapeError
Tensor masked_fill(const Tensor& x, const Tensor& filled, double value);

/// @{
/// add, sub, mul, div.
/// @param a,b floating; broadcast
/// @return of the common shape
/// @throws ShapeError, DTypeError
inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
/// @}
/// @param x floating
/// @return neg(x)
inline Tensor operator-(const Tensor& x) { return neg(x); }
/// @{
/// affine, with a number on either side.
/// @param x floating
/// @param s a number
/// @return of x's shape
inline Tensor operator*(const Tensor& x, double s) { return affine(x, s, 0); }
inline Tensor operator*(double s, const Tensor& x) { return affine(x, s, 0); }
inline Tensor operator/(const Tensor& x, double s) { return affine(x, 1 / s, 0); }
inline Tensor operator+(const Tensor& x, double s) { return affine(x, 1, s); }
inline Tensor operator-(const Tensor& x, double s) { return affine(x, 1, -s); }
inline Tensor operator-(double s, const Tensor& x) { return affine(x, -1, s); }
/// @}

// ---- reductions ------------------------------------------------------------------------------------------------------
/// Whether dimensions that were reduced stay, as 1.
enum class KeepDim : bool { no, yes };
/// @{
/// Sum, mean.
/// @param x floating
/// @param dims over which; empty: all
/// @param keep whether they stay, as 1
/// @return a scalar when all dimensions go
/// @throws IndexError for a dim outside, ValueError for a dim named twice
Tensor sum(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
Tensor mean(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// @}
/// @{
/// Largest, smallest; equal ones share the gradient, NaN wins.
/// @param x floating
/// @param dims over which; empty: all
/// @param keep whether they stay, as 1
/// @return a scalar when all dimensions go
/// @throws as sum, and ShapeError for no elements
Tensor amax(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
Tensor amin(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// @}
/// @{
/// Whether any, whether every element of a mask holds; of none: no, yes.
/// @param x a mask
/// @param dims over which; empty: all
/// @param keep whether they stay, as 1
/// @return a mask
/// @throws as sum, and DTypeError for anything but a mask
Tensor any(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
Tensor all(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// @}
/// Product. Gradients of gradients throw GradError where an element is 0.
/// @param x floating
/// @param dims over which; empty: all
/// @param keep whether they stay, as 1
/// @return a scalar when all dimensions go
/// @throws as sum
Tensor prod(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// @{
/// Sum of (x - mean)^2 over n - correction, and its root.
/// @param x floating
/// @param dims over which; empty: all
/// @param correction 1: Bessel's, 0: none
/// @param keep whether they stay, as 1
/// @return a scalar when all dimensions go
/// @throws as sum
Tensor var(const Tensor& x, std::vector<int> dims = {}, double correction = 1, KeepDim keep = KeepDim::no);
Tensor stddev(const Tensor& x, std::vector<int> dims = {}, double correction = 1, KeepDim keep = KeepDim::no);
/// @}
/// sqrt(sum x^2); the gradient at 0 is 0.
/// @param x floating
/// @param dims over which; empty: all
/// @param keep whether they stay, as 1
/// @return a scalar when all dimensions go
/// @throws as sum
Tensor norm(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// log sum e^x, without overflow.
/// @param x floating
/// @param dims over which; empty: all
/// @param keep whether they stay, as 1
/// @return a scalar when all dimensions go
/// @throws as sum
Tensor logsumexp(const Tensor& x, std::vector<int> dims = {}, KeepDim keep = KeepDim::no);
/// y_i = x_0 + ... + x_i.
/// @param x floating
/// @param dim along which; negative ones count from the end, as everywhere
/// @return of x's shape
/// @throws IndexError
Tensor cumsum(const Tensor& x, int dim);
/// Sums the dimensions that broadcasting from `shape` to x.shape() added or stretched: the gradient of a broadcast.
/// @param x floating
/// @param shape of the result
/// @return of that shape
Tensor sum_to(const Tensor& x, const Shape& shape);

// ---- shape: views where strides allow --------------------------------------------------------------------------------
/// The same elements, row-major, in another shape.
/// @param x any dtype
/// @param shape one extent may be -1: what is left
/// @return a view when x is contiguous, else a copy
/// @throws ShapeError when the element counts differ
Tensor reshape(const Tensor& x, const Shape& shape);
/// Dimensions in another order.
/// @param x any dtype
/// @param order [i]: which dimension of x becomes dimension i
/// @return a view
/// @throws ShapeError, IndexError, ValueError for an order that is none
Tensor permute(const Tensor& x, std::vector<int> order);
/// Two dimensions exchanged.
/// @param x any dtype
/// @param dim_a,dim_b which
/// @return a view
/// @throws IndexError
Tensor transpose(const Tensor& x, int dim_a = -2, int dim_b = -1);
/// Stretches extents of 1 and adds dimensions in front.
/// @param x any dtype
/// @param shape of the result
/// @return a view
/// @throws ShapeError
Tensor expand(const Tensor& x, const Shape& shape);
/// x[.., start:end, ..].
/// @param x any dtype
/// @param dim along which
/// @param start,end 0 <= start <= end <= extent
/// @return a view
/// @throws IndexError
Tensor slice(const Tensor& x, int dim, int64_t start, int64_t end);
/// x[.., index, ..].
/// @param x any dtype
/// @param dim along which
/// @param index 0 .. extent - 1
/// @return a view without that dimension
/// @throws IndexError
Tensor select(const Tensor& x, int dim, int64_t index);
/// A dimension of extent 1 more.
/// @param x any dtype
/// @param dim where it stands in the result
/// @return a view
/// @throws IndexError
Tensor unsqueeze(const Tensor& x, int dim);
/// A dimension of extent 1 less.
/// @param x any dtype
/// @param dim which
/// @return a view
/// @throws IndexError, ShapeError for another extent
Tensor squeeze(const Tensor& x, int dim);
/// One behind the other.
/// @param parts at least one; equal but along dim
/// @param dim along which
/// @return a copy
/// @throws ShapeError, DTypeError, IndexError
Tensor concat(std::span<const Tensor> parts, int dim);
/// Side by side in a new dimension.
/// @param parts at least one, of one shape
/// @param dim where the new dimension stands in the result
/// @return a copy
/// @throws ShapeError, DTypeError, IndexError
Tensor stack(std::span<const Tensor> parts, int dim);

/// The order turned round.
/// @param x any dtype
/// @param dims along which
/// @return a copy
/// @throws IndexError, ValueError for a dim named twice
Tensor flip(const Tensor& x, std::vector<int> dims);
/// Elements put before and after a dimension.
struct Padding {
  int64_t before = 0, after = 0;  // at least 0
};
/// x inside a larger tensor.
/// @param x any dtype
/// @param widths one for each dimension
/// @param value of what is added
/// @return x's extents plus the widths
/// @throws ShapeError, ValueError for a negative width
Tensor pad(const Tensor& x, std::vector<Padding> widths, double value = 0);
/// @{
/// The lower, the upper triangle of matrices, 0 elsewhere.
/// @param x [*, M, N]
/// @param diagonal the last one that stays: 0 is the main one, 1 the one above
/// @return of x's shape
/// @throws ShapeError
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// @}
/// Parts of given sizes.
/// @param x any dtype
/// @param sizes make up the extent
/// @param dim along which
/// @return views
/// @throws ValueError, IndexError
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int dim);
/// Parts of ceil(extent / chunks), the last one shorter; fewer than `chunks` when that is enough.
/// @param x any dtype
/// @param chunks at least 1
/// @param dim along which
/// @return views
/// @throws ValueError, IndexError
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int dim);

// ---- elements chosen by whole numbers; an index is i64 (DTypeError), inside its dimension (IndexError) -------------------
/// y[i][j].. = x[index[i][j]..][j].. along dim 0, and so on.
/// @param x any dtype
/// @param dim along which
/// @param index i64 with x's dimensions, no longer than x beside dim
/// @return of the index's shape
/// @throws ShapeError, DTypeError, IndexError
Tensor gather(const Tensor& x, int dim, const Tensor& index);
/// x with source[i][j].. added to x[index[i][j]..][j].., in order.
/// @param x floating
/// @param dim along which
/// @param index as in gather
/// @param source of the index's shape
/// @return of x's shape
/// @throws ShapeError, DTypeError, IndexError
Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
/// Slices of x.
/// @param x any dtype
/// @param dim along which
/// @param ids i64 [N], in 0 .. extent - 1
/// @return N slices, in their order
/// @throws ShapeError, DTypeError, IndexError
Tensor index_select(const Tensor& x, int dim, const Tensor& ids);
/// 1 at the id and 0 elsewhere.
/// @param ids i64 [*], in 0 .. classes - 1
/// @param classes at least 1
/// @param dtype of the result
/// @return [*, classes]
/// @throws DTypeError, IndexError
Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype = DType::f32);
/// Values and where they stood, i64, along a dimension. Equal ones stay in order, NaN counts as the largest.
struct Sorted {
  Tensor values;   // of x's dtype
  Tensor indices;  // i64
};
/// Sorts along a dimension.
/// @param x any dtype
/// @param dim along which
/// @param descending the largest first
/// @return of x's shape both
/// @throws IndexError
Sorted sort(const Tensor& x, int dim = -1, bool descending = false);
/// The k largest (or smallest), the first first.
/// @param x any dtype
/// @param k 0 .. extent
/// @param dim along which
/// @param largest or the smallest
/// @return k along dim
/// @throws IndexError for another k or dim
Sorted topk(const Tensor& x, int64_t k, int dim = -1, bool largest = true);
/// @{
/// Where the largest, the smallest stands: the first of equals; a NaN before all.
/// @param x floating
/// @param dim along which
/// @return i64, without dim
/// @throws IndexError, ShapeError for no elements
Tensor argmax(const Tensor& x, int dim = -1);
Tensor argmin(const Tensor& x, int dim = -1);
/// @}

// ---- products --------------------------------------------------------------------------------------------------------
/// Products of matrices; what stands before the matrices broadcasts.
/// @param a [*, M, K]; a vector [K] is a row
/// @param b [*, K, N]; a vector [K] is a column
/// @return [*, M, N], without the dimension that a vector was given
/// @throws ShapeError "matmul: inner dimensions differ: [3, 4] x [5, 6]", DTypeError
Tensor matmul(const Tensor& a, const Tensor& b);
/// Products of batches of matrices.
/// @param a [B, M, K]
/// @param b [B, K, N]
/// @return [B, M, N]
/// @throws ShapeError, DTypeError
Tensor bmm(const Tensor& a, const Tensor& b);
/// y_ij = a_i b_j.
/// @param a [M]
/// @param b [N]
/// @return [M, N]
/// @throws ShapeError, DTypeError
Tensor outer(const Tensor& a, const Tensor& b);
/// A product of two tensors with its dimensions named by letters: a letter that the result lacks is summed.
/// @param equation such as "bij,bjk->bik"; a letter stands once in each operand
/// @param x,y floating, the operands
/// @return with the dimensions behind the arrow
/// @throws ValueError
Tensor einsum(const std::string& equation, const Tensor& x, const Tensor& y);
/// y = x W^T + b.
/// @param x [*, in]
/// @param weight W [out, in]
/// @param bias b [out] or undefined
/// @return [*, out]
/// @throws ShapeError, DTypeError
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// ---- lookup, probability ---------------------------------------------------------------------------------------------
/// Rows of a table.
/// @param table [N, D]
/// @param ids i64 [*], in 0 .. N - 1
/// @param padding_id its row gets no gradient; -1: none
/// @return [*, D]
/// @throws IndexError, DTypeError
Tensor embedding(const Tensor& table, const Tensor& ids, int64_t padding_id = -1);
/// @{
/// e^x_i / sum_j e^x_j, and its logarithm, without overflow.
/// @param x floating
/// @param dim along which
/// @return of x's shape
/// @throws IndexError
Tensor softmax(const Tensor& x, int dim = -1);
Tensor log_softmax(const Tensor& x, int dim = -1);
/// @}
/// softmax over the last dimension restricted to the first lengths[b] entries; the others are 0, and a row of length 0 is all 0.
/// @param x [B, T, S] or [B, S]
/// @param lengths i64 [B], 0..S
/// @return of x's shape
/// @throws ShapeError, IndexError
Tensor masked_softmax(const Tensor& x, const Tensor& lengths);
/// (x - mean) / sqrt(var + eps) * gain + bias over the last dimension; var without Bessel's correction (Ba, Kiros & Hinton 2016, eq. 3-4).
/// @param x [*, D]
/// @param gain,bias [D]
/// @param eps keeps the root away from 0
/// @return [*, D]
/// @throws ShapeError
Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps = 1e-5);
/// x / sqrt(mean x^2 + eps) * gain over the last dimension (Zhang & Sennrich 2019, eq. 4).
/// @param x [*, D]
/// @param gain [D]
/// @param eps keeps the root away from 0
/// @return [*, D]
/// @throws ShapeError
Tensor rms_norm(const Tensor& x, const Tensor& gain, double eps = 1e-5);
/// Zeroes each value with probability p and scales the others by 1 / (1 - p) (Srivastava et al. 2014). Draws once from
/// default_generator().
/// @param x floating
/// @param p in [0, 1), in steps of 2^-16
/// @param training false: x as it is, as for p = 0
/// @return of x's shape
/// @throws ValueError for another p
Tensor dropout(const Tensor& x, double p, bool training = true);

// ---- losses ----------------------------------------------------------------------------------------------------------
/// What cross_entropy counts.
struct CrossEntropyOptions {
  double label_smoothing = 0;  // in [0, 1): mass spread evenly over all classes
  int64_t ignore_id = -100;    // rows with this target count nothing
  Tensor class_weights{};      // [V]: a class's loss is multiplied by it, and the mean divided by the targets' weights; undefined: all 1
};
/// Mean over counted rows of -log softmax(logits)[target], natural log.
/// @param logits [N, V]
/// @param targets i64 [N], in 0 .. V - 1 or ignore_id
/// @param options smoothing, ignored rows, weights
/// @return scalar; 0 when no row counts
/// @throws ShapeError, IndexError, ValueError, DTypeError
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, CrossEntropyOptions options = {});
/// cross_entropy(linear(x, weight, bias), targets) without stored probabilities: the logits turn into their gradient in place.
/// @param x [N, D]
/// @param weight [V, D]
/// @param bias [V] or undefined
/// @param targets i64 [N]
/// @param options as for cross_entropy
/// @return scalar
/// @throws as cross_entropy
Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets,
                            CrossEntropyOptions options = {});

/// What becomes of the elements' losses: their mean, their sum, or nothing.
enum class Reduction : uint8_t { mean, sum, none };
/// -log_probabilities[i, targets[i]], weighted by class and averaged by these weights over the rows that count.
/// @param log_probabilities [N, V]
/// @param targets i64 [N]
/// @param class_weights [V]; undefined: 1
/// @param ignore_id rows with this target count nothing
/// @return scalar; 0 when no row counts
/// @throws ShapeError, IndexError
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& class_weights = {}, int64_t ignore_id = -100);
/// @{
/// (x - target)^2; |x - target|.
/// @param x,target of one shape
/// @param reduction mean, sum or none
/// @return scalar, or x's shape
/// @throws ShapeError
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
/// @}
/// d^2 / (2 beta) where d = |x - target| < beta, else d - beta / 2 (Girshick 2015, eq. 3).
/// @param x,target of one shape
/// @param beta above 0
/// @param reduction mean, sum or none
/// @return scalar, or x's shape
/// @throws ShapeError, ValueError for beta <= 0
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta = 1, Reduction reduction = Reduction::mean);
/// -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), without overflow.
/// @param logits x
/// @param target t in [0, 1], of x's shape
/// @param reduction mean, sum or none
/// @return scalar, or x's shape
/// @throws ShapeError
Tensor bce_with_logits(const Tensor& logits, const Tensor& target, Reduction reduction = Reduction::mean);
/// t (log t - log p), elements where t = 0 being 0; its sum over a row is the divergence of p from t.
/// @param log_probabilities log p
/// @param target t, of p's shape
/// @param reduction mean, sum or none
/// @return scalar, or p's shape
/// @throws ShapeError
Tensor kl_div(const Tensor& log_probabilities, const Tensor& target, Reduction reduction = Reduction::mean);

// ---- recurrent, fused over the whole sequence ------------------------------------------------------------------------
/// What an LSTM gives.
struct LstmResult {
  Tensor output;        // [B, T, H]; zeros past a length
  Tensor hidden, cell;  // [B, H] at each sequence's end
};
/// LSTM (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000), gates in the order i, f, g, o:
///   i,f,o = sigmoid(W_ih x_t + W_hh h_{t-1} + b), g = tanh(...), c_t = f c_{t-1} + i g, h_t = o tanh(c_t)
/// Gradients of first order.
/// @param x [B, T, D]
/// @param lengths i64 [B] (1..T) or undefined (all T)
/// @param h0,c0 [B, H] or undefined (zeros)
/// @param weight_ih [4H, D]
/// @param weight_hh [4H, H]
/// @param bias [4H]
/// @param reverse reads each sequence from its own last element to its first; the output stays in the order of x
/// @return states at every step and at each sequence's end
/// @throws ShapeError, DTypeError, IndexError for a length outside
LstmResult lstm(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0, const Tensor& weight_ih,
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
struct AttentionLstmResult {
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
/// @param target_lengths i64 [B] (1..T)
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
AttentionLstmResult attention_lstm(const Tensor& x, const Tensor& target_lengths, const Tensor& memory, const Tensor& keys,
                                   const Tensor& source_lengths, const Tensor& h0, const Tensor& c0, const Tensor& weight_ih,
                                   const Tensor& weight_hh, const Tensor& bias, const Tensor& weight_query, const Tensor& v);

/// What attention of several heads gives.
struct ScaledDotAttentionResult {
  Tensor context;  // [B, T, H e]
  Tensor weights;  // [B, H, T, S]; a row without keys is all 0
};
/// Scaled dot-product attention of several heads, fused (Vaswani et al. 2017, eq. 1 and sec. 3.2.2 without the projections):
///   weights_h = softmax(Q_h K_h^T / sqrt(d)) over the first lengths[b] keys, and over keys 0..t for query t when `causal`;
///   context = [weights_1 V_1; ...; weights_h V_h]
/// Slices of a joint projection are read in place. Gradients of first order.
/// @param query [B, T, H d]
/// @param key [B, S, H d]
/// @param value [B, S, H e]
/// @param lengths i64 [B] (0..S) or undefined (all S)
/// @param heads H
/// @param causal whether query t sees keys 0..t alone
/// @return context and weights
/// @throws ShapeError, DTypeError, ValueError, IndexError
ScaledDotAttentionResult scaled_dot_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& lengths,
                                              int64_t heads, bool causal = false);

// ---- without gradients -----------------------------------------------------------------------------------------------
/// Sum of squares; the bits do not depend on the thread count.
/// @param x floating
/// @return summed in double
double sum_of_squares(const Tensor& x);

/// The numbers of one Adam update.
struct AdamUpdate {
  double lr = 1e-3;                   // learning rate
  double beta1 = 0.9, beta2 = 0.999;  // decay of the moments
  double eps = 1e-8;                  // added to the root
  double weight_decay = 0;            // L2, added to the gradient
  double bias1 = 1, bias2 = 1;        // 1 - beta^t
  double grad_scale = 1;              // multiplies the gradient on the way in (clipping)
};
/// One Adam update in place (Kingma & Ba 2015, algorithm 1) in one pass.
/// @param parameter,gradient f32 or f64, dense
/// @param first,second moments, of the parameter's shape
/// @param update rates and corrections
/// @throws ShapeError, GradError in grad mode
void adam_(const Tensor& parameter, const Tensor& gradient, const Tensor& first, const Tensor& second, const AdamUpdate& update);

}  // namespace heed
