// Elementwise ops with NumPy's broadcasting: arithmetic, functions, comparisons, masks. A ShapeError names
// both shapes; like every op, these throw MemoryError when the system refuses the memory for the result.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// @{
/// Elementwise a + b, a - b, a b, a / b.
/// @param a,b floating; broadcast to a common shape
/// @return a tensor of the broadcast shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
/// @}
/// x * scale + shift.
/// @param x floating
/// @param scale,shift the two constants
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor affine(const Tensor& x, double scale, double shift);
/// Converts x to another floating dtype; differentiable.
/// @param x f32 or f64
/// @param dtype f32 or f64
/// @return a tensor of x's shape
/// @throws DTypeError for others
Tensor cast(const Tensor& x, DType dtype);
/// @{
/// In the order of the functions: -x, e^x, ln x, tanh x, 1 / (1 + e^-x), max(x, 0), square root, x^2, |x|.
/// The gradients of relu and abs at 0 are 0.
/// @param x floating
/// @return a tensor of x's shape; NaN where x is outside the function's domain
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
/// The sign: -1, 0 or 1; NaN for NaN. The gradient is 0.
/// @param x floating
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor sign(const Tensor& x);
/// @{
/// In the order of the functions: the largest integer not above x, the smallest not below x, the nearest one
/// (halves to the even one), x without its fraction. The gradient is 0.
/// @param x floating
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
Tensor trunc(const Tensor& x);
/// @}
/// @{
/// In the order of the functions: e^x - 1 and ln(1 + x), both accurate near 0; 1 / sqrt(x); 1 / x.
/// @param x floating
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor expm1(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
/// @}
/// @{
/// Sine and cosine of x in radians; the error function.
/// @param x floating
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);
/// @}
/// x where x > 0, else negative_slope x (Maas, Hannun & Ng 2013).
/// @param x floating
/// @param negative_slope factor for x <= 0
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where x > 0, else alpha (e^x - 1) (Clevert, Unterthiner & Hochreiter 2016).
/// @param x floating
/// @param alpha factor of e^x - 1
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor elu(const Tensor& x, double alpha = 1);
/// x sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2018).
/// @param x floating
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor silu(const Tensor& x);
/// log(1 + e^x), computed without overflow.
/// @param x floating
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor softplus(const Tensor& x);
/// The two forms of gelu.
enum class GeluForm : bool {
  exact,  // with the error function
  tanh    // the approximation by tanh
};
/// x Phi(x), with Phi the cumulative distribution function of the standard normal distribution, or its
/// approximation by tanh (Hendrycks & Gimpel 2016, sec. 2).
/// @param x floating
/// @param form exact or approximate
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor gelu(const Tensor& x, GeluForm form = GeluForm::exact);
/// Limits each element to [low, high]; NaN stays NaN. The gradient is 1 inside and at the ends of the range,
/// 0 outside.
/// @param x floating
/// @param low,high the range
/// @return a tensor of x's shape
/// @throws ValueError unless low <= high
Tensor clamp(const Tensor& x, double low, double high);
/// x^exponent.
/// @param x floating
/// @param exponent the exponent, the same for all elements
/// @return a tensor of x's shape; NaN for a negative x and an exponent that is not an integer
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
Tensor pow(const Tensor& x, double exponent);
/// @{
/// The larger and the smaller of two elements; NaN if either is NaN. Where both are equal each gets half of
/// the gradient.
/// @param a,b floating; broadcast to a common shape
/// @return a tensor of the broadcast shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// @}
/// a^b.
/// @param a,b floating; broadcast to a common shape
/// @return a tensor of the broadcast shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
Tensor pow(const Tensor& a, const Tensor& b);

/// @{
/// Elementwise comparisons a = b, a != b, a < b, a <= b, a > b, a >= b; NaN is not equal to anything.
/// @param a,b of one dtype (any); broadcast to a common shape
/// @return a mask of the broadcast shape
/// @throws ShapeError, DTypeError, ValueError for an undefined tensor
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
/// @}
/// @{
/// Which elements are NaN, infinite, or neither.
/// @param x tensor of any dtype; integers and masks are finite
/// @return a mask of x's shape
/// @throws ValueError for an undefined tensor
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);
/// @}
/// @{
/// Elementwise and, or, exclusive or of two masks.
/// @param a,b masks; broadcast to a common shape
/// @return a mask of the broadcast shape
/// @throws ShapeError, DTypeError for anything but masks
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
/// @}
/// Elementwise negation of a mask.
/// @param x a mask
/// @return a mask of its shape
/// @throws DTypeError for anything but a mask
Tensor logical_not(const Tensor& x);
/// Selects elements of a where the mask is true and of b elsewhere.
/// @param condition a mask; broadcast together with a and b
/// @param a,b of one dtype
/// @return a tensor of the broadcast shape
/// @throws DTypeError, ShapeError
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// A copy of x with `value` where the mask is true.
/// @param x tensor of any dtype
/// @param filled a mask that can be broadcast to x's shape
/// @param value the new value, such as -inf for scores that a following softmax must ignore
/// @return a tensor of x's shape
/// @throws DTypeError, ShapeError
Tensor masked_fill(const Tensor& x, const Tensor& filled, double value);

/// @{
/// Operators for add, sub, mul, div.
/// @param a,b floating; broadcast to a common shape
/// @return a tensor of the broadcast shape
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
/// Operators between a tensor and a number, computed by affine().
/// @param x floating
/// @param s the number
/// @return a tensor of x's shape
/// @throws DTypeError for other dtypes, ValueError for an undefined tensor
inline Tensor operator*(const Tensor& x, double s) { return affine(x, s, 0); }
inline Tensor operator*(double s, const Tensor& x) { return affine(x, s, 0); }
inline Tensor operator/(const Tensor& x, double s) { return affine(x, 1 / s, 0); }
inline Tensor operator+(const Tensor& x, double s) { return affine(x, 1, s); }
inline Tensor operator-(const Tensor& x, double s) { return affine(x, 1, -s); }
inline Tensor operator-(double s, const Tensor& x) { return affine(x, -1, s); }
/// @}

}  // namespace heed
