// Reductions over dimensions, and cumulative sums.
#pragma once

#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// @{
/// Sum; mean. Sums of i64 and of masks are i64, their means f32.
/// @param x tensor of any dtype
/// @param dims dimensions to reduce; empty: all
/// @param keep whether reduced dimensions stay, with extent 1
/// @return the reduced tensor; a scalar if all dimensions are reduced
/// @throws IndexError for a dim outside, ValueError for a dim named twice
Tensor sum(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
Tensor mean(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
/// @}
/// @{
/// Largest and smallest element. Equal elements share the gradient; the result is NaN if an element is NaN.
/// @param x tensor of any dtype, which the result keeps
/// @param dims dimensions to reduce; empty: all
/// @param keep whether reduced dimensions stay, with extent 1
/// @return the reduced tensor; a scalar if all dimensions are reduced
/// @throws as sum, and ShapeError for no elements
Tensor amax(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
Tensor amin(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
/// @}
/// @{
/// Whether any (every) element of a mask is true; of no elements: any is false, all is true.
/// @param x a mask
/// @param dims dimensions to reduce; empty: all
/// @param keep whether reduced dimensions stay, with extent 1
/// @return a mask
/// @throws as sum, and DTypeError for anything but a mask
Tensor any(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
Tensor all(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
/// @}
/// Product of the elements; i64 for i64 and masks. Second-order gradients throw GradError where an element is
/// 0.
/// @param x tensor of any dtype
/// @param dims dimensions to reduce; empty: all
/// @param keep whether reduced dimensions stay, with extent 1
/// @return the reduced tensor; a scalar if all dimensions are reduced
/// @throws as sum
Tensor prod(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
/// @{
/// Variance sum (x - mean)^2 / (n - correction), and its square root, whose gradient at 0 is defined as 0.
/// @param x tensor of any dtype; of i64 and masks the result is f32
/// @param dims dimensions to reduce; empty: all
/// @param correction 1: Bessel's correction, 0: none
/// @param keep whether reduced dimensions stay, with extent 1
/// @return the reduced tensor; a scalar if all dimensions are reduced
/// @throws as sum
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, KeepDim keep = KeepDim::no);
Tensor stddev(const Tensor& x, const Dims& dims = {}, double correction = 1, KeepDim keep = KeepDim::no);
/// @}
/// L2 norm sqrt(sum x^2); the gradient at 0 is defined as 0.
/// @param x tensor of any dtype; of i64 and masks the result is f32
/// @param dims dimensions to reduce; empty: all
/// @param keep whether reduced dimensions stay, with extent 1
/// @return the reduced tensor; a scalar if all dimensions are reduced
/// @throws as sum
Tensor norm(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
/// log sum e^x, computed without overflow.
/// @param x tensor of any dtype; of i64 and masks the result is f32
/// @param dims dimensions to reduce; empty: all
/// @param keep whether reduced dimensions stay, with extent 1
/// @return the reduced tensor; a scalar if all dimensions are reduced
/// @throws as sum
Tensor logsumexp(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
/// Cumulative sum: y_i = x_0 + ... + x_i; i64 for i64 and masks.
/// @param x tensor of any dtype
/// @param dim dimension along which to sum; negative ones count from the end
/// @return a tensor of x's shape
/// @throws IndexError
Tensor cumsum(const Tensor& x, int dim);
/// Cumulative product: y_i = x_0 ... x_i. The gradient holds where elements are 0 as well.
/// @param x floating
/// @param dim dimension along which to multiply; negative ones count from the end
/// @return a tensor of x's shape
/// @throws IndexError, DTypeError
Tensor cumprod(const Tensor& x, int dim);
/// Number of elements that differ from 0 (NaN does).
/// @param x tensor of any dtype
/// @param dims dimensions to reduce; empty: all
/// @param keep whether reduced dimensions stay, with extent 1
/// @return i64, the reduced tensor; a scalar if all dimensions are reduced
/// @throws as sum
Tensor count_nonzero(const Tensor& x, const Dims& dims = {}, KeepDim keep = KeepDim::no);
/// Reverses a broadcast: sums over the dimensions that broadcasting from `shape` to x.shape() added or
/// stretched. This is the gradient of the broadcast.
/// @param x floating
/// @param shape shape of the result
/// @return a tensor of that shape
/// @throws ShapeError for a shape that cannot be broadcast to x's
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace heed
