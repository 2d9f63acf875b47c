// oneDNN behind plain functions: sgemm, and products with a right-hand side kept in oneDNN's own blocked layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace heed::kernels::onednn {

void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B, int64_t ldb, float beta, float* C,
          int64_t ldc);

/// Bytes of B[K, N] in the layout that products with `rows` rows like best; 0 when that layout is the plain one.
size_t packed_bytes(int64_t rows, int64_t N, int64_t K);
void pack(int64_t rows, int64_t N, int64_t K, const float* B, int64_t row_stride, int64_t column_stride, float* packed);
/// C[M, N] = A[M, K] B + beta C with B packed for `rows` rows. False when oneDNN has no kernel for this M on that layout.
bool multiply_packed(int64_t rows, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* packed, bool accumulate,
                     float* C, int64_t ldc);

std::string version();
void limit_isa(const char* isa);  // "avx2" or "baseline": before the first product

}  // namespace heed::kernels::onednn
