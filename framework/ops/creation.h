// Tensors made like others, in random orders, and as grids of coordinates; what is made from a shape alone is
// in core/tensor.h.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// Numbers in braces, as deep as a tensor has dimensions: {{1, 2}, {3, 4}}. What tensor() takes.
class NestedValues {
 public:
  /// @param number the one value of a scalar
  template <class T>
  requires std::is_arithmetic_v<T> NestedValues(T number) : numbers_{number} {}
  /// @param parts all of one shape
  /// @throws ShapeError for parts of several shapes, and beyond kMaxDims
  NestedValues(std::initializer_list<NestedValues> parts);
  /// @return one extent for each depth of the braces
  const Shape& shape() const { return shape_; }
  /// @return the numbers in row-major order
  const std::vector<Scalar>& numbers() const { return numbers_; }

 private:
  Shape shape_;
  std::vector<Scalar> numbers_;
};
/// A tensor with the given values: tensor({{1.5, 2}, {3, 4}}).
/// @param values numbers in braces, or one number
/// @param dtype type of the elements; none: i64 for whole numbers, bool for bools, else f32, also for doubles
/// @return a tensor of as many dimensions as the braces are deep
/// @throws ShapeError, where the values are made; MemoryError
Tensor tensor(const NestedValues& values, std::optional<DType> dtype = {});
/// @{
/// A new tensor of x's shape and dtype whose elements are uninitialised (empty_like), all 0, all 1, or all
/// `value`.
/// @param x tensor of any dtype
/// @return a leaf that does not require a gradient
/// @throws ValueError for an undefined tensor, MemoryError
Tensor empty_like(const Tensor& x);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
/// @}
/// A new tensor of x's shape and dtype whose elements are all equal.
/// @param x tensor of any dtype
/// @param value value of every element, converted to the dtype
/// @return a leaf that does not require a gradient
/// @throws ValueError for an undefined tensor, MemoryError
Tensor full_like(const Tensor& x, Scalar value);
/// Independent random values from default_generator(), uniform in [low, high), in x's shape and dtype.
/// @param x floating
/// @param low,high the range
/// @return a leaf that does not require a gradient
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor, MemoryError
Tensor uniform_like(const Tensor& x, double low = 0, double high = 1);
/// PyTorch's name for uniform values in [0, 1), in x's shape and dtype.
/// @param x floating
/// @return a leaf that does not require a gradient
/// @throws as uniform_like()
inline Tensor rand_like(const Tensor& x) { return uniform_like(x); }
/// Independent random values from default_generator(), normal with mean 0 and standard deviation 1, in x's
/// shape and dtype.
/// @param x floating
/// @return a leaf that does not require a gradient
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor, MemoryError
Tensor randn_like(const Tensor& x);
/// Independent random integers from default_generator(), uniform in low .. high - 1.
/// @param low,high the range
/// @param shape extents, each at least 0
/// @return i64
/// @throws ValueError unless low < high, ShapeError for a negative extent, MemoryError
Tensor randint(int64_t low, int64_t high, const Shape& shape);
/// The same from 0.
/// @param high,shape as in the overload above
/// @return i64
/// @throws as the overload above
inline Tensor randint(int64_t high, const Shape& shape) { return randint(0, high, shape); }
/// The integers 0 .. n - 1 in a random order from default_generator() (Fisher & Yates; Knuth 1997, vol. 2,
/// sec. 3.4.2, algorithm P).
/// @param n how many, at least 0
/// @return i64 [n]
/// @throws ShapeError for a negative n, MemoryError
Tensor randperm(int64_t n);
/// Draws indices with given weights, from default_generator(). Without replacement an index is drawn once at
/// most, as if each were drawn from what the others leave (Efraimidis & Spirakis 2006).
/// @param weights floating [C] or [B, C], at least 0, finite; they need not sum to 1
/// @param count draws per row
/// @param replacement whether an index may be drawn again
/// @return i64 [count] or [B, count]
/// @throws ShapeError, DTypeError; ValueError for weights that are negative, not finite or all 0, and without
///   replacement for more draws than weights above 0
Tensor multinomial(const Tensor& weights, int64_t count, bool replacement = false);
/// Coordinates of a grid: for vectors of extents N1 .. Nk, result i has vector i along its dimension i and is
/// constant along the others (PyTorch's indexing="ij").
/// @param axes vectors of any dtype, at most kMaxDims
/// @return one view for each vector, all [N1, .., Nk]
/// @throws ShapeError for a tensor that is not a vector, and for more than kMaxDims
std::vector<Tensor> meshgrid(std::span<const Tensor> axes);
/// The same for a list in braces: meshgrid({x, y}).
/// @param axes as in the overload above
/// @return as the overload above
/// @throws as the overload above
inline std::vector<Tensor> meshgrid(std::initializer_list<Tensor> axes) {
  return meshgrid(std::span<const Tensor>(axes.begin(), axes.size()));
}

}  // namespace heed
