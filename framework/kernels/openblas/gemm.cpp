#include "framework/kernels/openblas/gemm.h"

#include <cblas.h>

#include "framework/core/parallel.h"

namespace heed::kernels::openblas {
namespace {

// One pool for everything: OpenBLAS's own threads beside OpenMP's make a step up to twice as slow.
void hold_to_one_thread() {
  static const bool once = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  (void)once;
}

CBLAS_TRANSPOSE flag(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

void call(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B, int64_t ldb, float beta,
          float* C, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, flag(ta), flag(tb), static_cast<blasint>(M), static_cast<blasint>(N), static_cast<blasint>(K), 1.0F, A,
              static_cast<blasint>(lda), B, static_cast<blasint>(ldb), beta, C, static_cast<blasint>(ldc));
}
void call(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const double* A, int64_t lda, const double* B, int64_t ldb,
          double beta, double* C, int64_t ldc) {
  cblas_dgemm(CblasRowMajor, flag(ta), flag(tb), static_cast<blasint>(M), static_cast<blasint>(N), static_cast<blasint>(K), 1.0, A,
              static_cast<blasint>(lda), B, static_cast<blasint>(ldb), beta, C, static_cast<blasint>(ldc));
}

template <class T>
void split(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb, T beta, T* C,
           int64_t ldc) {
  hold_to_one_thread();
  constexpr int64_t kBlock = 32;  // whole register tiles
  const bool small = M * N * K < 96 * 96 * 96;
  if (M >= N) {
    parallel_for((M + kBlock - 1) / kBlock, small ? M : 1, [&](int64_t begin, int64_t end) {
      const int64_t from = begin * kBlock, to = std::min(end * kBlock, M);
      call(ta, tb, to - from, N, K, A + from * (ta ? 1 : lda), lda, B, ldb, beta, C + from * ldc, ldc);
    });
  } else {
    parallel_for((N + kBlock - 1) / kBlock, small ? N : 1, [&](int64_t begin, int64_t end) {
      const int64_t from = begin * kBlock, to = std::min(end * kBlock, N);
      call(ta, tb, M, to - from, K, A, lda, B + from * (tb ? ldb : 1), ldb, beta, C + from, ldc);
    });
  }
}

}  // namespace

void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B, int64_t ldb, float beta,
          float* C, int64_t ldc) {
  split(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
}
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const double* A, int64_t lda, const double* B, int64_t ldb,
          double beta, double* C, int64_t ldc) {
  split(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
}

std::string core_name() { return openblas_get_corename(); }

}  // namespace heed::kernels::openblas
