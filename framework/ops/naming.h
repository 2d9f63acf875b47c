// Errors name the op that the user called, also where an undefined tensor was handed to it and where it is made of other ops.
#pragma once

#include "framework/core/tensor.h"

namespace heed::detail {

/// Refuses undefined tensors, before anything asks them for a shape.
/// @param op that they were handed to
/// @param tensors all that must be defined
/// @throws ValueError "matmul: the tensor is undefined, it was never given a value"
template <class... Tensors>
void require_defined(const char* op, const Tensors&... tensors) {
  (body_of(tensors.body(), op), ...);
}

/// Inside a catch block: throws the error on, of the same type; where it names an op below, it names `op` instead.
/// @param op the composition
[[noreturn]] void rethrow_as(const char* op);

/// Runs a composition of other ops. What one of them throws is thrown on under the composition's name; nothing is spent where nothing
/// throws.
///   Tensor stddev(...) { return detail::composed("stddev", [&] { return sqrt(var(x, dims, correction, keep)); }); }
/// @param op its name
/// @param f calls the ops below
/// @return what f returns
template <class F>
auto composed(const char* op, const F& f) {
  try {
    return f();
  } catch (const Error&) {
    rethrow_as(op);
  }
}

}  // namespace heed::detail
