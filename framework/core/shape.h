// Shapes and strides: up to six dimensions, kept inline.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace heed {

constexpr int kMaxDims = 6;  // the most dimensions of a tensor

/// A short list of extents (or strides). Value type, never allocates. Throws ShapeError above six dimensions.
class Shape {
 public:
  Shape() = default;
  /// @param dims extents, at most kMaxDims
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  /// @param dims extents, at most kMaxDims
  explicit Shape(std::span<const int64_t> dims);

  /// @return how many dimensions
  int ndim() const { return ndim_; }
  /// @{
  /// An extent, unchecked.
  /// @param i 0 .. ndim() - 1
  /// @return the extent
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return dims_[static_cast<size_t>(i)]; }
  /// @}
  /// @return the first extent's place
  const int64_t* begin() const { return dims_.data(); }
  /// @return the place after the last extent
  const int64_t* end() const { return dims_.data() + ndim_; }
  /// @return the last extent; there must be one
  int64_t back() const { return dims_[static_cast<size_t>(ndim_ - 1)]; }

  /// Adds a dimension at the end. Throws ShapeError beyond kMaxDims.
  /// @param extent of the new dimension
  void push_back(int64_t extent);
  /// @param dim 0 .. ndim() - 1
  /// @return one dimension fewer
  Shape without(int dim) const;
  /// @param dim 0 .. ndim() - 1
  /// @param extent its new value
  /// @return one extent replaced
  Shape with(int dim, int64_t extent) const;

  /// @return the number of elements; 1 for a scalar's empty shape
  int64_t numel() const {
    int64_t n = 1;
    for (const int64_t d : *this) n *= d;
    return n;
  }
  /// @param other compared in ndim and every extent
  /// @return whether they are equal
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

/// How many elements lie between neighbours along each dimension.
using Strides = Shape;

/// Row-major strides of a dense tensor.
/// @param shape of the tensor
/// @return in elements
Strides contiguous_strides(const Shape& shape);

/// The shape two operands broadcast to, right-aligned as in NumPy.
/// @param op stands in messages
/// @param a,b the operands' shapes
/// @return the common shape
/// @throws ShapeError naming `op` and both shapes
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

/// Wraps a negative dimension.
/// @param op stands in messages
/// @param dim in [-ndim, ndim)
/// @param ndim of the tensor
/// @return in [0, ndim)
/// @throws IndexError naming `op` outside
int wrap_dim(const char* op, int dim, int ndim);

/// Which dimensions a list names.
/// @param op stands in messages
/// @param dims each in [-ndim, ndim)
/// @param ndim of the tensor
/// @return whether, by dimension
/// @throws IndexError naming `op` for a dim outside, ValueError for one named twice
std::bitset<kMaxDims> named_dims(const char* op, std::span<const int> dims, int ndim);

}  // namespace heed
