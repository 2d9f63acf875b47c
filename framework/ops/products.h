// Vector and matrix products.
#pragma once

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
/// Outer product: y_ij = a_i b_j.
/// @param a [M]
/// @param b [N]
/// @return [M, N]
/// @throws ShapeError, DTypeError
Tensor outer(const Tensor& a, const Tensor& b);
/// Einstein summation over two tensors whose dimensions are named by letters: letters that are missing in the
/// result are summed over.
/// @param equation such as "bij,bjk->bik"; a letter may appear only once in each operand
/// @param x,y the operands, floating
/// @return a tensor with the dimensions named after the arrow
/// @throws ValueError for an equation that is malformed or does not fit the operands; DTypeError for
///   operands of different dtypes
Tensor einsum(const std::string& equation, const Tensor& x, const Tensor& y);
/// Linear layer: y = x W^T + b.
/// @param x [*, in]
/// @param weight the W of the equation, [out, in]
/// @param bias the b of the equation, [out], or undefined for none
/// @return [*, out]
/// @throws ShapeError, DTypeError
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace heed
