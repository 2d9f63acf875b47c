// Elementwise ops with NumPy's broadcasting: arithmetic, functions, comparisons, masks. A ShapeError names
// both shapes; like every op, these throw MemoryError when the system refuses the memory for the result.
// Operands of two types are converted to the common one (the table of promote() in core/dtype.h); a number of
// the program (Scalar) takes the place of any tensor. Functions with fractional values take masks and i64 as
// f32. Gradients flow to floating operands alone.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "framework/core/scalar.h"
#include "framework/core/tensor.h"

namespace heed {

/// @cond
namespace detail {
// What += and its kind write into where it is no variable: a part of a tensor.
template <class P>
concept NoVariable = std::derived_from<std::remove_cvref_t<P>, Tensor> &&
    (!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>);
template <NoVariable P>
void assign_part(P&& part, const Tensor& values) {
  if constexpr (std::is_lvalue_reference_v<P>) {
    static_assert(
        !std::is_lvalue_reference_v<P>,
        "heed: x += y and its kind bind x to a new tensor, so x cannot be const (x.add_(y) writes in place)");
  } else {
    std::forward<P>(part) = values;
  }
}
template <class T>
concept NoTensor = !std::is_convertible_v<const T&, Tensor>;
template <class T>
constexpr void require_mask() {
  static_assert(!NoTensor<T>, "heed: & | ^ combine two masks, which are tensors of dtype bool");
}
}  // namespace detail
/// @endcond

/// @{
/// Elementwise a + b, a - b, a b, a / b. Sums, differences and products of masks and i64 are i64 and wrap
/// around at 2^63; their quotients are f32.
/// @param a,b tensors of any dtype, or a number; broadcast to a common shape
/// @return a tensor of the broadcast shape
/// @throws ShapeError, ValueError for an undefined tensor
Tensor add(const Tensor& a, const Tensor& b);
Tensor add(const Tensor& a, Scalar b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, Scalar b);
Tensor sub(Scalar a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, Scalar b);
Tensor div(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, Scalar b);
Tensor div(Scalar a, const Tensor& b);
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
/// Of masks and i64, -x, max(x, 0), x^2 and |x| are i64. In the order of the functions: -x, e^x, ln x, tanh
/// x, 1 / (1 + e^-x), max(x, 0), square root, x^2, |x|. The gradients of relu and abs at 0 are 0.
/// @param x tensor of any dtype
/// @return a tensor of x's shape; NaN where x is outside the function's domain
/// @throws ValueError for an undefined tensor
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
/// The sign: -1, 0 or 1, as i64 of masks and i64; NaN for NaN. The gradient is 0.
/// @param x tensor of any dtype
/// @return a tensor of x's shape
/// @throws ValueError for an undefined tensor
Tensor sign(const Tensor& x);
/// @{
/// In the order of the functions: the largest integer not above x, the smallest not below x, the nearest one
/// (halves to the even one), x without its fraction. i64 stays what it is. The gradient is 0.
/// @param x tensor of any dtype
/// @return a tensor of x's shape; i64 for masks
/// @throws ValueError for an undefined tensor
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
Tensor trunc(const Tensor& x);
/// @}
/// @{
/// In the order of the functions: e^x - 1 and ln(1 + x), both accurate near 0; 1 / sqrt(x); 1 / x.
/// @param x tensor of any dtype
/// @return a tensor of x's shape
/// @throws ValueError for an undefined tensor
Tensor expm1(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
/// @}
/// @{
/// Sine and cosine of x in radians; the error function.
/// @param x tensor of any dtype
/// @return a tensor of x's shape
/// @throws ValueError for an undefined tensor
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);
/// @}
/// x where x > 0, else negative_slope x (Maas, Hannun & Ng 2013).
/// @param x tensor of any dtype
/// @param negative_slope factor for x <= 0
/// @return a tensor of x's shape
/// @throws ValueError for an undefined tensor
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where x > 0, else alpha (e^x - 1) (Clevert, Unterthiner & Hochreiter 2016).
/// @param x tensor of any dtype
/// @param alpha factor of e^x - 1
/// @return a tensor of x's shape
/// @throws ValueError for an undefined tensor
Tensor elu(const Tensor& x, double alpha = 1);
/// x sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2018).
/// @param x tensor of any dtype
/// @return a tensor of x's shape
/// @throws ValueError for an undefined tensor
Tensor silu(const Tensor& x);
/// log(1 + e^x), computed without overflow.
/// @param x tensor of any dtype
/// @return a tensor of x's shape
/// @throws ValueError for an undefined tensor
Tensor softplus(const Tensor& x);
/// x Phi(x), with Phi the cumulative distribution function of the standard normal distribution, or its
/// approximation by tanh (Hendrycks & Gimpel 2016, sec. 2).
/// @param x tensor of any dtype
/// @param form exact or approximate
/// @return a tensor of x's shape
/// @throws ValueError for an undefined tensor
Tensor gelu(const Tensor& x, GeluForm form = GeluForm::exact);
/// Limits each element to [low, high]; NaN stays NaN. Whole bounds keep i64. The gradient is 1 inside and at
/// the ends of the range, 0 outside.
/// @param x tensor of any dtype
/// @param low,high the range
/// @return a tensor of x's shape
/// @throws ValueError unless low <= high
Tensor clamp(const Tensor& x, double low, double high);
/// @{
/// clamp() with one bound: clamp(x, bound) and clamp_min() limit to [bound, inf], clamp_max() to [-inf,
/// bound].
/// @param x tensor of any dtype
/// @param bound the one bound
/// @return a tensor of x's shape
/// @throws ValueError for a bound that is NaN
Tensor clamp(const Tensor& x, double bound);
inline Tensor clamp_min(const Tensor& x, double bound) { return clamp(x, bound); }
Tensor clamp_max(const Tensor& x, double bound);
/// @}
/// x^exponent; i64 for masks and i64 to a whole exponent of at least 0.
/// @param x tensor of any dtype
/// @param exponent the exponent, the same for all elements
/// @return a tensor of x's shape; NaN for a negative x and an exponent that is not an integer
/// @throws ValueError for an undefined tensor
Tensor pow(const Tensor& x, double exponent);
/// @{
/// The larger and the smaller of two elements; NaN if either is NaN. Where both are equal each gets half of
/// the gradient.
/// @param a,b tensors of any dtype, or a number; broadcast to a common shape
/// @return a tensor of the broadcast shape
/// @throws ShapeError, ValueError for an undefined tensor
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, Scalar b);
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, Scalar b);
/// @}
/// @{
/// a^b. Of masks and i64 it is i64 and wraps around at 2^63.
/// @param a,b tensors of any dtype, or a number; broadcast to a common shape
/// @return a tensor of the broadcast shape
/// @throws ShapeError, ValueError for an undefined tensor or a whole number to a negative power
Tensor pow(const Tensor& a, const Tensor& b);
Tensor pow(Scalar a, const Tensor& b);
/// @}

