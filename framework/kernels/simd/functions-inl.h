// Functions of one element in f32 vectors: reduced to a short range and approximated there by polynomials and
// quotients of them, which were fitted to the least largest relative error (Remez 1934). plain_math.h has the
// same functions in plain C++; math_test walks all floats and states the largest error of each. Compiled once
// for each instruction set.
#include <hwy/highway.h>

#include <algorithm>

#include "framework/kernels/plain_math.h"
#include "framework/kernels/simd/math-inl.h"

#if defined(HEED_SIMD_FUNCTIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HEED_SIMD_FUNCTIONS_INL_H_
#undef HEED_SIMD_FUNCTIONS_INL_H_
#else
#define HEED_SIMD_FUNCTIONS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

/// f on vectors of f32, computed in two vectors of f64: f(tag, vectors...). Results too large for f32 are
/// infinite.
template <class D, class F, class... V>
hn::Vec<D> InDouble(D d, const F& f, V... x) {
#if HWY_TARGET == HWY_SCALAR
  const hn::Rebind<double, D> wide;
  return Narrow(d, f(wide, hn::PromoteTo(wide, x)...));
#else
  const hn::Repartition<double, D> wide;
  const hn::Half<D> half;
  return hn::Combine(d, Narrow(half, f(wide, hn::PromoteTo(wide, hn::UpperHalf(half, x))...)),
                     Narrow(half, f(wide, hn::PromoteTo(wide, hn::LowerHalf(half, x))...)));
#endif
}

/// c[0] + c[1] x + ...
template <class D, class V, size_t N>
V Polynomial(D d, V x, const float (&c)[N]) {
  V y = hn::Set(d, c[N - 1]);
  for (size_t i = N - 1; i-- > 0;) y = hn::MulAdd(y, x, hn::Set(d, c[i]));
  return y;
}

/// For |x| <= kExpRange: 2^n (e^r - 1) + (2^n - 1).
template <class D, class V>
V Expm1Inside(D d, V x) {
  const ExpParts<D, V> parts(d, x);
  const V power = hn::BitCast(d, parts.exponent(d, 127));
  return hn::CopySign(hn::MulAdd(power, parts.less_one, hn::Sub(power, hn::Set(d, 1.0F))), x);
}

/// For -1 < x <= 1e37: with k so that 2^-k (1 + x) is within [0.75, 1.5), and m = 2^-k x + (2^-k - 1), which
/// is exact: k ln 2 + log1p(m).
template <class D, class V>
V Log1pInside(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto bits_of = [&](V v) { return hn::BitCast(di, v); };
  const auto k = hn::And(hn::Sub(bits_of(hn::Add(x, hn::Set(d, 1.0F))), bits_of(hn::Set(d, 0.75F))),
                         hn::Set(di, static_cast<int32_t>(0xFF800000U)));  // where an exponent is
  const V power = hn::BitCast(d, hn::Sub(bits_of(hn::Set(d, 4.0F)), k));
  const V m = hn::Add(hn::BitCast(d, hn::Sub(bits_of(x), k)),
                      hn::MulAdd(hn::Set(d, 0.25F), power, hn::Set(d, -1.0F)));
  constexpr float kTerms[] = {-0.5000000082F, 0.3333345444F,  -0.2500005459F, 0.1999060678F,  -0.1664776682F,
                              0.1448206065F,  -0.1316223408F, 0.1044834004F,  -0.04490968284F};  // 5e-9
  const V log = hn::MulAdd(hn::Mul(m, m), Polynomial(d, m, kTerms), m);
  // k stands 23 bits too high
  return hn::CopySign(
      hn::MulAdd(hn::ConvertTo(d, k), hn::Set(d, static_cast<float>(std::numbers::ln2 * 0x1p-23)), log), x);
}

/// For |x| <= 65536: the sine a quarter of a turn further for each of `quarters`. n = |x| / (pi / 2) rounded,
/// r = |x| - n pi / 2 to the last bit, and of r the sine or the cosine, by n's last bits.
constexpr float kSineRange = 65536;
template <class D, class V>
V SineInside(D d, V x, int32_t quarters) {
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0F), size = hn::Abs(x);
  const V shifted = hn::MulAdd(size, hn::Set(d, static_cast<float>(2 / std::numbers::pi)), magic);
  const V n_quarters = hn::Sub(shifted, magic);
