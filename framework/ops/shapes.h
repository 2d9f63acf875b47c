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
/// @param shape shape of the result; -1 for a dimension that x has: as x has it
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
/// Removes all dimensions of extent 1.
/// @param x tensor of any dtype
/// @return a view, or x itself where there are none
/// @throws ValueError for an undefined tensor
Tensor squeeze(const Tensor& x);
/// Concatenates tensors along a dimension.
/// @param parts at least one tensor; shapes may differ only in dim
/// @param dim dimension along which to work
/// @return a copy
/// @throws ShapeError, DTypeError, IndexError
Tensor concat(std::span<const Tensor> parts, int dim = 0);
/// The same for a list in braces: concat({a, b}, 0).
/// @param parts,dim as in the overload above
/// @return a copy
/// @throws as the overload above
inline Tensor concat(std::initializer_list<Tensor> parts, int dim = 0) {
  return concat(std::span<const Tensor>(parts.begin(), parts.size()), dim);
}
/// @{
/// PyTorch's name for concat: cat({a, b}, 1).
/// @param parts,dim as in concat
/// @return a copy
/// @throws as concat
inline Tensor cat(std::span<const Tensor> parts, int dim = 0) { return concat(parts, dim); }
inline Tensor cat(std::initializer_list<Tensor> parts, int dim = 0) { return concat(parts, dim); }
/// @}
/// Joins tensors of one shape along a new dimension.
/// @param parts at least one tensor, all of one shape
/// @param dim position of the new dimension in the result
/// @return a copy
/// @throws ShapeError, DTypeError, IndexError
Tensor stack(std::span<const Tensor> parts, int dim = 0);
/// The same for a list in braces: stack({a, b}, 0).
/// @param parts,dim as in the overload above
/// @return a copy
/// @throws as the overload above
inline Tensor stack(std::initializer_list<Tensor> parts, int dim = 0) {
  return stack(std::span<const Tensor>(parts.begin(), parts.size()), dim);
}

/// Reverses the order of the elements along some dimensions.
/// @param x tensor of any dtype
/// @param dims the dimensions to reverse: one, or several in braces
/// @return a copy
/// @throws IndexError, ValueError for a dim named twice
Tensor flip(const Tensor& x, const Dims& dims);
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
Tensor pad(const Tensor& x, std::vector<Padding> widths, Scalar value = 0);
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
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int dim = 0);
/// Splits a dimension into parts of one size; the last part may be smaller.
/// @param x tensor of any dtype
/// @param size extent of the parts, at least 1
/// @param dim dimension along which to work
/// @return views of the parts
/// @throws ValueError, IndexError
std::vector<Tensor> split(const Tensor& x, int64_t size, int dim = 0);
/// Splits a dimension into parts of extent ceil(extent / chunks); the last part may be smaller, and there may
/// be fewer than `chunks` parts.
/// @param x tensor of any dtype
/// @param chunks wanted number of parts, at least 1
/// @param dim dimension along which to work
/// @return views of the parts
/// @throws ValueError, IndexError
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int dim = 0);

/// All parts x[.., i, ..] of a dimension.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @return one view for each index, without that dimension
/// @throws IndexError
std::vector<Tensor> unbind(const Tensor& x, int dim = 0);
/// @{
/// Moves dimensions to other places; the others keep their order.
/// @param x tensor of any dtype
/// @param from,to the dimensions, and where each stands in the result
/// @return a view
/// @throws IndexError, ValueError for a dim named twice and for lists of different lengths
Tensor movedim(const Tensor& x, const std::vector<int>& from, const std::vector<int>& to);
Tensor movedim(const Tensor& x, int from, int to);
/// @}
/// Makes the dimensions from first to last, inclusive, one dimension.
/// @param x tensor of any dtype; a scalar becomes [1]
/// @param first,last the range
/// @return a view when x is contiguous, else a copy
/// @throws IndexError, ValueError unless first <= last
Tensor flatten(const Tensor& x, int first = 0, int last = -1);
/// Makes one dimension several: the inverse of flatten.
/// @param x tensor of any dtype
/// @param dim the dimension
/// @param extents what it becomes; one may be -1 and is then computed from the others
/// @return a view when x is contiguous, else a copy
/// @throws IndexError, ShapeError when the element counts differ
Tensor unflatten(const Tensor& x, int dim, const Shape& extents);
/// @{
/// Copies of x side by side: `repeats[i]` along dimension i. repeat() adds dimensions in front where there
/// are more repeats than dimensions, and takes no fewer (torch.Tensor.repeat); tile() takes any number, those
/// missing in front being 1.
/// @param x tensor of any dtype
/// @param repeats at least 0
/// @return a copy, or a view where every number is 1
/// @throws ShapeError for fewer repeats than dimensions (repeat), ValueError for a negative one
Tensor repeat(const Tensor& x, const Shape& repeats);
Tensor tile(const Tensor& x, const Shape& repeats);
/// @}
/// @{
/// Each part x[.., i, ..] of a dimension several times: a b becomes a a b b.
/// @param x tensor of any dtype
/// @param times how often, at least 0: one number for all, or i64 [extent of dim]
/// @param dim dimension along which to work
/// @return a copy, or x itself for the number 1
/// @throws IndexError, ValueError for a negative number; ShapeError, DTypeError for other tensors of numbers
Tensor repeat_interleave(const Tensor& x, int64_t times, int dim);
Tensor repeat_interleave(const Tensor& x, const Tensor& times, int dim);
/// @}
/// Shifts elements along dimensions; those that leave at the end come back at the front.
/// @param x tensor of any dtype
/// @param shifts how far, for each of dims: one number, or several in braces; negative: towards the front
/// @param dims the dimensions; empty: one shift, of the elements in row-major order
/// @return a copy, or x itself where nothing moves
/// @throws IndexError, ValueError for a dim named twice and for another number of shifts than dims
Tensor roll(const Tensor& x, const Shape& shifts, const Dims& dims = {});
/// The elements x[.., i, .., i + offset, ..] of a diagonal.
/// @param x tensor of any dtype
/// @param offset which diagonal: 0 is the main one, 1 the one above it
/// @param row_dim,column_dim the dimensions that hold the matrices
/// @return a view: x's other dimensions, then the diagonal
/// @throws IndexError, ValueError for one dimension named twice
Tensor diagonal(const Tensor& x, int64_t offset = 0, int row_dim = 0, int column_dim = 1);
/// A matrix with a vector on a diagonal and zeros elsewhere; of a matrix, its diagonal.
/// @param x vector [N] or matrix [M, N] of any dtype
/// @param offset which diagonal: 0 is the main one, 1 the one above it
/// @return [N + |offset|, N + |offset|], or the diagonal as diagonal()
/// @throws ShapeError for other numbers of dimensions
Tensor diag(const Tensor& x, int64_t offset = 0);
/// Sum of the main diagonal.
/// @param x matrix [M, N], floating
/// @return a scalar
/// @throws ShapeError, DTypeError
Tensor trace(const Tensor& x);

}  // namespace heed
