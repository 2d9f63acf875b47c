// How exactly products of f32 matrices are computed.
#pragma once

namespace heed {

/// f32: operands as they are. bf16: both operands rounded to bfloat16 (8 bits of precision), products summed in f32: a relative error of
/// about 2^-8 an operand, at several times the speed on a CPU with AMX or AVX512-BF16 (Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep
/// Learning Training"). Parameters, gradients and the optimiser stay f32; f64 is never touched.
enum class MatmulPrecision { f32, bf16 };

/// @return the precision of the whole process; f32 at first
MatmulPrecision matmul_precision();
/// For the whole process. Where the CPU has no bf16 products (has_bf16_products()), bf16 computes in f32.
/// @param precision from now on
void set_matmul_precision(MatmulPrecision precision);
/// @return whether the CPU multiplies bf16 matrices itself: AMX or AVX512-BF16
bool has_bf16_products();

/// Sets the precision while it lives.
class MatmulPrecisionGuard {
 public:
  /// @param precision until the guard dies
  explicit MatmulPrecisionGuard(MatmulPrecision precision) : before_(matmul_precision()) { set_matmul_precision(precision); }
  ~MatmulPrecisionGuard() { set_matmul_precision(before_); }
  MatmulPrecisionGuard(const MatmulPrecisionGuard&) = delete;
  MatmulPrecisionGuard& operator=(const MatmulPrecisionGuard&) = delete;

 private:
  MatmulPrecision before_;
};

}  // namespace heed
