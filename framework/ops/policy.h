// The autocast policy of an op, looked up in ops.def at compile time.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace heed {

/// What bf16 autocast (framework/core/autocast.h) does to an op.
enum class AutocastPolicy : uint8_t {
  gemm,      // under autocast, operands of the op's matrix products are rounded to bf16
  f32_math,  // always computed in f32: exponentials, logarithms, long sums, losses
  any        // would tolerate bf16, but is computed in f32 because tensors are never stored in bf16
};

/// @param op name of an op
/// @return its policy; `any` if ops.def has no such row, as for an op defined by a user
constexpr AutocastPolicy autocast_policy(std::string_view op) {
#define OP(name, file, policy) \
  if (op == #name) return AutocastPolicy::policy;
#include "framework/ops/ops.def"
#undef OP
  return AutocastPolicy::any;
}

namespace detail {

constexpr bool is_row(std::string_view op) {
#define OP(name, file, policy) \
  if (op == #name) return true;
#include "framework/ops/ops.def"
#undef OP
  return false;
}

/// Name of the row of ops.def that an op's struct belongs to: the struct's kRow if it has one (it is part of
/// another op), else its kName; empty for an op defined by a user.
template <class Op>
constexpr std::string_view row_of() {
  if constexpr (requires { Op::kRow; }) {
    return Op::kRow;
    /// A name that is known when compiling.
  } else if constexpr (requires { typename std::bool_constant<is_row(Op::kName)>; }) {
    return is_row(Op::kName) ? Op::kName : std::string_view{};
  } else {
    return {};
  }
}

}  // namespace detail
}  // namespace heed
