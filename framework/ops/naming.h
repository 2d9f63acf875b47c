// Makes errors name the op that the user called, also for undefined inputs and for ops composed of other ops.
#pragma once

#include "framework/core/tensor.h"

namespace heed::detail {

/// Throws if a tensor is undefined, before its shape is read.
/// @param op name of the op that received the tensors
/// @param tensors the tensors that must be defined
/// @throws ValueError "matmul: the tensor is undefined, it was never given a value"
template <class... Tensors>
void require_defined(const char* op, const Tensors&... tensors) {
  (body_of(tensors.body(), op), ...);
}

/// Called inside a catch block: rethrows the current error with its type; if the message starts with the name
/// of an inner op, it then names `op` instead. Exception types derived by users are rethrown unchanged.
/// @param op name of the composed op
[[noreturn, gnu::cold]] void rethrow_as(const char* op);
/// Like rethrow_as, but only for the errors that allocating a tensor can throw: an invalid shape and
/// MemoryError.
/// @param op name of the op whose forward allocates
[[noreturn, gnu::cold]] void rethrow_allocation_as(const char* op);

/// Runs an op that is composed of other ops. An error of an inner op is rethrown with the composed op's name;
/// there is no cost unless something throws.
///   Tensor mean(...) { return detail::composed("mean", [&] { return sum(x, dims, keep) * (1 / count); }); }
/// @param op name of the composed op
/// @param f function that calls the inner ops
/// @return the result of f
template <class F>
auto composed(const char* op, const F& f) {
  try {
    return f();
  } catch (const Error&) {
    rethrow_as(op);
  }
}

}  // namespace heed::detail
