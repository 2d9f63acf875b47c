// Shapes and strides: up to six dimensions, stored inline without allocation.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace heed {

constexpr int kMaxDims = 6;  // the largest number of dimensions of a tensor

/// A short list of extents (or strides). Value type, never allocates. Throws ShapeError above six dimensions.
class Shape {
 public:
  Shape() = default;
  /// @param extent of the only dimension: zeros(3) is zeros({3})
  template <std::integral T>
  requires(!std::same_as<T, bool>) Shape(T extent) : Shape({static_cast<int64_t>(extent)}) {}
  /// @param dims extents, at most kMaxDims
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  /// @param dims extents, at most kMaxDims
  explicit Shape(std::span<const int64_t> dims);

  /// @return how many dimensions
  int ndim() const { return ndim_; }
  /// @{
  /// The extent of a dimension; the index is not checked.
  /// @param i 0 .. ndim() - 1
  /// @return the extent
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return dims_[static_cast<size_t>(i)]; }
  /// @}
  /// @return pointer to the first extent
  const int64_t* begin() const { return dims_.data(); }
  /// @return pointer past the last extent
  const int64_t* end() const { return dims_.data() + ndim_; }
  /// @return the last extent; there must be one
  int64_t back() const { return dims_[static_cast<size_t>(ndim_ - 1)]; }

  /// Adds a dimension at the end. Throws ShapeError beyond kMaxDims.
  /// @param extent of the new dimension
  void push_back(int64_t extent);
  /// @param dim 0 .. ndim() - 1
  /// @return a copy without that dimension
  Shape without(int dim) const;
  /// @param dim 0 .. ndim() - 1
  /// @param extent its new value
  /// @return a copy with that extent replaced
  Shape with(int dim, int64_t extent) const;

  /// @return the number of elements; 1 for a scalar's empty shape
  int64_t numel() const {
    int64_t n = 1;
    for (const int64_t d : *this) n *= d;
    return n;
  }
  /// @param other the shape to compare with
  /// @return whether both have the same number of dimensions and the same extents
  bool operator==(const Shape& other) const {
    bool equal = ndim_ == other.ndim_;
    for (int i = 0; equal && i < ndim_; ++i) equal = (*this)[i] == other[i];
    return equal;
  }
  /// @return "[3, 4]"
  std::string str() const;

 private:
  std::array<int64_t, kMaxDims> dims_{};
  int ndim_ = 0;
};

/// The dimensions that an op works on: one, or several in braces; negative ones count from the end.
class Dims {
 public:
  /// No dimension is named, which means all to a reduction.
  Dims() = default;
  /// @param dim the one dimension
  Dims(int dim) : list_{dim} {}
  /// @param dims the dimensions
  Dims(std::initializer_list<int> dims) : list_(dims) {}
  /// @param dims the dimensions
  Dims(std::vector<int> dims) : list_(std::move(dims)) {}
  /// @cond
  template <class T>
  requires(!std::is_convertible_v<const T&, int>) Dims(const T&) {
    static_assert(std::is_convertible_v<T, int>, "heed: dims are whole numbers: x.sum(1), x.sum({0, 1})");
  }
  /// @endcond
  /// @return the dimensions as a list
  operator const std::vector<int>&() const { return list_; }

 private:
  std::vector<int> list_;
};

/// For each dimension, the distance in elements between neighbouring indices.
using Strides = Shape;

/// The strides of a dense row-major tensor.
/// @param shape of the tensor
/// @return one stride per dimension, in elements
Strides contiguous_strides(const Shape& shape);

/// The shape that two operands broadcast to; dimensions are aligned from the right, as in NumPy.
/// @param op name of the calling op, used in error messages
/// @param a,b the operands' shapes
/// @return the common shape
/// @throws ShapeError naming `op` and both shapes
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

/// Converts a dimension that may be negative (counted from the end) to one in [0, ndim).
/// @param op name of the calling op, used in error messages
/// @param dim in [-ndim, ndim)
/// @param ndim number of dimensions of the tensor
/// @return the dimension in [0, ndim)
/// @throws IndexError naming `op` for a dim outside [-ndim, ndim)
int wrap_dim(const char* op, int dim, int ndim);

/// Converts a position in a dimension that may be negative (counted from the end) to one in [0, extent).
/// @param op name of the calling op, used in error messages
/// @param index in [-extent, extent)
/// @param dim the dimension, in [0, ndim)
/// @param shape of the tensor
/// @return the position in [0, extent)
/// @throws IndexError naming `op` for another index
int64_t wrap_index(const char* op, int64_t index, int dim, const Shape& shape);

/// Converts a list of dimensions to a set.
/// @param op name of the calling op, used in error messages
/// @param dims each in [-ndim, ndim)
/// @param ndim number of dimensions of the tensor
/// @return bit i: whether dimension i is in the list
/// @throws IndexError naming `op` for a dim outside [-ndim, ndim), ValueError for a dim named twice
std::bitset<kMaxDims> named_dims(const char* op, std::span<const int> dims, int ndim);

}  // namespace heed
