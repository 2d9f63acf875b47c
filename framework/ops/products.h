// Products of vectors and matrices.
#pragma once

#include <string>

#include "framework/core/tensor.h"

namespace heed {

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

}  // namespace heed
