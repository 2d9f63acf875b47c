// Look-up in tables, softmax, normalisation, dropout.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

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

}  // namespace heed
