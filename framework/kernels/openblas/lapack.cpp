// LAPACK, which lies in libopenblas. It reads a row-major matrix as its transpose: what that makes of each
// factorisation is said where it is called.
#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "framework/kernels/linalg.h"
#include "framework/kernels/openblas/gemm.h"

extern "C" {  // Fortran; a text is followed by its length at the end
void spotrf_(const char* uplo, const blasint* n, float* a, const blasint* lda, blasint* info, size_t);
void dpotrf_(const char* uplo, const blasint* n, double* a, const blasint* lda, blasint* info, size_t);
void sgetrf_(const blasint* m, const blasint* n, float* a, const blasint* lda, blasint* pivots,
             blasint* info);
void dgetrf_(const blasint* m, const blasint* n, double* a, const blasint* lda, blasint* pivots,
             blasint* info);
void sgesdd_(const char* job, const blasint* m, const blasint* n, float* a, const blasint* lda, float* s,
             float* u, const blasint* ldu, float* vt, const blasint* ldvt, float* work, const blasint* lwork,
             blasint* iwork, blasint* info, size_t);
void dgesdd_(const char* job, const blasint* m, const blasint* n, double* a, const blasint* lda, double* s,
             double* u, const blasint* ldu, double* vt, const blasint* ldvt, double* work,
             const blasint* lwork, blasint* iwork, blasint* info, size_t);
}

namespace heed::kernels {
namespace {

static_assert(sizeof(blasint) == sizeof(int), "the pivots of linalg.h are ints");

constexpr auto potrf(float*) { return spotrf_; }
constexpr auto potrf(double*) { return dpotrf_; }
constexpr auto getrf(float*) { return sgetrf_; }
constexpr auto getrf(double*) { return dgetrf_; }
constexpr auto gesdd(float*) { return sgesdd_; }
constexpr auto gesdd(double*) { return dgesdd_; }

void trsm(CBLAS_UPLO triangle, CBLAS_DIAG diagonal, blasint n, blasint k, const float* a, float* b) {
  cblas_strsm(CblasRowMajor, CblasLeft, triangle, CblasNoTrans, diagonal, n, k, 1.0F, a, n, b, k);
}
void trsm(CBLAS_UPLO triangle, CBLAS_DIAG diagonal, blasint n, blasint k, const double* a, double* b) {
  cblas_dtrsm(CblasRowMajor, CblasLeft, triangle, CblasNoTrans, diagonal, n, k, 1.0, a, n, b, k);
}

}  // namespace

template <class T>
bool cholesky(int64_t n, T* a) {
  openblas::prepare();
  const auto size = static_cast<blasint>(n);
  const blasint ld = std::max(size, 1);
  blasint info = 0;
  potrf(a)("U", &size, a, &ld, &info, 1);  // LAPACK's upper triangle is our lower one
  for (int64_t i = 0; i < n; ++i) std::fill(a + i * n + i + 1, a + (i + 1) * n, T{0});
  return info == 0;
}

template <class T>
void lu(int64_t n, T* a, int* pivots) {
  openblas::prepare();
  const auto size = static_cast<blasint>(n);
  const blasint ld = std::max(size, 1);
  blasint info = 0;
  getrf(a)(&size, &size, a, &ld, pivots, &info);  // a^T = P L U: what stands there is U^T and L^T
}

template <class T>
bool lu_is_singular(int64_t n, const T* lu) {
  for (int64_t i = 0; i < n; ++i) {
    if (lu[i * n + i] == 0) return true;
  }
  return false;
}

template <class T>
void lu_solve(int64_t n, int64_t k, const T* lu, const int* pivots, T* b) {
  if (n == 0 || k == 0) return;
  openblas::prepare();
  // a = U^T L^T P^T: U^T y = b, L^T z = y, x = P z
  trsm(CblasLower, CblasNonUnit, static_cast<blasint>(n), static_cast<blasint>(k), lu, b);
  trsm(CblasUpper, CblasUnit, static_cast<blasint>(n), static_cast<blasint>(k), lu, b);
  for (int64_t i = n - 1; i >= 0; --i) {
    const int64_t other = pivots[i] - 1;
    if (other != i) std::swap_ranges(b + i * k, b + (i + 1) * k, b + other * k);
  }
}

template <class T>
Determinant lu_determinant(int64_t n, const T* lu, const int* pivots) {
  Determinant d{1, 0};
  for (int64_t i = 0; i < n; ++i) {
    const auto pivot = static_cast<double>(lu[i * n + i]);
    if (pivot == 0) return {0, -INFINITY};
    if ((pivot < 0) != (pivots[i] - 1 != i)) d.sign = -d.sign;
    d.log += std::log(std::abs(pivot));
  }
  return d;
}

template <class T>
void solve_triangular(bool upper, int64_t n, int64_t k, const T* a, T* b) {
  if (n == 0 || k == 0) return;
  openblas::prepare();
  trsm(upper ? CblasUpper : CblasLower, CblasNonUnit, static_cast<blasint>(n), static_cast<blasint>(k), a, b);
}

template <class T>
bool svd(int64_t m, int64_t n, T* a, T* u, T* s, T* vh) {
  const int64_t k = std::min(m, n);
  if (k == 0) return true;
  openblas::prepare();
  // a^T = V S U^T [n, m]: LAPACK's u is V, which is vh by rows, and its vt is U^T, which is u by rows
  const auto rows = static_cast<blasint>(n), columns = static_cast<blasint>(m),
             inner = static_cast<blasint>(k);
  std::vector<blasint> integers(static_cast<size_t>(8 * k));
  T room = 0;
  blasint info = 0, ask = -1;
  gesdd(a)("S", &rows, &columns, a, &rows, s, vh, &rows, u, &inner, &room, &ask, integers.data(), &info, 1);
  const auto size = static_cast<blasint>(room);
  std::vector<T> work(static_cast<size_t>(size));
  gesdd(a)("S", &rows, &columns, a, &rows, s, vh, &rows, u, &inner, work.data(), &size, integers.data(),
           &info, 1);
  return info == 0;
}

#define HEED_INSTANTIATE(T)                                             \
  template bool cholesky(int64_t, T*);                                  \
  template void lu(int64_t, T*, int*);                                  \
  template bool lu_is_singular(int64_t, const T*);                      \
  template void lu_solve(int64_t, int64_t, const T*, const int*, T*);   \
  template Determinant lu_determinant(int64_t, const T*, const int*);   \
  template void solve_triangular(bool, int64_t, int64_t, const T*, T*); \
  template bool svd(int64_t, int64_t, T*, T*, T*, T*);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)
#undef HEED_INSTANTIATE

}  // namespace heed::kernels
