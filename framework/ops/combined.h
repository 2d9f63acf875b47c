// Functions that are a line or two of other ops, under the names that PyTorch gives them.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <type_traits>

#include "framework/core/tensor.h"
#include "framework/ops/arithmetic.h"
#include "framework/ops/indexing.h"
#include "framework/ops/shapes.h"

namespace heed {

/// @{
/// Activations: relu6 min(max(x, 0), 6); hardsigmoid min(max(x / 6 + 1/2, 0), 1) and hardswish
/// x times that (Howard et al. 2019, sec. 5.2); selu 1.0507 elu(x) with alpha 1.6733 (Klambauer et al. 2017,
/// eq. 2); mish x tanh(softplus(x)) (Misra 2019); softsign x / (1 + |x|); logsigmoid log(1 / (1 + e^-x)).
/// @param x f32 or f64, of any shape
/// @return a tensor of the same shape
/// @throws DTypeError
Tensor relu6(const Tensor& x);
Tensor hardsigmoid(const Tensor& x);
Tensor hardswish(const Tensor& x);
Tensor selu(const Tensor& x);
Tensor mish(const Tensor& x);
Tensor softsign(const Tensor& x);
Tensor logsigmoid(const Tensor& x);
/// @}
/// x between two bounds.
/// @param x f32 or f64, of any shape
/// @param low,high the bounds, low <= high
/// @return a tensor of the same shape
/// @throws ValueError for bounds that are NaN or the wrong way round
Tensor hardtanh(const Tensor& x, double low = -1, double high = 1);
/// x where x > 0, else weight x (He et al. 2015, eq. 1).
/// @param x [B, C, *], or any shape with one weight
/// @param weight [C], or [1] for all
/// @return a tensor of x's shape
/// @throws ShapeError, DTypeError
Tensor prelu(const Tensor& x, const Tensor& weight);
/// Gated linear unit: the first half of a dimension times the sigmoid of the second (Dauphin et al. 2017).
/// @param x of any shape
/// @param dim dimension of an even extent
/// @return a tensor with half of that extent
/// @throws ShapeError for an odd extent, IndexError
Tensor glu(const Tensor& x, int dim = -1);

/// @{
/// Logarithms to base 2 and 10; tangent.
/// @param x f32 or f64, of any shape
/// @return a tensor of the same shape
/// @throws DTypeError
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor tan(const Tensor& x);
/// @}
/// @{
/// a + weight (b - a).
/// @param a,b floating; broadcast to a common shape
/// @param weight a number or a tensor that broadcasts as well
/// @return the common shape
/// @throws ShapeError
Tensor lerp(const Tensor& a, const Tensor& b, double weight);
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight);
/// @}
/// @{
/// x + value a b; x + value a / b.
/// @param x,a,b broadcast to a common shape
/// @param value factor of the product or quotient
/// @return the common shape
/// @throws ShapeError
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, double value = 1);
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, double value = 1);
/// @}
/// @{
/// beta c + alpha a b for two matrices; for two batches of matrices.
/// @param c broadcasts to the product's shape
/// @param a,b [M, K] and [K, N]; [B, M, K] and [B, K, N]
/// @param beta,alpha the two factors
/// @return [M, N]; [B, M, N]
/// @throws ShapeError, DTypeError
Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);
Tensor baddbmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);
/// @}
/// x with numbers in the place of what is not finite.
/// @param x f32 or f64, of any shape
/// @param nan number in the place of NaN
/// @param infinity,minus_infinity numbers in the place of the two infinities; none: the largest and the
///   smallest number of x's dtype
/// @return a tensor of the same shape; the gradient is 0 where x was replaced
/// @throws DTypeError
Tensor nan_to_num(const Tensor& x, double nan = 0, std::optional<double> infinity = {},
                  std::optional<double> minus_infinity = {});
/// @{
/// PyTorch's name for clamp.
/// @param x,low,high as in clamp
/// @return as clamp
/// @throws as clamp
inline Tensor clip(const Tensor& x, double low, double high) { return clamp(x, low, high); }
/// @}
/// Where a mask is false, as ~.
/// @param mask of any shape
/// @return a mask
/// @throws DTypeError
inline Tensor operator!(const Tensor& mask) { return logical_not(mask); }
/// Whether two tensors have one shape and equal elements; a NaN equals nothing.
/// @param a,b tensors of any dtype
/// @return false for two shapes
/// @throws ValueError for an undefined tensor
bool equal(const Tensor& a, const Tensor& b);

