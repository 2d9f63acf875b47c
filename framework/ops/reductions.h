// Ops that sum up dimensions, and running sums.
#pragma once

#include <vector>

#include "framework/core/tensor.h"

namespace heed {

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
/// Sum of (x - mean)^2 over n - correction, and its root, whose gradient at 0 is 0.
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
/// @throws ShapeError for one that does not stretch to x's
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace heed
