// A number of the program as an operand of tensors: x > 0, ids + 1, where(mask, x, 0.0).
#pragma once

#include <cstdint>
#include <type_traits>

#include "framework/core/dtype.h"

namespace heed {

class Tensor;

/// A number whose C++ type says how it is promoted (promote() in dtype.h): a bool, a whole number, or
/// another one. Converts implicitly from every arithmetic type; whole numbers keep all of their 64 bits.
class Scalar {
 public:
  /// @param value the number; unsigned ones above 2^63 - 1 wrap around
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr Scalar(T value)  // implicit on purpose: it is what makes x > 0 readable
      : value_(static_cast<double>(value)), whole_(whole_of(value)), kind_(kind_of<T>()) {}

  /// @cond
  // Beside what is neither a tensor nor a number an op gives one message, not a list of all its forms.
  template <class T>
  requires(!std::is_arithmetic_v<T>) && (!std::is_convertible_v<const T&, Tensor>)constexpr Scalar(const T&)
      : value_(0),
  whole_(0), kind_(DType::f32) {
    static_assert(std::is_arithmetic_v<T>, "heed: the other operand must be a tensor or a number");
  }
  /// @endcond

  /// @return the number as double
  constexpr double value() const { return value_; }
  /// @return the number as an integer, cut towards zero; 0 for what no integer holds
  constexpr int64_t whole() const { return whole_; }
  /// The type of the result with a tensor: the row of the table in dtype.h.
  /// @param tensor type of the tensor's elements
  /// @return the type that both are converted to
  constexpr DType with(DType tensor) const { return is_floating(tensor) ? tensor : promote(tensor, kind_); }
  /// @tparam T an arithmetic type
  /// @return the number as that type
  template <class T>
  constexpr T as() const {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) return static_cast<T>(whole_);
    return static_cast<T>(value_);
  }

 private:
  template <class T>
  static constexpr int64_t whole_of(T value) {
    if constexpr (std::is_floating_point_v<T>) {
      return value >= T(-0x1p63) && value < T(0x1p63) ? static_cast<int64_t>(value) : 0;
    } else {
      return static_cast<int64_t>(value);
    }
  }
  template <class T>
  static constexpr DType kind_of() {
    if (std::is_same_v<T, bool>) return DType::boolean;
    return std::is_integral_v<T> ? DType::i64 : DType::f32;
  }

  double value_;
  int64_t whole_;
  DType kind_;
};

}  // namespace heed
