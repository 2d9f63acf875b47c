#include "framework/core/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "framework/core/error.h"

namespace heed {

Shape::Shape(std::span<const int64_t> dims) {
  for (const int64_t d : dims) push_back(d);
}

void Shape::push_back(int64_t extent) {
  if (ndim_ == kMaxDims) throw ShapeError("shape", fmt::format("more than {} dimensions", kMaxDims));
  dims_[static_cast<size_t>(ndim_++)] = extent;
}

Shape Shape::without(int dim) const {
  Shape result;
  for (int i = 0; i < ndim_; ++i) {
    if (i != dim) result.push_back((*this)[i]);
  }
  return result;
}

Shape Shape::with(int dim, int64_t extent) const {
  Shape result = *this;
  result[dim] = extent;
  return result;
}

std::string Shape::str() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

Strides contiguous_strides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  if (a == b) return a;
  const int ndim = std::max(a.ndim(), b.ndim());
  Shape result;
  for (int i = 0; i < ndim; ++i) {
    const int ia = i - (ndim - a.ndim()), ib = i - (ndim - b.ndim());
    const int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1) {
      throw ShapeError(op, fmt::format("shapes do not broadcast: {} and {}", a.str(), b.str()));
    }
    result.push_back(da == 1 ? db : da);
  }
  return result;
}

int wrap_dim(const char* op, int dim, int ndim) {
  if (dim < -ndim || dim >= ndim) {
    throw IndexError(op, fmt::format("dimension {} is outside [{}, {})", dim, -ndim, ndim));
  }
  return dim < 0 ? dim + ndim : dim;
}

int64_t wrap_index(const char* op, int64_t index, int dim, const Shape& shape) {
  const int64_t n = shape[dim];
  if (index < -n || index >= n) {
    throw IndexError(op, fmt::format("index {} is outside [{}, {}) of dimension {} of {}", index, -n, n, dim,
                                     shape.str()));
  }
  return index < 0 ? index + n : index;
}

std::bitset<kMaxDims> named_dims(const char* op, std::span<const int> dims, int ndim) {
  std::bitset<kMaxDims> named;
  for (const int dim : dims) {
    const int wrapped = wrap_dim(op, dim, ndim);
    if (named[static_cast<size_t>(wrapped)])
      throw ValueError(op, fmt::format("dimension {} is named twice", wrapped));
    named.set(static_cast<size_t>(wrapped));
  }
  return named;
}

}  // namespace heed
