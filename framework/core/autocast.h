// bf16 autocast: which ops may round the operands of their products, and when.
#pragma once

#include <atomic>

namespace heed {

/// While an AutocastGuard exists, the calling thread computes its matrix products, convolutions, recurrent
/// and attention ops (the rows of framework/ops/ops.def whose policy is `gemm`) with f32 operands rounded to
/// bfloat16 (8 bits of precision) and sums in f32. This adds a relative error of about 2^-8 per operand and
/// is several times as fast on a CPU with AMX or AVX512-BF16. Everything else is unchanged: parameters,
/// gradients and the optimiser stay f32, as do all other ops and all f64 computation (Micikevicius et al.
/// 2018, "Mixed Precision Training"; Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training").
/// On a CPU without bf16 products (see has_bf16_products()) everything is computed in f32.
/// Only the forward pass needs the guard: backward rounds in exactly those ops that were recorded under it,
/// whatever thread backward runs on.
class AutocastGuard {
 public:
  /// @param on whether to round until this guard is destroyed; false restores full precision inside another
  ///   guard
  explicit AutocastGuard(bool on = true) : before_(on_) { on_ = on; }
  ~AutocastGuard() { on_ = before_; }
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;
  /// @return whether rounding is on for the calling thread, as set by its innermost guard
  static bool active() { return on_; }

 private:
  static inline constinit thread_local bool on_ = false;
  bool before_;
};

/// @return whether the CPU has instructions for bf16 matrix products: AMX or AVX512-BF16
bool has_bf16_products();

namespace detail {

/// For tests: round products and convolutions of every size, including sizes where rounding is slower than
/// f32.
inline constinit std::atomic<bool> round_every_size{false};

/// The flag that kernels read to decide whether to round: apply() sets it for an op whose policy is `gemm`,
/// and parallel_for copies it to its worker threads.
class RoundedProducts {
 public:
  explicit RoundedProducts(bool on) : before_(on_) { on_ = on; }
  ~RoundedProducts() { on_ = before_; }
  RoundedProducts(const RoundedProducts&) = delete;
  RoundedProducts& operator=(const RoundedProducts&) = delete;
  static bool active() { return on_; }

 private:
  static inline constinit thread_local bool on_ = false;
  bool before_;
};

}  // namespace detail
}  // namespace heed
