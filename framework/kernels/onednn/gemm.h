// oneDNN behind plain functions: sgemm, and products with a right-hand side kept in oneDNN's own blocked
// layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace heed::kernels::onednn {

void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
          int64_t ldb, float beta, float* C, int64_t ldc);

/// Whether the CPU multiplies bf16 matrices (AVX512-BF16 or AMX).
bool has_bf16();
/// C[M, N] = op(A)[M, K] op(B)[K, N] (+ C) (+ bias [N] unless it is null), A and B dense bf16. A kernel is
/// made for each shape, once: about 1 ms.
void gemm_bf16(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const uint16_t* A, const uint16_t* B,
               bool accumulate, const float* bias, float* C, int64_t ldc);

/// What right-hand sides are packed for: B[K, N] in bf16 or f32, and products with `rows` rows.
struct Packing {
  int64_t rows, N, K;
  bool bf16;
};
/// Bytes of B in the layout that such products like best; 0 when that layout is the plain one.
size_t packed_bytes(const Packing& packing);
void pack(const Packing& packing, const float* B, int64_t row_stride, int64_t column_stride, void* packed);
/// C[M, N] = A[M, K] B + beta C; A f32, or bf16 when B is. False when oneDNN has no kernel for this M on that
/// layout.
bool multiply_packed(const Packing& packing, int64_t M, const void* A, int64_t lda, const void* packed,
                     bool accumulate, float* C, int64_t ldc);

std::string version();
void limit_isa(const char* isa);  // "avx2" or "baseline": before the first product

}  // namespace heed::kernels::onednn