#if HWY_NATIVE_FMA  // the first difference is exact, the others are rounded once
  V r = hn::NegMulAdd(n_quarters, hn::Set(d, 1.57079637050628662e+00F), size);
  r = hn::NegMulAdd(n_quarters, hn::Set(d, -4.3711388286737929e-08F), r);
  r = hn::NegMulAdd(n_quarters, hn::Set(d, -1.7151245100058819e-15F), r);
#else
  const V r = InDouble(
      d,
      [](auto wide, auto v, auto n) {
        // pi / 2 in two parts; the first, of 33 bits, times n is exact (fdlibm)
        const auto near = hn::MulAdd(n, hn::Set(wide, -1.57079632673412561417e+00), v);
        return hn::MulAdd(n, hn::Set(wide, -6.07710050650619224932e-11), near);
      },
      size, n_quarters);
#endif
  const V z = hn::Mul(r, r);
  constexpr float kSine[] = {-0.1666665365F, 0.008332099751F, -0.0001950694251F};    // 4e-9
  constexpr float kCosine[] = {0.04166665371F, -0.001388759059F, 2.445524019e-05F};  // 3e-10
  const V sine = hn::MulAdd(r, hn::Mul(z, Polynomial(d, z, kSine)), r);
  const V cosine = hn::MulAdd(hn::Mul(z, z), Polynomial(d, z, kCosine),
                              hn::NegMulAdd(z, hn::Set(d, 0.5F), hn::Set(d, 1.0F)));
  const auto n = hn::Add(hn::BitCast(di, shifted), hn::Set(di, quarters));
  const auto odd = hn::RebindMask(d, hn::Ne(hn::And(n, hn::Set(di, 1)), hn::Zero(di)));
  const auto turned = hn::BitCast(d, hn::ShiftLeft<30>(hn::And(n, hn::Set(di, 2))));  // the sign
  return hn::Xor(hn::IfThenElse(odd, cosine, sine), turned);
}
template <class D, class V>
V SinInside(D d, V x) {
  return hn::Xor(SineInside(d, x, 0), hn::And(x, hn::SignBit(d)));
}
template <class D, class V>
V CosInside(D d, V x) {
  return SineInside(d, x, 1);
}

/// erf(x) = x P(x^2) / Q(x^2), 2e-8; 1 from 3.92 on.
template <class D, class V>
V ErfAnywhere(D d, V x) {
  constexpr float kP[] = {1.128379146F,   0.1904074334F,    0.0527488479F,
                          0.00376565743F, 0.0002848834369F, 2.050077174e-06F};
  constexpr float kQ[] = {1.0F,           0.5020769351F,   0.1141095084F,
                          0.01496929802F, 0.001162544948F, 3.809164781e-05F};
  const V u = hn::Min(hn::Abs(x), hn::Set(d, 3.92F)), z = hn::Mul(u, u);
  const V y = hn::Div(hn::Mul(u, Polynomial(d, z, kP)), Polynomial(d, z, kQ));
  return KeepNaN(d, x, hn::CopySign(hn::Min(y, hn::Set(d, 1.0F)), x));
}

/// u u - square, where square is that product rounded.
template <class D, class V>
V WhatRoundingTook(D d, V u, V square) {
#if HWY_NATIVE_FMA
  (void)d;
  return hn::MulSub(u, u, square);
#else  // from halves whose products are exact (Dekker 1971)
  const hn::RebindToUnsigned<D> du;
  const V high = hn::BitCast(d, hn::And(hn::BitCast(du, u), hn::Set(du, 0xFFFFF000U))),
          low = hn::Sub(u, high);
  const V mixed = hn::Mul(high, low);
  return hn::Add(hn::Add(hn::Sub(hn::Mul(high, high), square), hn::Add(mixed, mixed)), hn::Mul(low, low));
#endif
}

