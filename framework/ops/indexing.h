// Selecting elements by integer indices, and sorting. Index tensors are i64 (else DTypeError) with values
// inside their dimension (else IndexError).
#pragma once

#include <concepts>
#include <initializer_list>
#include <span>

#include "framework/core/index.h"
#include "framework/core/tensor.h"

namespace heed {

/// @{
/// The part of x that an index names, as in PyTorch and NumPy: one entry for each of the first dimensions,
/// the others stay whole. Tensors in it are broadcast together, and their common dimensions take the place of
/// the first of them where they stand side by side, else the front; a mask stands for the positions of its
/// true elements.
///   index(x, {0, Range{.start = 1, .step = 2}})      // x[0, 1::2]
///   index(x, {ellipsis, new_axis, ids})   // x[..., None, ids]
/// @param x tensor of any dtype
/// @param index positions, ranges, an ellipsis, new axes, i64 tensors of positions (negative ones count from
/// the
///   end), masks
/// @return a view where no entry is a tensor, else a copy; differentiable
/// @throws IndexError for a position outside or more entries than dimensions, ShapeError for tensors that do
/// not
///   broadcast or a mask of another shape, DTypeError for a tensor that is neither i64 nor a mask, ValueError
///   for a step below 1 or a second ellipsis
Tensor index(const Tensor& x, std::span<const Index> index);
inline Tensor index(const Tensor& x, std::initializer_list<Index> index) {
  return heed::index(x, std::span<const Index>(index.begin(), index.size()));
}
/// @}
/// @{
/// A copy of x with other values in the places that an index names.
/// @param x tensor of any dtype
/// @param index as in index(); of a place that it names twice, the last value counts
/// @param value broadcast to the shape of the places, and converted to x's dtype
/// @return a tensor of x's shape; differentiable in x and value
/// @throws as index(), and ShapeError for a value that does not stretch to the places
Tensor index_put(const Tensor& x, std::span<const Index> index, const Tensor& value);
inline Tensor index_put(const Tensor& x, std::initializer_list<Index> index, const Tensor& value) {
  return index_put(x, std::span<const Index>(index.begin(), index.size()), value);
}
Tensor index_put(const Tensor& x, std::initializer_list<Index> index, Scalar value);
/// @}
/// Picks one element of x per index: for dim 0, y[i][j].. = x[index[i][j]..][j]..; for other dims
/// accordingly.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param index i64 with the same number of dimensions as x; its extents other than `dim` are at most x's
/// @return a tensor of index's shape
/// @throws ShapeError, DTypeError, IndexError
Tensor gather(const Tensor& x, int dim, const Tensor& index);
/// A copy of x with elements of source added: for dim 0, source[i][j].. is added to x[index[i][j]..][j].., in
/// order of i, j, ...
/// @param x floating
/// @param dim dimension along which to work
/// @param index as in gather
/// @param source tensor of index's shape
/// @return a tensor of x's shape
/// @throws ShapeError, DTypeError, IndexError
Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
/// A copy of x with elements of source in it: for dim 0, source[i][j].. replaces x[index[i][j]..][j]... Of
/// several for one place the last in the order of i, j, ... stays, and it alone has a gradient.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param index as in gather
/// @param source tensor of index's shape and x's dtype
/// @return a tensor of x's shape
/// @throws ShapeError, DTypeError, IndexError
Tensor scatter(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
/// Selects slices of x along a dimension.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param ids i64 [N], in 0 .. extent - 1
/// @return the N slices in the order of ids
/// @throws ShapeError, DTypeError, IndexError
Tensor index_select(const Tensor& x, int dim, const Tensor& ids);
/// The elements where a mask is true, in row-major order.
/// @param x tensor of any dtype
/// @param mask a mask; broadcast together with x
/// @return [N], N being the number of true elements
/// @throws ShapeError, DTypeError
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// Where x differs from 0 (NaN does), in row-major order.
/// @param x tensor of any dtype
/// @return i64 [N, ndim]: the coordinates of each of the N elements
/// @throws ValueError for an undefined tensor
Tensor nonzero(const Tensor& x);
/// Vectors with 1 at the position of the id and 0 elsewhere.
/// @param ids i64 [*], in 0 .. classes - 1
/// @param classes at least 1
/// @param dtype of the result
/// @return [*, classes]
/// @throws DTypeError, IndexError; ValueError for no classes
Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype = DType::f32);
/// Result of sort() and topk(). The sort is stable: equal values keep their order. NaN counts as the largest
/// value.
struct Sorted {
  Tensor values;   // the sorted values, of x's dtype
  Tensor indices;  // i64: position of each value in x along the dimension
};
/// Sorts along a dimension.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param descending whether the largest value comes first
/// @return values and indices, each of x's shape
/// @throws IndexError
Sorted sort(const Tensor& x, int dim = -1, bool descending = false);
/// The indices of sort().
/// @param x,dim,descending as in sort()
/// @return i64 of x's shape
/// @throws IndexError
inline Tensor argsort(const Tensor& x, int dim = -1, bool descending = false) {
  return sort(x, dim, descending).indices;
}
/// The k largest (or smallest) elements along a dimension, sorted from the largest (or smallest).
/// @param x tensor of any dtype
/// @param k number of elements, 0 .. extent of dim
/// @param dim dimension along which to work
/// @param largest whether to take the largest elements; false takes the smallest
/// @return values and indices, with extent k along dim
/// @throws IndexError for a k or dim outside its range
Sorted topk(const Tensor& x, int64_t k, int dim = -1, bool largest = true);
/// Result of unique().
struct Unique {
  Tensor values;   // [n], rising, each once
  Tensor inverse;  // i64, x's shape: where in `values` each element is
  Tensor counts;   // i64 [n]: how often each value is there
};
/// The different elements of a tensor. Every NaN is a value of its own; there is no gradient.
/// @param x tensor of any dtype
/// @return values, places and counts
/// @throws ValueError for an undefined tensor
Unique unique(const Tensor& x);
/// The median along a dimension: of an even number of elements the lower of the middle two; a NaN if there is
/// one.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @return values and indices, x's shape without dim
/// @throws IndexError, ShapeError for no elements
Sorted median(const Tensor& x, int dim = -1);
/// @{
/// The largest (smallest) element along a dimension and its place: the first one if several are equal, and it
/// alone has the gradient; a NaN if there is one. amax() and amin() share the gradient among equal ones.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param keep whether the dimension stays, with extent 1
/// @return values and indices
/// @throws IndexError, of a scalar too; ShapeError for no elements; ValueError for an undefined tensor
Sorted max(const Tensor& x, int dim, KeepDim keep = KeepDim::no);
Sorted min(const Tensor& x, int dim, KeepDim keep = KeepDim::no);
template <std::floating_point F>
Sorted max(const Tensor& x, F dim, KeepDim keep = KeepDim::no) = delete;  // a number: maximum(x, 0.5)
template <std::floating_point F>
Sorted min(const Tensor& x, F dim, KeepDim keep = KeepDim::no) = delete;
/// @}
/// @{
/// PyTorch's names for amax() and amin() over all dimensions.
/// @param x tensor of any dtype
/// @return a scalar
/// @throws ShapeError for no elements
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// @}
/// @{
/// PyTorch's names for maximum() and minimum() of two tensors.
/// @param a,b tensors of any dtype, broadcast to a common shape
/// @return a tensor of the common shape
/// @throws as maximum()
Tensor max(const Tensor& a, const Tensor& b);
Tensor min(const Tensor& a, const Tensor& b);
/// @}
/// @{
/// Index of the largest (smallest) element along a dimension: the first one if several are equal; that of a
/// NaN if there is one.
/// @param x tensor of any dtype
/// @param dim dimension along which to work
/// @param keep whether the dimension stays, with extent 1
/// @return i64, x's shape without dim
/// @throws IndexError, ShapeError for no elements
Tensor argmax(const Tensor& x, int dim = -1, KeepDim keep = KeepDim::no);
Tensor argmin(const Tensor& x, int dim = -1, KeepDim keep = KeepDim::no);
/// @}

}  // namespace heed
