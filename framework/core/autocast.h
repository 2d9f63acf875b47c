// bf16 autocast: which ops may round the operands of their products, and when.
#pragma once

#include <atomic>

namespace heed {

/// While one lives, the calling thread's products, convolutions and recurrent and attention ops (the rows of framework/ops/ops.def whose
/// policy is `gemm`) round their f32 operands to bfloat16, 8 bits of precision, and sum in f32: a relative error of about 2^-8 an operand,
/// at several times the speed on a CPU with AMX or AVX512-BF16. Everything else stays as it is: parameters, gradients and the optimiser in
/// f32, all other ops, f64 (Micikevicius et al. 2018, "Mixed Precision Training"; Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep
/// Learning Training"). Where the CPU has no bf16 products (has_bf16_products()) all is computed in f32.
/// Put it around the forward: backward rounds in those ops that were recorded under it, on whatever thread it runs.
class AutocastGuard {
 public:
  /// @param on until the guard dies; false: in full precision inside another guard
  explicit AutocastGuard(bool on = true) : before_(on_) { on_ = on; }
  ~AutocastGuard() { on_ = before_; }
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;
  /// @return whether the innermost one of this thread is on
  static bool active() { return on_; }

 private:
  static inline constinit thread_local bool on_ = false;
  bool before_;
};

/// @return whether the CPU multiplies bf16 matrices itself: AMX or AVX512-BF16
bool has_bf16_products();

namespace detail {

/// For tests: products and convolutions of any size are rounded, also where that does not pay.
inline constinit std::atomic<bool> round_every_size{false};

/// What kernels look at: apply() sets it for an op of policy `gemm`, parallel_for hands it to its threads.
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