/// P(X > u) of X ~ N(0, 1) for u = min(|x|, 15), as e^(-u^2 / 2) and the tail beside it, a quotient of
/// polynomials (6e-9). From 15 on nothing is left of it.
template <class D, class V>
struct NormalTail {
  V density, tail;  // without 1 / sqrt(2 pi)
  NormalTail(D d, V x) {
    constexpr float kP[] = {0.500000003F, 0.4382962742F, 0.1832361352F, 0.04063356707F, 0.004116360476F};
    constexpr float kQ[] = {1.0F, 1.67447753F, 1.202507249F, 0.4694732653F, 0.1018596948F, 0.01031806582F};
    const V u = hn::Min(hn::Abs(x), hn::Set(d, 15.0F)), square = hn::Mul(u, u);
    const V half = hn::Set(d, 0.5F), lost = WhatRoundingTook(d, u, square);
    const V e = SafeExp(d, hn::Neg(hn::Mul(half, square)));
    density = hn::NegMulAdd(hn::Mul(half, lost), e, e);
    tail = hn::Mul(density, hn::Div(Polynomial(d, u, kP), Polynomial(d, u, kQ)));
  }
};

// -0 at minus infinity, where x times a function that is 0 there would be NaN.
template <class D, class V>
V LimitAtMinusInfinity(D d, V x, V y) {
  const auto infinite = hn::Eq(x, hn::Set(d, -std::numeric_limits<float>::infinity()));
  return hn::IfThenElse(infinite, hn::Set(d, -0.0F), y);
}

template <class D, class V>
V GeluAnywhere(D d, V x) {
  const V tail = NormalTail<D, V>(d, x).tail;
  const V below = hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Sub(hn::Set(d, 1.0F), tail), tail);
  return LimitAtMinusInfinity(d, x, hn::Mul(x, below));
}
template <class D, class V>
V GeluSlope(D d, V x) {
  const NormalTail<D, V> normal(d, x);
  const V below = hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Sub(hn::Set(d, 1.0F), normal.tail), normal.tail);
  const V within = hn::Min(hn::Max(x, hn::Set(d, -15.0F)), hn::Set(d, 15.0F));  // no infinity times 0
  const V density = hn::Mul(normal.density, hn::Set(d, static_cast<float>(plain::kNormalDensity)));
  return KeepNaN(d, x, hn::MulAdd(within, density, below));
}

// 1 + e^(-2u) of gelu's form by tanh, which is x / 2 (1 + tanh(u)) = x / (1 + e^(-2u)).
template <class D, class V>
V GeluTanhDivisor(D d, V x) {
  const V cubic = hn::Mul(hn::Mul(x, x), hn::Mul(x, hn::Set(d, static_cast<float>(plain::kTanhCubic))));
  const V twice = hn::Mul(hn::Set(d, static_cast<float>(-2 * plain::kTanhScale)), hn::Add(x, cubic));
  return hn::Add(hn::Set(d, 1.0F), SafeExp(d, twice));
}
template <class D, class V>
V GeluTanhAnywhere(D d, V x) {
  return LimitAtMinusInfinity(d, x, hn::Div(x, GeluTanhDivisor(d, x)));
}
template <class D, class V>
V GeluTanhSlope(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const V within = hn::Min(hn::Max(x, hn::Set(d, -20.0F)), hn::Set(d, 20.0F));  // beyond, 0 and 1
  const V s = hn::Div(one, GeluTanhDivisor(d, within));
  const V inner = hn::MulAdd(hn::Mul(within, within),
                             hn::Set(d, static_cast<float>(6 * plain::kTanhScale * plain::kTanhCubic)),
                             hn::Set(d, static_cast<float>(2 * plain::kTanhScale)));
  return KeepNaN(d, x, hn::MulAdd(hn::Mul(hn::Mul(within, inner), s), hn::Sub(one, s), s));
}

