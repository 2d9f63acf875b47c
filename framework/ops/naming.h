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

/// Inside a catch block: throws the error on, of the same type; where it names an op below, it names `op` instead. A type of the user's own
/// stays as it is.
/// @param op the composition
[[noreturn, gnu::cold]] void rethrow_as(const char* op);
/// The same for what a new tensor is refused alone: its extents, its memory.
/// @param op whose forward wanted the tensor
[[noreturn, gnu::cold]] void rethrow_allocation_as(const char* op);

/// Runs a composition of other ops. What one of them throws is thrown on under the composition's name; nothing is spent where nothing
/// throws.
///   Tensor mean(...) { return detail::composed("mean", [&] { return sum(x, dims, keep) * (1 / count); }); }
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