/// @{
/// As Python's a // b and a % b: the quotient rounded down, which has no gradient, and what is left, which
/// has the sign of b. Of masks and i64 both are i64; of floating numbers a division by 0 gives what a / 0 is,
/// and NaN.
/// @param a,b tensors of any dtype, or a number; broadcast to a common shape
/// @return a tensor of the broadcast shape
/// @throws ShapeError, ValueError for an undefined tensor or whole numbers divided by 0
Tensor floor_divide(const Tensor& a, const Tensor& b);
Tensor floor_divide(const Tensor& a, Scalar b);
Tensor floor_divide(Scalar a, const Tensor& b);
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, Scalar b);
Tensor remainder(Scalar a, const Tensor& b);
/// @}

/// @{
/// Elementwise comparisons a = b, a != b, a < b, a <= b, a > b, a >= b; NaN is not equal to anything.
/// @param a,b tensors of any dtype, or a number; broadcast to a common shape
/// @return a mask of the broadcast shape
/// @throws ShapeError, ValueError for an undefined tensor
Tensor eq(const Tensor& a, const Tensor& b);
Tensor eq(const Tensor& a, Scalar b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, Scalar b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, Scalar b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, Scalar b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, Scalar b);
Tensor ge(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, Scalar b);
/// @}
/// Which elements are equal, or apart by a finite distance of at most absolute + relative |b|.
/// @param a,b tensors of any dtype, broadcast to a common shape; compared in f64
/// @param relative,absolute tolerances
/// @return a mask of the broadcast shape
/// @throws ShapeError, ValueError for an undefined tensor or a tolerance that is not at least 0
Tensor isclose(const Tensor& a, const Tensor& b, double relative = 1e-5, double absolute = 1e-8);
/// @param a,b,relative,absolute as for isclose
/// @return whether isclose holds for all elements
/// @throws as isclose
bool allclose(const Tensor& a, const Tensor& b, double relative = 1e-5, double absolute = 1e-8);
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
/// @{
/// Selects elements of a where the mask is true and of b elsewhere.
/// @param condition a mask; broadcast together with a and b
/// @param a,b tensors of any dtype, or numbers
/// @return a tensor of the broadcast shape
/// @throws DTypeError for a condition that is no mask, ShapeError
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, Scalar b);
Tensor where(const Tensor& condition, Scalar a, const Tensor& b);
Tensor where(const Tensor& condition, Scalar a, Scalar b);
/// @}
/// A copy of x with `value` where the mask is true.
/// @param x tensor of any dtype
/// @param filled a mask that can be broadcast to x's shape
/// @param value the new value, such as -inf for scores that a following softmax must ignore
/// @return a tensor of x's shape
/// @throws DTypeError, ShapeError
Tensor masked_fill(const Tensor& x, const Tensor& filled, Scalar value);

