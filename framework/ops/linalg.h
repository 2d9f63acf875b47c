// Linear algebra on batches of matrices [*, M, N], by LAPACK in the precision of the tensor; autocast does
// not touch it. A NaN or an infinity in a matrix is refused (ValueError with the number of the matrix in its
// batch), and so is a matrix that an op cannot take. Gradients are of any order.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Cholesky decomposition: the lower triangular L with x = L L^T (Golub & Van Loan 2013, sec. 4.2). Reads the
/// lower triangle; the gradient is that of a symmetric x (Murray 2016).
/// @param x [*, N, N], symmetric and positive definite
/// @return L, of x's shape, with zeros above the diagonal
/// @throws ValueError "cholesky: matrix 2 of f32[4, 3, 3] is not positive definite"; ShapeError, DTypeError
Tensor cholesky(const Tensor& x);
/// Solves a x = b (LU with partial pivoting; Golub & Van Loan 2013, sec. 3.4).
/// @param a [*, N, N]
/// @param b matrices [*, N, K], or vectors [*, N] with exactly a's leading dimensions; those of matrices
///   broadcast
/// @return x, of the shape of b
/// @throws ValueError "solve: matrix 2 of f32[4, 3, 3] is singular"; ShapeError, DTypeError
Tensor solve(const Tensor& a, const Tensor& b);
/// Solves a x = b for a triangular a, of which the other triangle is not read.
/// @param a [*, N, N]
/// @param b [*, N, K]; leading dimensions broadcast
/// @param upper which triangle of a holds it
/// @return x, [*, N, K]
/// @throws ValueError for a 0 on the diagonal; ShapeError, DTypeError
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper);
/// The inverse of a matrix. To compute x^-1 b, solve() is faster and more accurate.
/// @param x [*, N, N]
/// @return a tensor of x's shape
/// @throws ValueError "inverse: matrix 2 of f32[4, 3, 3] is singular"; ShapeError, DTypeError
Tensor inverse(const Tensor& x);
/// Result of slogdet(): det = sign e^log_abs.
struct SignedLog {
  Tensor sign;     // [*]: -1, 0 or 1, without gradient
  Tensor log_abs;  // [*]: logarithm of the determinant's absolute value; -inf for a singular matrix
};
/// Sign and logarithm of the determinant, which does not overflow.
/// @param x [*, N, N]
/// @return sign and logarithm, [*]
/// @throws ShapeError, DTypeError; ValueError in backward for a singular matrix
SignedLog slogdet(const Tensor& x);
/// @{
/// Determinant, and its logarithm: NaN where the determinant is negative.
/// @param x [*, N, N]
/// @return [*]
/// @throws ShapeError, DTypeError; ValueError in backward for a singular matrix
Tensor det(const Tensor& x);
Tensor logdet(const Tensor& x);
/// @}
/// Result of svd(), with K = min(M, N).
struct SvdResult {
  Tensor u;   // [*, M, K], orthonormal columns
  Tensor s;   // [*, K], singular values, falling
  Tensor vh;  // [*, K, N], orthonormal rows
};
/// Singular value decomposition x = u diag(s) vh (Golub & Van Loan 2013, sec. 2.4). A column of u and the row
/// of vh beside it may both have the other sign, and a loss must not depend on that. The gradient through u
/// and vh divides by s_i^2 - s_j^2: it is infinite or NaN where singular values are equal, and where M != N
/// for a value of 0 as well; a loss of s alone has a gradient everywhere (Townsend 2016).
/// @param x [*, M, N]
/// @return u, s, vh
/// @throws ShapeError, DTypeError; ValueError if LAPACK's iteration does not converge
SvdResult svd(const Tensor& x);

}  // namespace heed
