// The autocast policy of an op, read from the table at compile time.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

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

constexpr bool is_row(std::string_view op) {
#define OP(name, file, policy) \
  if (op == #name) return true;
#include "framework/ops/ops.def"
#undef OP
  return false;
}

/// The row that an op's struct belongs to: that of its name, or of `kRow` where it is a part of another op; empty for a user's own.
template <class Op>
constexpr std::string_view row_of() {
  if constexpr (requires { Op::kRow; }) {
    return Op::kRow;
  } else if constexpr (requires { typename std::bool_constant<is_row(Op::kName)>; }) {  // a name that is known when compiling
    return is_row(Op::kName) ? Op::kName : std::string_view{};
  } else {
    return {};
  }
}

}  // namespace detail
}  // namespace heed
