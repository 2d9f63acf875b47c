// Ops that change shapes and order: views where strides allow.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// The same elements, row-major, in another shape.
/// @param x any dtype
/// @param shape one extent may be -1: what is left
/// @return a view when x is contiguous, else a copy
/// @throws ShapeError when the element counts differ
Tensor reshape(const Tensor& x, const Shape& shape);
/// Dimensions in another order.
/// @param x any dtype
/// @param order [i]: which dimension of x becomes dimension i
/// @return a view
/// @throws ShapeError, IndexError, ValueError for an order that is none
Tensor permute(const Tensor& x, std::vector<int> order);
/// Two dimensions exchanged.
/// @param x any dtype
/// @param dim_a,dim_b which
/// @return a view
/// @throws IndexError
Tensor transpose(const Tensor& x, int dim_a = -2, int dim_b = -1);
/// Stretches extents of 1 and adds dimensions in front.
/// @param x any dtype
/// @param shape of the result
/// @return a view
/// @throws ShapeError
Tensor expand(const Tensor& x, const Shape& shape);
/// x[.., start:end, ..].
/// @param x any dtype
/// @param dim along which
/// @param start,end 0 <= start <= end <= extent
/// @return a view
/// @throws IndexError
Tensor slice(const Tensor& x, int dim, int64_t start, int64_t end);
/// x[.., index, ..].
/// @param x any dtype
/// @param dim along which
/// @param index 0 .. extent - 1
/// @return a view without that dimension
/// @throws IndexError
Tensor select(const Tensor& x, int dim, int64_t index);
/// A dimension of extent 1 more.
/// @param x any dtype
/// @param dim where it stands in the result
/// @return a view
/// @throws IndexError
Tensor unsqueeze(const Tensor& x, int dim);
/// A dimension of extent 1 less.
/// @param x any dtype
/// @param dim which
/// @return a view
/// @throws IndexError, ShapeError for another extent
Tensor squeeze(const Tensor& x, int dim);
/// One behind the other.
/// @param parts at least one; equal but along dim
/// @param dim along which
/// @return a copy
/// @throws ShapeError, DTypeError, IndexError
Tensor concat(std::span<const Tensor> parts, int dim);
/// concat({a, b}, 0).
/// @param parts,dim as above
/// @return a copy
/// @throws as above
inline Tensor concat(std::initializer_list<Tensor> parts, int dim) {
  return concat(std::span<const Tensor>(parts.begin(), parts.size()), dim);
}
/// Side by side in a new dimension.
/// @param parts at least one, of one shape
/// @param dim where the new dimension stands in the result
/// @return a copy
/// @throws ShapeError, DTypeError, IndexError
Tensor stack(std::span<const Tensor> parts, int dim);
/// stack({a, b}, 0).
/// @param parts,dim as above
/// @return a copy
/// @throws as above
inline Tensor stack(std::initializer_list<Tensor> parts, int dim) {
  return stack(std::span<const Tensor>(parts.begin(), parts.size()), dim);
}

/// The order turned round.
/// @param x any dtype
/// @param dims along which
/// @return a copy
/// @throws IndexError, ValueError for a dim named twice
Tensor flip(const Tensor& x, std::vector<int> dims);
/// Elements put before and after a dimension.
struct Padding {
  int64_t before = 0, after = 0;  // at least 0
};
/// x inside a larger tensor.
/// @param x any dtype
/// @param widths one for each dimension
/// @param value of what is added
/// @return x's extents plus the widths
/// @throws ShapeError, ValueError for a negative width
Tensor pad(const Tensor& x, std::vector<Padding> widths, double value = 0);
/// @{
/// The lower, the upper triangle of matrices, 0 elsewhere.
/// @param x [*, M, N]
/// @param diagonal the last one that stays: 0 is the main one, 1 the one above
/// @return of x's shape
/// @throws ShapeError
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// @}
/// Parts of given sizes.
/// @param x any dtype
/// @param sizes make up the extent
/// @param dim along which
/// @return views
/// @throws ValueError, IndexError
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int dim);
/// Parts of ceil(extent / chunks), the last one shorter; fewer than `chunks` when that is enough.
/// @param x any dtype
/// @param chunks at least 1
/// @param dim along which
/// @return views
/// @throws ValueError, IndexError
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int dim);

}  // namespace heed
