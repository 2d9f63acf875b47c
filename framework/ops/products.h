// Vector and matrix products.
#pragma once

#include <initializer_list>
#include <span>
#include <string>

#include "framework/core/tensor.h"

namespace heed {

/// Matrix product; leading dimensions are batch dimensions and broadcast.
/// @param a [*, M, K]; a vector [K] is treated as [1, K]
/// @param b [*, K, N]; a vector [K] is treated as [K, 1]
/// @return [*, M, N], without the dimension that was added to a vector
/// @throws ShapeError "matmul: inner dimensions differ: [3, 4] x [5, 6]", DTypeError
Tensor matmul(const Tensor& a, const Tensor& b);
/// Batched matrix product.
/// @param a [B, M, K]
/// @param b [B, K, N]
/// @return [B, M, N]
/// @throws ShapeError, DTypeError
Tensor bmm(const Tensor& a, const Tensor& b);
/// @{
/// matmul() of two matrices, of a matrix and a vector, of two vectors.
/// @param a [M, K], of dot [K]
/// @param b [K, N], of mv and dot [K]
/// @return [M, N], [M], a scalar
/// @throws ShapeError, DTypeError
Tensor mm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& b);
Tensor dot(const Tensor& a, const Tensor& b);
/// @}
/// Outer product: y_ij = a_i b_j.
/// @param a [M]
/// @param b [N]
/// @return [M, N]
/// @throws ShapeError, DTypeError
Tensor outer(const Tensor& a, const Tensor& b);
/// @{
/// Einstein summation: a letter names a dimension, and the result sums over the letters that it does not
/// have. Operands are multiplied two at a time, first the pair that takes the fewest multiplications.
/// @param equation such as "bij,bjk->bik" or "ij,jk,kl->il". A letter that stands twice in one operand takes
///   the diagonal: "ii->i". "..." stands for further dimensions, which broadcast. Without an arrow the result
///   has the letters that appear once, in alphabetical order
/// @param operands at least one tensor, floating
/// @return a tensor with the dimensions named after the arrow
/// @throws ValueError for an equation that is malformed or does not fit the operands; DTypeError for
///   operands of different dtypes
Tensor einsum(const std::string& equation, std::span<const Tensor> operands);
inline Tensor einsum(const std::string& equation, std::initializer_list<Tensor> operands) {
  return einsum(equation, std::span<const Tensor>(operands.begin(), operands.size()));
}
/// @}
/// The same for one operand.
/// @param equation as in the overload above
/// @param x the operand, floating
/// @return as the overload above
/// @throws as the overload above
Tensor einsum(const std::string& equation, const Tensor& x);
/// The same for two operands.
/// @param equation as in the overload above
/// @param x,y the operands, floating
/// @return as the overload above
/// @throws as the overload above
Tensor einsum(const std::string& equation, const Tensor& x, const Tensor& y);
/// Cosine of the angle between vectors: a . b / (max(|a|, eps) max(|b|, eps)).
/// @param a,b floating; broadcast to a common shape
/// @param dim dimension of the vectors, of the common shape
/// @param eps above 0; the least norm that is divided by
/// @return the common shape without dim
/// @throws ShapeError, DTypeError, IndexError, ValueError
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int dim = 1, double eps = 1e-8);
/// Euclidean distances between all vectors of two lists: y_ij = |a_i - b_j|, from the differences themselves
/// and not from |a|^2 - 2 a . b + |b|^2, which loses small distances. The gradient at distance 0 is 0.
/// @param a [*, M, D]
/// @param b [*, N, D], with the leading dimensions of a
/// @return [*, M, N]
/// @throws ShapeError, DTypeError
Tensor cdist(const Tensor& a, const Tensor& b);
/// Linear layer: y = x W^T + b.
/// @param x [*, in]
/// @param weight the W of the equation, [out, in]
/// @param bias the b of the equation, [out], or undefined for none
/// @return [*, out]
/// @throws ShapeError, DTypeError
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace heed