template <class D, class V>
V SiluAnywhere(D d, V x) {  // x / (1 + e^-x), and below 0 x e^x / (1 + e^x), which does not overflow
  const V one = hn::Set(d, 1.0F), e = SafeExp(d, hn::Neg(hn::Abs(x)));
  const V over = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, e), x);
  return LimitAtMinusInfinity(d, x, hn::Div(over, hn::Add(one, e)));
}
template <class D, class V>
V SiluSlope(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const V within = hn::Min(hn::Max(x, hn::Set(d, -104.0F)), hn::Set(d, 104.0F));  // beyond, 0 and 1
  const V s = SafeSigmoid(d, within);
  return KeepNaN(d, x, hn::Mul(s, hn::MulAdd(within, hn::Sub(one, s), one)));
}

template <class D, class V>
V SoftplusAnywhere(D d, V x) {
  const V log = Log1pInside(d, SafeExp(d, hn::Neg(hn::Abs(x))));
  return KeepNaN(d, x, hn::Add(hn::Max(x, hn::Zero(d)), log));
}
template <class D, class V>
V SoftplusSlope(D d, V x) {
  const V one = hn::Set(d, 1.0F), e = SafeExp(d, hn::Neg(hn::Abs(x)));
  const V y = hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
  return KeepNaN(d, x, y);
}

/// v^p of f64 vectors for v > 0 that f32 has, right to the bits that f32 has: 2^(p log2 v).
template <class D, class V>
V PowerInDouble(D d, V v, V p) {
  const hn::RebindToUnsigned<D> du;
  const auto exponents = hn::Set(du, uint64_t{0x7FF} << 52), bias = hn::Set(du, uint64_t{1023} << 52);
  // v = 2^e m with m in [0.75, 1.5)
  const auto bits = hn::BitCast(du, v);
  const auto e = hn::And(hn::Add(hn::Sub(bits, hn::BitCast(du, hn::Set(d, 0.75))), bias), exponents);
  const V m = hn::BitCast(d, hn::Add(hn::Sub(bits, e), bias)), one = hn::Set(d, 1.0);
  const V two52 = hn::Set(d, 0x1.0p52);
  const V whole = hn::Sub(hn::BitCast(d, hn::Or(hn::ShiftRight<52>(e), hn::BitCast(du, two52))),
                          hn::Set(d, 0x1.0p52 + 1023));
  // log2 m = 2 / ln 2 artanh(s), |s| <= 0.2
  const V s = hn::Div(hn::Sub(m, one), hn::Add(m, one)), z = hn::Mul(s, s);
  V log = hn::Set(d, 1.0 / 13);
  for (const double c : {1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0})
    log = hn::MulAdd(log, z, hn::Set(d, c));
  log = hn::MulAdd(log, hn::Mul(s, hn::Set(d, 2 / std::numbers::ln2)), whole);
  const V t = hn::Min(hn::Max(hn::Mul(p, log), hn::Set(d, -1000.0)), hn::Set(d, 1000.0));
  // 2^t = 2^n e^r, |r| <= ln 2 / 2
  const V magic = hn::Set(d, 0x1.8p52), shifted = hn::Add(t, magic);
  const V r = hn::Mul(hn::Sub(t, hn::Sub(shifted, magic)), hn::Set(d, std::numbers::ln2));
  V y = hn::Set(d, 1.0 / 362880);
  for (const double c : {1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0})
    y = hn::MulAdd(y, r, hn::Set(d, c));
  return hn::BitCast(d, hn::Add(hn::BitCast(du, y), hn::ShiftLeft<52>(hn::BitCast(du, shifted))));
}

/// x^p of a finite p that is not 0; what is too large or small for f32 is infinity or 0.
template <class D, class V>
V PowerAnywhere(D d, V x, double exponent) {
  const bool whole = std::trunc(exponent) == exponent, odd = whole && std::fmod(exponent, 2) != 0;
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity()), zero = hn::Zero(d),
          size = hn::Abs(x);
  V y = InDouble(
      d, [exponent](auto wide, auto v) { return PowerInDouble(wide, v, hn::Set(wide, exponent)); }, size);
  const auto infinite = hn::Eq(size, infinity);
  y = hn::IfThenElse(hn::Eq(size, zero), exponent > 0 ? zero : infinity, y);
  y = hn::IfThenElse(infinite, exponent > 0 ? infinity : zero, y);
  if (!whole) {  // a root of minus infinity is that of infinity, other roots of what is negative are NaN
    const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
    y = hn::IfThenElse(hn::AndNot(infinite, hn::Lt(x, zero)), nan, y);
  }
  return KeepNaN(d, x, odd ? hn::CopySign(y, x) : y);
}

