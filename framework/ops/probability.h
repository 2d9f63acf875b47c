// Embedding look-up, softmax, normalisation, dropout.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Looks up rows of a table by id.
/// @param table [N, D]
/// @param ids i64 [*], in 0 .. N - 1
/// @param padding_id id whose row receives no gradient; -1: none
/// @return [*, D]
/// @throws IndexError, DTypeError
Tensor embedding(const Tensor& table, const Tensor& ids, int64_t padding_id = -1);
/// @{
/// softmax e^x_i / sum_j e^x_j and its logarithm, computed without overflow.
/// @param x floating
/// @param dim dimension along which to work
/// @return a tensor of x's shape
/// @throws IndexError
Tensor softmax(const Tensor& x, int dim = -1);
Tensor log_softmax(const Tensor& x, int dim = -1);
/// @}
/// Softmax over the first lengths[b] entries of the last dimension. The other entries are 0; a row of length
/// 0 is all 0.
/// @param x [B, T, S] or [B, S]
/// @param lengths i64 [B], each in 0..S
/// @return a tensor of x's shape
/// @throws ShapeError, IndexError
Tensor masked_softmax(const Tensor& x, const Tensor& lengths);
/// (x - mean) / sqrt(var + eps) * gain + bias over the last dimension; var without Bessel's correction (Ba,
/// Kiros & Hinton 2016, eq. 3-4).
/// @param x [*, D]
/// @param gain,bias [D], or undefined for 1 and 0
/// @param eps added under the square root so that it is not 0
/// @return [*, D]
/// @throws ShapeError
Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps = 1e-5);
/// x / sqrt(mean x^2 + eps) * gain over the last dimension (Zhang & Sennrich 2019, eq. 4).
/// @param x [*, D]
/// @param gain [D]
/// @param eps added under the square root so that it is not 0
/// @return [*, D]
/// @throws ShapeError
Tensor rms_norm(const Tensor& x, const Tensor& gain, double eps = 1e-5);
/// Sets each element to 0 with probability p and multiplies the others by 1 / (1 - p) (Srivastava et al.
/// 2014). Takes one draw from default_generator().
/// @param x floating
/// @param p probability in [0, 1), rounded to a multiple of 2^-16
/// @param training if false, x is returned unchanged, as for p = 0
/// @return a tensor of x's shape
/// @throws ValueError for a p outside [0, 1)
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace heed
