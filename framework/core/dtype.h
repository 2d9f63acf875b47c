// Element types: f32 for training, f64 for gradient checks, i64 for ids and lengths, boolean for masks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace heed {

/// The type of a tensor's elements, known at run time.
enum class DType : uint8_t {
  f32,     // float
  f64,     // double
  i64,     // int64_t
  boolean  // bool, one byte per element
};

/// @param dtype any element type
/// @return bytes of one element
constexpr size_t size_of(DType dtype) {
  return dtype == DType::boolean ? sizeof(bool) : dtype == DType::f32 ? 4 : 8;
}
/// @param dtype any element type
/// @return whether tensors of this type can have gradients: true for f32 and f64
constexpr bool is_floating(DType dtype) { return dtype == DType::f32 || dtype == DType::f64; }
/// @param dtype any element type
/// @return the name used in error messages: "f32", "f64", "i64", "bool"
constexpr const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::i64:
      return "i64";
    case DType::boolean:
      break;
  }
  return "bool";
}

/// The common type of two operands: the later of the two in the order bool, i64, f32, f64.
///
/// | operands | bool | i64 | f32 | f64 | a bool | a whole number | another number |
/// |---|---|---|---|---|---|---|---|
/// | **bool** | bool | i64 | f32 | f64 | bool | i64 | f32 |
/// | **i64** | i64 | i64 | f32 | f64 | i64 | i64 | f32 |
/// | **f32** | f32 | f32 | f32 | f64 | f32 | f32 | f32 |
/// | **f64** | f64 | f64 | f64 | f64 | f64 | f64 | f64 |
///
/// The last three columns are numbers of the program (Scalar), which never widen what is floating already.
/// Ops that compute make one more step: `+ - *`, sum, prod and cumsum take masks as i64, so that they count;
/// `/`, mean and the functions with fractional values (exp, sqrt, var, ...) take masks and i64 as f32.
/// @param a,b any two element types
/// @return the type that both are converted to
constexpr DType promote(DType a, DType b) {
  constexpr auto rank = [](DType dtype) {
    return dtype == DType::boolean ? 0 : dtype == DType::i64 ? 1 : dtype == DType::f32 ? 2 : 3;
  };
  return rank(a) < rank(b) ? b : a;
}

/// @tparam T float, double, int64_t or bool
/// @return the DType of T
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::f32;
  if constexpr (std::is_same_v<T, double>) return DType::f64;
  if constexpr (std::is_same_v<T, bool>) return DType::boolean;
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, bool> ||
                    std::is_same_v<T, int64_t>,
                "the elements of a heed tensor are float, double, int64_t or bool");
  return DType::i64;
}

/// Calls f(float{}) or f(double{}) depending on the run-time type.
/// @param op name of the calling op, used in error messages
/// @param dtype f32 or f64
/// @param f a generic callable
/// @return what f returns
/// @throws DTypeError for other types
template <class F>
decltype(auto) dispatch_floating(const char* op, DType dtype, F&& f);

/// Calls f(T{}) with the C++ type T that corresponds to the run-time type.
/// @param dtype any element type
/// @param f a generic callable
/// @return what f returns
template <class F>
decltype(auto) dispatch_all(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::boolean:
      return f(bool{});
    case DType::i64:
      break;
  }
  return f(int64_t{});
}

}  // namespace heed

#include "framework/core/error.h"

namespace heed {

template <class F>
decltype(auto) dispatch_floating(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    default:
      break;
  }
  throw DTypeError(op, std::string("takes f32 or f64, got ") + name_of(dtype));
}

}  // namespace heed
