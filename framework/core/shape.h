// Shapes and strides: up to six dimensions, kept inline.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace heed {

constexpr int kMaxDims = 6;

/// A short list of extents (or strides). Value type, never allocates. Throws ShapeError above six dimensions.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims);

  int ndim() const { return ndim_; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return dims_[static_cast<size_t>(i)]; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + ndim_; }
  int64_t back() const { return dims_[static_cast<size_t>(ndim_ - 1)]; }

  void push_back(int64_t extent);
  Shape without(int dim) const;               // one dimension fewer
  Shape with(int dim, int64_t extent) const;  // one extent replaced

  /// The number of elements; 1 for a scalar's empty shape.
  int64_t numel() const {
    int64_t n = 1;
    for (const int64_t d : *this) n *= d;
    return n;
  }
  bool operator==(const Shape& other) const {
    bool equal = ndim_ == other.ndim_;
    for (int i = 0; equal && i < ndim_; ++i) equal = (*this)[i] == other[i];
    return equal;
  }
  std::string str() const;  // "[3, 4]"

 private:
  std::array<int64_t, kMaxDims> dims_{};
  int ndim_ = 0;
};

using Strides = Shape;

/// Row-major strides of a dense tensor, in elements.
Strides contiguous_strides(const Shape& shape);

/// The shape two operands broadcast to, right-aligned as in NumPy. Throws ShapeError naming `op` and both shapes.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

/// Wraps a negative dimension. Throws IndexError naming `op` outside [-ndim, ndim).
int wrap_dim(const char* op, int dim, int ndim);

}  // namespace heed