/// @{
/// Operators for add, sub, mul, div and remainder, between tensors and with numbers.
/// @param a,b tensors of any dtype, or a number; broadcast to a common shape
/// @return a tensor of the broadcast shape
/// @throws ShapeError, ValueError for an undefined tensor or a whole number % 0
inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator+(const Tensor& a, Scalar b) { return add(a, b); }
inline Tensor operator+(Scalar a, const Tensor& b) { return add(b, a); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator-(const Tensor& a, Scalar b) { return sub(a, b); }
inline Tensor operator-(Scalar a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator*(const Tensor& a, Scalar b) { return mul(a, b); }
inline Tensor operator*(Scalar a, const Tensor& b) { return mul(b, a); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator/(const Tensor& a, Scalar b) { return div(a, b); }
inline Tensor operator/(Scalar a, const Tensor& b) { return div(a, b); }
inline Tensor operator%(const Tensor& a, const Tensor& b) { return remainder(a, b); }
inline Tensor operator%(const Tensor& a, Scalar b) { return remainder(a, b); }
inline Tensor operator%(Scalar a, const Tensor& b) { return remainder(a, b); }
/// @}
/// @param x tensor of any dtype
/// @return neg(x)
/// @throws ValueError for an undefined tensor
inline Tensor operator-(const Tensor& x) { return neg(x); }
/// @{
/// x += y is x = x + y: the handle x then points to a new tensor, and the step is recorded for backward. What
/// else points to x's old values does not change; add_() and its kind write in place.
/// @param x the handle that gets the result
/// @param y a tensor or a number
/// @return x
/// @throws ShapeError, ValueError for an undefined tensor
inline Tensor& operator+=(Tensor& x, const Tensor& y) { return x = add(x, y); }
inline Tensor& operator+=(Tensor& x, Scalar y) { return x = add(x, y); }
inline Tensor& operator-=(Tensor& x, const Tensor& y) { return x = sub(x, y); }
inline Tensor& operator-=(Tensor& x, Scalar y) { return x = sub(x, y); }
inline Tensor& operator*=(Tensor& x, const Tensor& y) { return x = mul(x, y); }
inline Tensor& operator*=(Tensor& x, Scalar y) { return x = mul(x, y); }
inline Tensor& operator/=(Tensor& x, const Tensor& y) { return x = div(x, y); }
inline Tensor& operator/=(Tensor& x, Scalar y) { return x = div(x, y); }
/// @}
/// @{
/// Of a part, x[0] += y is x[0] = x[0] + y: it writes in place, into the tensor that it is a part of, and is
/// not recorded.
/// @param part what a call gives, such as x[0], x[mask], x.index({...})
/// @param y a tensor or a number
/// @throws as the assignment to a part
template <detail::NoVariable P, class Y>
void operator+=(P&& part, const Y& y) {
  detail::assign_part(std::forward<P>(part), part + y);
}
template <detail::NoVariable P, class Y>
void operator-=(P&& part, const Y& y) {
  detail::assign_part(std::forward<P>(part), part - y);
}
template <detail::NoVariable P, class Y>
void operator*=(P&& part, const Y& y) {
  detail::assign_part(std::forward<P>(part), part * y);
}
template <detail::NoVariable P, class Y>
void operator/=(P&& part, const Y& y) {
  detail::assign_part(std::forward<P>(part), part / y);
}
/// @}
/// @{
/// Operators for eq, ne, lt, le, gt and ge: x > 0 is a mask of x's shape.
/// @param a,b tensors of any dtype, or a number; broadcast to a common shape
/// @return a mask of the broadcast shape
/// @throws ShapeError, ValueError for an undefined tensor
inline Tensor operator==(const Tensor& a, const Tensor& b) { return eq(a, b); }
inline Tensor operator==(const Tensor& a, Scalar b) { return eq(a, b); }
inline Tensor operator==(Scalar a, const Tensor& b) { return eq(b, a); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ne(a, b); }
inline Tensor operator!=(const Tensor& a, Scalar b) { return ne(a, b); }
inline Tensor operator!=(Scalar a, const Tensor& b) { return ne(b, a); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<(const Tensor& a, Scalar b) { return lt(a, b); }
inline Tensor operator<(Scalar a, const Tensor& b) { return gt(b, a); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
inline Tensor operator<=(const Tensor& a, Scalar b) { return le(a, b); }
inline Tensor operator<=(Scalar a, const Tensor& b) { return ge(b, a); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>(const Tensor& a, Scalar b) { return gt(a, b); }
inline Tensor operator>(Scalar a, const Tensor& b) { return lt(b, a); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }
inline Tensor operator>=(const Tensor& a, Scalar b) { return ge(a, b); }
inline Tensor operator>=(Scalar a, const Tensor& b) { return le(b, a); }
/// @}
/// @{
/// Operators for logical_and, logical_or and logical_xor.
/// @param a,b masks; broadcast to a common shape
/// @return a mask of the broadcast shape
/// @throws ShapeError, DTypeError for anything but masks
inline Tensor operator&(const Tensor& a, const Tensor& b) { return logical_and(a, b); }
inline Tensor operator|(const Tensor& a, const Tensor& b) { return logical_or(a, b); }
inline Tensor operator^(const Tensor& a, const Tensor& b) { return logical_xor(a, b); }
/// @}
/// @param x a mask
/// @return logical_not(x)
/// @throws DTypeError for anything but a mask
inline Tensor operator~(const Tensor& x) { return logical_not(x); }

/// @cond
#define HEED_MASKS_ONLY(op)                       \
  template <detail::NoTensor T>                   \
  Tensor operator op(const Tensor& a, const T&) { \
    detail::require_mask<T>();                    \
    return a;                                     \
  }                                               \
  template <detail::NoTensor T>                   \
  Tensor operator op(const T&, const Tensor& b) { \
    detail::require_mask<T>();                    \
    return b;                                     \
  }
HEED_MASKS_ONLY(&)
HEED_MASKS_ONLY(|)
HEED_MASKS_ONLY(^)
#undef HEED_MASKS_ONLY
/// @endcond

}  // namespace heed
