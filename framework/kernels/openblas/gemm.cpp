#include "framework/kernels/openblas/gemm.h"

#include <cblas.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "framework/core/parallel.h"

extern "C" {  // in builds for several CPUs only
void gotoblas_dynamic_quit() __attribute__((weak));
void gotoblas_dynamic_init() __attribute__((weak));
}

namespace heed::kernels::openblas {
namespace {

// OpenBLAS picks its kernels by the CPU's model number and takes one that it has never heard of for the
// oldest it knows: 0.3.21 runs an Emerald Rapids as a Prescott, at a fifth of its speed. Then it is told what
// the CPU can do, by the variable it reads at start. A value that the user set is left alone.
const char* core_by_features() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return __builtin_cpu_supports("avx512bf16") ? "Cooperlake" : "SkylakeX";
  }
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "Haswell" : nullptr;
}

void correct_core() {
  if (std::getenv("OPENBLAS_CORETYPE") || !gotoblas_dynamic_quit || !gotoblas_dynamic_init) return;
  constexpr std::string_view kBeforeAvx[] = {"Katmai",  "Coppermine",   "Northwood",  "Prescott", "Banias",
                                             "Core2",   "Penryn",       "Dunnington", "Nehalem",  "Athlon",
                                             "Opteron", "Opteron_SSE3", "Barcelona",  "Nano"};
  const char* const better = core_by_features();
  if (!better ||
      std::ranges::find(kBeforeAvx, std::string_view(openblas_get_corename())) == std::end(kBeforeAvx))
    return;
  ::setenv("OPENBLAS_CORETYPE", better, 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  ::unsetenv("OPENBLAS_CORETYPE");
}

CBLAS_TRANSPOSE flag(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

void call(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
          int64_t ldb, float beta, float* C, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, flag(ta), flag(tb), static_cast<blasint>(M), static_cast<blasint>(N),
              static_cast<blasint>(K), 1.0F, A, static_cast<blasint>(lda), B, static_cast<blasint>(ldb), beta,
              C, static_cast<blasint>(ldc));
}
void call(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const double* A, int64_t lda, const double* B,
          int64_t ldb, double beta, double* C, int64_t ldc) {
  cblas_dgemm(CblasRowMajor, flag(ta), flag(tb), static_cast<blasint>(M), static_cast<blasint>(N),
              static_cast<blasint>(K), 1.0, A, static_cast<blasint>(lda), B, static_cast<blasint>(ldb), beta,
              C, static_cast<blasint>(ldc));
}

template <class T>
void split(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B,
           int64_t ldb, T beta, T* C, int64_t ldc) {
  prepare();
  constexpr int64_t kBlock = 32;  // whole register tiles
  const bool small = M * N * K < kWorthThreads;
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

// One pool for everything: OpenBLAS's own threads beside OpenMP's make a step up to twice as slow.
void prepare() {
  static const bool once = [] {
    correct_core();
    openblas_set_num_threads(1);
    return true;
  }();
  (void)once;
}

void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
          int64_t ldb, float beta, float* C, int64_t ldc) {
  split(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
}
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const double* A, int64_t lda, const double* B,
          int64_t ldb, double beta, double* C, int64_t ldc) {
  split(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
}

std::string core_name() {
  prepare();
  return openblas_get_corename();
}

std::string version() {  // openblas_get_config(): "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
  prepare();
  std::string word;
  std::istringstream words(openblas_get_config());
  words >> word >> word;
  return word;
}

}  // namespace heed::kernels::openblas
