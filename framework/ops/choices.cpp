#include "framework/ops/choices.h"

#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/naming.h"

namespace heed::detail {

void throw_outside(const char* op, int64_t number, const Shape& shape, int dim) {
  throw IndexError(op, fmt::format("index {} is outside 0..{} of dimension {} of {}", number, shape[dim] - 1,
                                   dim, shape.str()));
}

void check_choices(const char* op, int64_t count, const int64_t* chosen, const Shape& shape, int dim) {
  const int64_t outside = kernels::first_outside(count, chosen, shape[dim]);
  if (outside < count) throw_outside(op, chosen[outside], shape, dim);
}

void check_index(const char* op, const Tensor& index, const Shape& x, int dim) {
  detail::require_defined(op, index);
  if (index.dtype() != DType::i64)
    throw DTypeError(op, fmt::format("the index must be i64, got {}", index.describe()));
  bool fits = index.ndim() == x.ndim();
  for (int i = 0; fits && i < x.ndim(); ++i) fits = i == dim || index.shape()[i] <= x[i];
  if (!fits)
    throw ShapeError(op, fmt::format("the index {} does not fit {} along dimension {}", index.shape().str(),
                                     x.str(), dim));
}

void check_source(const char* op, const Tensor& index, const Tensor& source, const Tensor& x, int dim) {
  check_index(op, index, x.shape(), dim);
  if (source.shape() != index.shape()) {
    throw ShapeError(op, fmt::format("the index {} does not fit the source {}", index.shape().str(),
                                     source.shape().str()));
  }
  if (source.dtype() != x.dtype())
    throw DTypeError(op, fmt::format("dtypes differ: {} and {}", x.describe(), source.describe()));
}

}  // namespace heed::detail
