// Ops that change shapes and the order of elements; they return views where strides allow.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// The same elements, row-major, in another shape.
/// @param x tensor of any dtype
/// @param shape the new shape; one extent may be -1 and is then computed from the others
/// @return a view when x is contiguous, else a copy
/// @throws ShapeError when the element counts differ
Tensor reshape(const Tensor& x, const Shape& shape);
/// Reorders the dimensions.
/// @param x tensor of any dtype
/// @param order order[i] is the dimension of x that becomes dimension i
/// @return a view
/// @throws ShapeError, IndexError, ValueError for an order that is not a permutation
Tensor permute(const Tensor& x, std::vector<int> order);
/// Exchanges two dimensions.
/// @param x tensor of any dtype
/// @param dim_a,dim_b the two dimensions
/// @return a view
/// @throws IndexError
Tensor transpose(const Tensor& x, int dim_a = -2, int dim_b = -1);
/// Broadcasts x to a shape: repeats dimensions of extent 1 and adds dimensions in front, without copying.
/// @param x tensor of any dtype
/// @param shape shape of the result
/// @return a view
/// @throws ShapeError
Tensor expand(const Tensor& x, const Shape& shape);
/// The part x[.., start:end:step, ..] of a dimension.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param start,end 0 <= start <= end <= extent; negative ones count from the end
/// @param step distance of the elements that are taken, at least 1
/// @return a view
/// @throws IndexError for ends outside the dimension (index() cuts them), ValueError for the step
Tensor slice(const Tensor& x, int dim, int64_t start, int64_t end, int64_t step = 1);
/// The part x[.., index, ..], without that dimension.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param index 0 .. extent - 1; negative ones count from the end
/// @return a view without that dimension
/// @throws IndexError
Tensor select(const Tensor& x, int dim, int64_t index);
/// Adds a dimension of extent 1.
/// @param x tensor of any dtype
/// @param dim position of the new dimension in the result
/// @return a view
/// @throws IndexError
Tensor unsqueeze(const Tensor& x, int dim);
/// Removes a dimension of extent 1.
/// @param x tensor of any dtype
/// @param dim the dimension to remove
/// @return a view
/// @throws IndexError, ShapeError for another extent
Tensor squeeze(const Tensor& x, int dim);
/// Concatenates tensors along a dimension.
/// @param parts at least one tensor; shapes may differ only in dim
/// @param dim dimension along which to work
/// @return a copy
/// @throws ShapeError, DTypeError, IndexError
Tensor concat(std::span<const Tensor> parts, int dim);
/// The same for a list in braces: concat({a, b}, 0).
/// @param parts,dim as in the overload above
/// @return a copy
/// @throws as the overload above
inline Tensor concat(std::initializer_list<Tensor> parts, int dim) {
  return concat(std::span<const Tensor>(parts.begin(), parts.size()), dim);
}
/// Joins tensors of one shape along a new dimension.
/// @param parts at least one tensor, all of one shape
/// @param dim position of the new dimension in the result
/// @return a copy
/// @throws ShapeError, DTypeError, IndexError
Tensor stack(std::span<const Tensor> parts, int dim);
/// The same for a list in braces: stack({a, b}, 0).
/// @param parts,dim as in the overload above
/// @return a copy
/// @throws as the overload above
inline Tensor stack(std::initializer_list<Tensor> parts, int dim) {
  return stack(std::span<const Tensor>(parts.begin(), parts.size()), dim);
}

/// Reverses the order of the elements along some dimensions.
/// @param x tensor of any dtype
/// @param dims the dimensions to reverse
/// @return a copy
/// @throws IndexError, ValueError for a dim named twice
Tensor flip(const Tensor& x, std::vector<int> dims);
/// The number of elements added before and after a dimension by pad().
struct Padding {
  int64_t before = 0, after = 0;  // at least 0
};
/// Surrounds x with elements of a constant value.
/// @param x tensor of any dtype
/// @param widths one for each dimension
/// @param value value of the added elements
/// @return a tensor with x's extents plus the widths
/// @throws ShapeError, ValueError for a negative width
Tensor pad(const Tensor& x, std::vector<Padding> widths, double value = 0);
/// @{
/// The lower (upper) triangle of matrices; the other elements become 0.
/// @param x [*, M, N]
/// @param diagonal the diagonal that bounds the triangle and is kept: 0 is the main one, 1 the one above it
/// @return a tensor of x's shape
/// @throws ShapeError
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// @}
/// Splits a dimension into parts of given sizes.
/// @param x tensor of any dtype
/// @param sizes extents of the parts; their sum is the extent of dim
/// @param dim dimension along which to work
/// @return views of the parts
/// @throws ValueError, IndexError
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int dim);
/// Splits a dimension into parts of extent ceil(extent / chunks); the last part may be smaller, and there may
/// be fewer than `chunks` parts.
/// @param x tensor of any dtype
/// @param chunks wanted number of parts, at least 1
/// @param dim dimension along which to work
/// @return views of the parts
/// @throws ValueError, IndexError
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int dim);

}  // namespace heed