/// The part x[.., start : start + length, ..] of a dimension.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param start 0 .. extent; negative: counted from the end
/// @param length how many
/// @return a view
/// @throws IndexError for ends outside of the dimension
Tensor narrow(const Tensor& x, int dim, int64_t start, int64_t length);
/// @{
/// expand, reshape and view to the shape of another tensor, and cast to its dtype.
/// @param x tensor of any dtype
/// @param like the tensor whose shape or dtype counts
/// @return as expand, reshape, Tensor::view and Tensor::to
/// @throws as they do
inline Tensor expand_as(const Tensor& x, const Tensor& like) { return expand(x, like.shape()); }
inline Tensor reshape_as(const Tensor& x, const Tensor& like) { return reshape(x, like.shape()); }
inline Tensor view_as(const Tensor& x, const Tensor& like) { return x.view(like.shape()); }
inline Tensor type_as(const Tensor& x, const Tensor& like) { return x.to(like.dtype()); }
/// @}
/// All elements in one dimension: flatten.
/// @param x tensor of any dtype
/// @return [n]; a view when x is contiguous
/// @throws ValueError for an undefined tensor
inline Tensor ravel(const Tensor& x) { return flatten(x); }
/// transpose of two named dimensions.
/// @param x,dim_a,dim_b as in transpose
/// @return a view
/// @throws IndexError
inline Tensor swapaxes(const Tensor& x, int dim_a, int dim_b) { return transpose(x, dim_a, dim_b); }
/// @{
/// Tensors one below the other, along dim 0, and side by side, along dim 1; vectors are rows to vstack, and
/// hstack joins them end to end.
/// @param parts at least one tensor
/// @return a copy
/// @throws ShapeError, DTypeError
Tensor vstack(std::span<const Tensor> parts);
Tensor hstack(std::span<const Tensor> parts);
inline Tensor vstack(std::initializer_list<Tensor> parts) { return vstack({parts.begin(), parts.size()}); }
inline Tensor hstack(std::initializer_list<Tensor> parts) { return hstack({parts.begin(), parts.size()}); }
/// @}
/// Repeats every element.
/// @param x tensor of any dtype
/// @param times how often, at least 0
/// @return [times n], the elements in row-major order
/// @throws ValueError
inline Tensor repeat_interleave(const Tensor& x, int64_t times) {
  return repeat_interleave(flatten(x), times, 0);
}

/// PyTorch's name for gather with the dimension behind.
/// @param x,index,dim as in gather
/// @return as gather
/// @throws as gather
inline Tensor take_along_dim(const Tensor& x, const Tensor& index, int dim) { return gather(x, dim, index); }
/// scatter of one number.
/// @param x,dim,index as in scatter
/// @param value what the named elements become
/// @return a copy of x
/// @throws as scatter
Tensor scatter(const Tensor& x, int dim, const Tensor& index, double value);
/// Adds slices to those of x that an index names; one that is named twice gets both.
/// @param x floating
/// @param dim dimension along which to work
/// @param index i64 [n], in 0 .. extent - 1
/// @param source x's shape with extent n in dim
/// @param alpha factor of source
/// @return a new tensor
/// @throws ShapeError, IndexError, DTypeError
Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source, double alpha = 1);
/// Fills the slices of x that an index names.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param index i64 [n], in -extent .. extent - 1
/// @param value what their elements become
/// @return a new tensor
/// @throws ShapeError, IndexError, DTypeError
Tensor index_fill(const Tensor& x, int dim, const Tensor& index, Scalar value);

/// Differences of neighbours: x[i + 1] - x[i].
/// @param x at least one dimension
/// @param dim dimension along which to work
/// @return a tensor whose extent in dim is smaller by one
/// @throws ShapeError for an extent of 0, IndexError
Tensor diff(const Tensor& x, int dim = -1);
/// The value below which a share of the elements lies, by linear interpolation between the two nearest. NaN
/// where one is NaN.
/// @param x floating, not empty along dim
/// @param q the share, in [0, 1]
/// @param dim dimension along which to work
/// @param keep whether it stays, with extent 1
/// @return a tensor without that dimension
/// @throws ValueError for a q outside [0, 1], ShapeError, IndexError, DTypeError
Tensor quantile(const Tensor& x, double q, int dim = -1, KeepDim keep = KeepDim::no);
/// How often each number occurs. No gradient.
/// @param ids i64 [n], at least 0
/// @param least length of the result at least
/// @return i64, of one count for each of 0 .. the largest
/// @throws ValueError for a negative number, ShapeError, DTypeError
Tensor bincount(const Tensor& ids, int64_t least = 0);

namespace detail {
Tensor normalized(const Tensor& x, double p, int dim, double eps);
}  // namespace detail
/// Vectors along dimension 1 divided by their length, where that is above 1e-12.
/// @param x floating, of at least two dimensions
/// @return a tensor of x's shape
/// @throws IndexError, DTypeError
inline Tensor normalize(const Tensor& x) { return detail::normalized(x, 2, 1, 1e-12); }
/// Vectors divided by their p-norm, where that is above eps.
/// @tparam P type of p, a number and not braces: normalize(x, {..}, {..}) is the one of images
/// @param x floating
/// @param p above 0; INFINITY: the largest absolute value
/// @param dim dimension of the vectors
/// @param eps least norm that is divided by
/// @return a tensor of x's shape
/// @throws ValueError, IndexError
template <class P, class = std::enable_if_t<std::is_arithmetic_v<P>>>
Tensor normalize(const Tensor& x, P p, int dim = 1, double eps = 1e-12) {
  return detail::normalized(x, static_cast<double>(p), dim, eps);
}
/// Euclidean distances of vectors, row by row: |a - b + eps|.
/// @param a,b [*, D]; broadcast to a common shape
/// @param eps added to each difference, so that a gradient exists at distance 0
/// @return [*]
/// @throws ShapeError
Tensor pairwise_distance(const Tensor& a, const Tensor& b, double eps = 1e-6);

}  // namespace heed