// x and 1 / x to the powers of halves, which roots and products give; at minus infinity as of infinity, and
// -0 as 0.
template <class D, class V>
V RootOf(D d, V x) {
  const V infinity = hn::Set(d, std::numeric_limits<hn::TFromD<D>>::infinity());
  const V root = hn::Sqrt(hn::Add(x, hn::Zero(d)));
  return hn::IfThenElse(hn::Eq(x, hn::Neg(infinity)), infinity, root);
}
/// run(f) with f(x) = x^p, for plain::is_simple_power(p).
template <class T, class Run>
void WithSimplePower(double p, const Run& run) {
  const hn::ScalableTag<T> d;
  const auto one = hn::Set(d, T{1});
  if (p == 0) return run([one](auto) { return one; });
  if (p == 1) return run([](auto v) { return v; });
  if (p == 2) return run([](auto v) { return hn::Mul(v, v); });
  if (p == 3) return run([](auto v) { return hn::Mul(hn::Mul(v, v), v); });
  if (p == -1) return run([one](auto v) { return hn::Div(one, v); });
  if (p == -2) {
    return run([one](auto v) {
      const auto inverse =
          hn::Div(one, v);  // the square of v may overflow where the result does not underflow
      return hn::Mul(inverse, inverse);
    });
  }
  if (p == 0.5) return run([d](auto v) { return RootOf(d, v); });
  if (p == -0.5) return run([d, one](auto v) { return hn::Div(one, RootOf(d, v)); });
  return run([d](auto v) { return hn::Mul(hn::Abs(v), RootOf(d, v)); });
}

/// y = f of whole vectors of x where it is within [low, high], other(x) of a single value elsewhere and of
/// NaN. A piece is looked through for those only where there is one.
template <class T, class F, class G>
void MapWithin(T low, T high, int64_t n, const T* x, T* y, const F& f, const G& other) {
  constexpr int64_t kPiece = 1024;
  const hn::ScalableTag<T> d;
  const auto least = hn::Set(d, low), most = hn::Set(d, high);
  for (int64_t start = 0; start < n; start += kPiece) {
    const int64_t count = std::min(kPiece, n - start);
    auto inside = hn::Eq(least, least);
    Map(count, x + start, y + start, [&](auto v) {
      inside = hn::And(inside, hn::And(hn::Ge(v, least), hn::Le(v, most)));
      return f(v);
    });
    if (hn::AllTrue(d, inside)) continue;
    for (int64_t i = start; i < start + count; ++i) {
      if (!(x[i] >= low && x[i] <= high)) y[i] = other(x[i]);
    }
  }
}
/// The same of two: the range is b's, and f and other take (a, b).
template <class T, class F, class G>
void Map2Within(T low, T high, int64_t n, const T* a, const T* b, T* y, const F& f, const G& other) {
  constexpr int64_t kPiece = 1024;
  const hn::ScalableTag<T> d;
  const auto least = hn::Set(d, low), most = hn::Set(d, high);
  for (int64_t start = 0; start < n; start += kPiece) {
    const int64_t count = std::min(kPiece, n - start);
    auto inside = hn::Eq(least, least);
    Map2(count, a + start, b + start, y + start, [&](auto v, auto w) {
      inside = hn::And(inside, hn::And(hn::Ge(w, least), hn::Le(w, most)));
      return f(v, w);
    });
    if (hn::AllTrue(d, inside)) continue;
    for (int64_t i = start; i < start + count; ++i) {
      if (!(b[i] >= low && b[i] <= high)) y[i] = other(a[i], b[i]);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();
#endif
