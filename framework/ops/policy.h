// The autocast policy of an op, read from the table at compile time.
#pragma once

#include <cstdint>
#include <string_view>

namespace heed {

/// What bf16 autocast (framework/core/autocast.h) does to an op.
enum class AutocastPolicy : uint8_t {
  gemm,      // operands of its products are rounded to bf16
  f32_math,  // must have f32: exponentials, logarithms, long sums, losses
  any        // would take bf16, and is computed in f32 as nothing is stored in bf16
};

/// @param op name of a row of ops.def
/// @return its policy; `any` when the table has no such row, as for a user's own op
constexpr AutocastPolicy autocast_policy(std::string_view op) {
#define OP(name, file, policy) \
  if (op == #name) return AutocastPolicy::policy;
#include "framework/ops/ops.def"
#undef OP
  return AutocastPolicy::any;
}

namespace detail {

/// Of an op's struct: that of the row of its name, or of `kRow` where it is a part of another op.
template <class Op>
constexpr AutocastPolicy policy_of() {
  if constexpr (requires { Op::kRow; }) {
    return autocast_policy(Op::kRow);
  } else {
    return autocast_policy(Op::kName);
  }
}

}  // namespace detail
}  // namespace heed
