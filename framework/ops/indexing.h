// Elements chosen by whole numbers, and sorting. An index is i64 (DTypeError), inside its dimension (IndexError).
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// y[i][j].. = x[index[i][j]..][j].. along dim 0, and so on.
/// @param x any dtype
/// @param dim along which
/// @param index i64 with x's dimensions, no longer than x beside dim
/// @return of the index's shape
/// @throws ShapeError, DTypeError, IndexError
Tensor gather(const Tensor& x, int dim, const Tensor& index);
/// x with source[i][j].. added to x[index[i][j]..][j].., in order.
/// @param x floating
/// @param dim along which
/// @param index as in gather
/// @param source of the index's shape
/// @return of x's shape
/// @throws ShapeError, DTypeError, IndexError
Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
/// Slices of x.
/// @param x any dtype
/// @param dim along which
/// @param ids i64 [N], in 0 .. extent - 1
/// @return N slices, in their order
/// @throws ShapeError, DTypeError, IndexError
Tensor index_select(const Tensor& x, int dim, const Tensor& ids);
/// 1 at the id and 0 elsewhere.
/// @param ids i64 [*], in 0 .. classes - 1
/// @param classes at least 1
/// @param dtype of the result
/// @return [*, classes]
/// @throws DTypeError, IndexError
Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype = DType::f32);
/// Values and where they stood, i64, along a dimension. Equal ones stay in order, NaN counts as the largest.
struct Sorted {
  Tensor values;   // of x's dtype
  Tensor indices;  // i64
};
/// Sorts along a dimension.
/// @param x any dtype
/// @param dim along which
/// @param descending the largest first
/// @return of x's shape both
/// @throws IndexError
Sorted sort(const Tensor& x, int dim = -1, bool descending = false);
/// The k largest (or smallest), the first first.
/// @param x any dtype
/// @param k 0 .. extent
/// @param dim along which
/// @param largest or the smallest
/// @return k along dim
/// @throws IndexError for another k or dim
Sorted topk(const Tensor& x, int64_t k, int dim = -1, bool largest = true);
/// @{
/// Where the largest, the smallest stands: the first of equals; a NaN before all.
/// @param x floating
/// @param dim along which
/// @return i64, without dim
/// @throws IndexError, ShapeError for no elements
Tensor argmax(const Tensor& x, int dim = -1);
Tensor argmin(const Tensor& x, int dim = -1);
/// @}

}  // namespace heed
