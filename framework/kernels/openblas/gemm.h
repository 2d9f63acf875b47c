// OpenBLAS behind two plain functions; one-threaded by itself, split by rows or columns under parallel_for.
#pragma once

#include <cstdint>
#include <string>

namespace heed::kernels::openblas {

constexpr int64_t kWorthThreads = int64_t{1} << 22;  // multiply-adds of a product worth sharing out

void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
          int64_t ldb, float beta, float* C, int64_t ldc);
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const double* A, int64_t lda, const double* B,
          int64_t ldb, double beta, double* C, int64_t ldc);
void prepare();  // before a call of OpenBLAS: the CPU's kernels, one thread
std::string core_name();
std::string version();  // 0.3.21

}  // namespace heed::kernels::openblas
