// Ops on each element, with NumPy's broadcasting: arithmetic, functions, comparisons, masks. A ShapeError names both shapes; a result that
// the system has no memory for is a MemoryError, as everywhere.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// @{
/// a + b, a - b, a b, a / b.
/// @param a,b floating; broadcast
/// @return of the common shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
/// @}
/// x * scale + shift.
/// @param x floating
/// @param scale,shift numbers
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor affine(const Tensor& x, double scale, double shift);
/// x in another floating dtype; differentiable.
/// @param x f32 or f64
/// @param dtype f32 or f64
/// @return of x's shape
/// @throws DTypeError for others
Tensor cast(const Tensor& x, DType dtype);
/// @{
/// -x, e^x, ln x, tanh x, 1 / (1 + e^-x), max(x, 0), the root, x^2, |x|; relu and abs have the gradient 0 at 0.
/// @param x floating
/// @return of x's shape; NaN outside of a function's domain
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor abs(const Tensor& x);
/// @}
/// -1, 0 or 1; NaN stays; its gradient is 0.
/// @param x floating
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor sign(const Tensor& x);
/// @{
/// e^x - 1 and ln(1 + x), exact near 0; 1 / sqrt(x), 1 / x.
/// @param x floating
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor expm1(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
/// @}
/// @{
/// Sine and cosine of radians; the error function.
/// @param x floating
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);
/// @}
/// x, times negative_slope where x <= 0 (Maas, Hannun & Ng 2013).
/// @param x floating
/// @param negative_slope a number
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where x > 0, else alpha (e^x - 1) (Clevert, Unterthiner & Hochreiter 2016).
/// @param x floating
/// @param alpha a number
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor elu(const Tensor& x, double alpha = 1);
/// x sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2018).
/// @param x floating
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor silu(const Tensor& x);
/// log(1 + e^x), which does not overflow.
/// @param x floating
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor softplus(const Tensor& x);
/// Which of gelu's forms.
enum class GeluForm : bool {
  exact,  // by erf
  tanh    // an approximation
};
/// x Phi(x), Phi the normal distribution, or its approximation by tanh (Hendrycks & Gimpel 2016, sec. 2).
/// @param x floating
/// @param form exact or approximate
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor gelu(const Tensor& x, GeluForm form = GeluForm::exact);
/// The nearest value in [low, high]; NaN stays. The gradient is 0 outside and 1 at the ends.
/// @param x floating
/// @param low,high the range
/// @return of x's shape
/// @throws ValueError unless low <= high
Tensor clamp(const Tensor& x, double low, double high);
/// x^exponent.
/// @param x floating
/// @param exponent a number
/// @return of x's shape; NaN for a negative x and a broken exponent
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor pow(const Tensor& x, double exponent);
/// @{
/// The larger and the smaller of two, NaN when one of them is; equal values share the gradient by halves.
/// @param a,b floating; broadcast
/// @return of the common shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// @}
/// a^b.
/// @param a,b floating; broadcast
/// @return of the common shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
Tensor pow(const Tensor& a, const Tensor& b);

/// @{
/// Where a = b, a != b, a < b, a <= b, a > b, a >= b; a NaN is equal to nothing.
/// @param a,b any dtype, both the same; broadcast
/// @return a mask of the common shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
/// @}
/// @{
/// Both, either, exactly one of two masks.
/// @param a,b masks; broadcast
/// @return a mask of the common shape
/// @throws ShapeError, DTypeError for anything but masks
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
/// @}
/// The opposite of a mask.
/// @param x a mask
/// @return a mask of its shape
/// @throws DTypeError for anything but a mask
Tensor logical_not(const Tensor& x);
/// a where a mask holds, b elsewhere.
/// @param condition a mask; broadcast as the others
/// @param a,b of one dtype
/// @return of the common shape
/// @throws DTypeError, ShapeError
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x with `value` where a mask holds.
/// @param x any dtype
/// @param filled a mask, which stretches to x
/// @param value a number, -inf for energies that softmax is to leave out
/// @return of x's shape
/// @throws DTypeError, ShapeError
Tensor masked_fill(const Tensor& x, const Tensor& filled, double value);

/// @{
/// add, sub, mul, div.
/// @param a,b floating; broadcast
/// @return of the common shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
/// @}
/// @param x floating
/// @return neg(x)
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
inline Tensor operator-(const Tensor& x) { return neg(x); }
/// @{
/// affine, with a number on either side.
/// @param x floating
/// @param s a number
/// @return of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
inline Tensor operator*(const Tensor& x, double s) { return affine(x, s, 0); }
inline Tensor operator*(double s, const Tensor& x) { return affine(x, s, 0); }
inline Tensor operator/(const Tensor& x, double s) { return affine(x, 1 / s, 0); }
inline Tensor operator+(const Tensor& x, double s) { return affine(x, 1, s); }
inline Tensor operator-(const Tensor& x, double s) { return affine(x, 1, -s); }
inline Tensor operator-(double s, const Tensor& x) { return affine(x, -1, s); }
/// @}

}  // namespace heed
