// Element types: f32 trains, f64 checks gradients, i64 holds ids and lengths, boolean holds masks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heed {

enum class DType : uint8_t { f32, f64, i64, boolean };

/// Bytes of one element.
constexpr size_t size_of(DType dtype) { return dtype == DType::boolean ? sizeof(bool) : dtype == DType::f32 ? 4 : 8; }
constexpr bool is_floating(DType dtype) { return dtype == DType::f32 || dtype == DType::f64; }
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

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::f64;
}
template <>
constexpr DType dtype_of<int64_t>() {
  return DType::i64;
}
template <>
constexpr DType dtype_of<bool>() {
  return DType::boolean;
}

/// Calls f(float{}) or f(double{}) by the run-time type; `op` names the caller in the DTypeError for other types.
template <class F>
decltype(auto) dispatch_floating(const char* op, DType dtype, F&& f);

/// Calls f(T{}) by the run-time type, of any kind.
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
  throw DTypeError(std::string(op) + ": takes f32 or f64, got " + name_of(dtype));
}

}  // namespace heed
