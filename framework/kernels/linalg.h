// Kernels on one dense row-major matrix, by LAPACK: Cholesky, LU, triangular systems, singular values. Each
// runs on one thread; ops share matrices out. Part of the narrow waist (kernels.h).
#pragma once

#include <cstdint>

namespace heed::kernels {

/// a [n, n] -> the lower L with a = L L^T, zeros above; reads the lower triangle. False if a is not positive
/// definite.
template <class T>
bool cholesky(int64_t n, T* a);

/// The LU factorisation of a [n, n], in place, for lu_solve and lu_determinant; pivots [n] are LAPACK's.
template <class T>
void lu(int64_t n, T* a, int* pivots);
/// Whether a product of the diagonal is 0, so that lu_solve would divide by it.
template <class T>
bool lu_is_singular(int64_t n, const T* lu);
/// b [n, k] -> a^-1 b.
template <class T>
void lu_solve(int64_t n, int64_t k, const T* lu, const int* pivots, T* b);
/// det(a) = sign e^log; sign 0 and log -inf where a is singular.
struct Determinant {
  double sign, log;
};
template <class T>
Determinant lu_determinant(int64_t n, const T* lu, const int* pivots);

/// b [n, k] -> a^-1 b for a triangular a [n, n], of which the other triangle is not read.
template <class T>
void solve_triangular(bool upper, int64_t n, int64_t k, const T* a, T* b);

/// a [m, n] = u [m, k] diag(s [k]) vh [k, n], k = min(m, n), s falling; a is overwritten. False if the
/// iteration does not converge.
template <class T>
bool svd(int64_t m, int64_t n, T* a, T* u, T* s, T* vh);

}  // namespace heed::kernels
