// exp, log, tanh and sigmoid on vectors, right at NaN, infinities, zeros and large arguments, where Highway's
// own are not. Compiled once for each instruction set.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "framework/kernels/simd/first-lanes-inl.h"

#if defined(HEED_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HEED_SIMD_MATH_INL_H_
#undef HEED_SIMD_MATH_INL_H_
#else
#define HEED_SIMD_MATH_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V>
V KeepNaN(D, V x, V y) {
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// e^x = 2^n e^r for n = x / ln 2 rounded and |r| <= ln 2 / 2. f32 alone, |n| <= 125.
template <class D, class V>
struct ExpParts {
  V n, less_one;  // e^r - 1
  ExpParts(D d, V x) {
    const V half = hn::Or(hn::Set(d, 0.5F), hn::And(x, hn::SignBit(d)));
    n = hn::Trunc(hn::MulAdd(x, hn::Set(d, 1.44269504089F), half));
    const V r = hn::MulAdd(n, hn::Set(d, -1.428606765330187045e-6F),
                           hn::MulAdd(n, hn::Set(d, -0.693145751953125F), x));
    less_one = hn::impl::ExpImpl<float>().ExpPoly(d, r);
  }
  // n + `bias` where the exponent of a number is; adding 1.5 * 2^23 leaves an integer in the low bits.
  auto exponent(D d, int32_t bias) const {
    const hn::RebindToSigned<D> di;
    return hn::ShiftLeft<23>(hn::BitCast(di, hn::Add(n, hn::Set(d, 12582912.0F + static_cast<float>(bias)))));
  }
};
constexpr float kExpRange = 86.9F;  // up to here ExpParts holds

// Of any numbers, by Highway.
template <class D, class V>
HWY_NOINLINE V ExpAnywhere(D d, V x) {
  using T = hn::TFromD<D>;
  constexpr bool kFloat = sizeof(T) == 4;
  const V high = hn::Set(d, kFloat ? static_cast<T>(88.72283F) : static_cast<T>(709.782712893383));
  const V low = hn::Set(d, kFloat ? static_cast<T>(-103.97F) : static_cast<T>(-745.13));
  const V inside = hn::Min(hn::Max(x, low), high);
  V y = hn::Exp(d, inside);
  y = hn::IfThenElse(hn::Gt(x, high), hn::Set(d, std::numeric_limits<T>::infinity()), y);
  y = hn::IfThenElse(hn::Lt(x, low), hn::Zero(d), y);
  return KeepNaN(d, x, y);
}

// f32, |x| <= kExpRange: Highway's, to the bit, in half its instructions.
template <class D, class V>
HWY_INLINE V ExpInside(D d, V x) {
  const hn::RebindToSigned<D> di;
  const ExpParts<D, V> parts(d, x);
  const V y = hn::Add(parts.less_one, hn::Set(d, 1.0F));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, y), parts.exponent(d, 0)));
}
template <class D, class V>
HWY_INLINE bool IsExpInside(D d, V x) {
  return HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, kExpRange))));
}

template <class D, class V>
HWY_INLINE V SafeExp(D d, V x) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    if (IsExpInside(d, x)) return ExpInside(d, x);
  }
  return ExpAnywhere(d, x);
}

/// Highway's, to the bit, of finite numbers above 0 that are not denormal.
template <class D, class V>
V LogOfNormal(D d, V x) {
  return hn::impl::Log<D, V, /*kAllowSubnormals=*/false>(d, x);
}

template <class D, class V>
V SafeLog(D d, V x) {
  using T = hn::TFromD<D>;
  const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  const auto normal = hn::And(hn::Ge(x, hn::Set(d, std::numeric_limits<T>::min())), hn::Lt(x, infinity));
  if (hn::AllTrue(d, normal)) return LogOfNormal(d, x);
  V y = hn::Log(d, x);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), y);
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Set(d, std::numeric_limits<T>::quiet_NaN()), y);
  return KeepNaN(d, x, y);
}

// f32: tanh(x) = x P(x^2) / Q(x^2), P and Q of degrees 4 and 5 fitted to the least relative error on
// [0, 9.01] (1e-9; 5.2 ulp at most once rounded, 97 % within 2). f64: by Highway's expm1.
template <class D, class V>
V SafeTanh(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, static_cast<T>(1));
  if constexpr (sizeof(T) == 4) {
    const V z = hn::Min(hn::Abs(x), hn::Set(d, 9.01F)), z2 = hn::Mul(z, z);  // at 9.01 the quotient is 1
    V p = hn::Set(d, 5.080945797e-08F), q = hn::Set(d, 7.383965661e-10F);
    for (const float c : {3.160245251e-05F, 4.009123426e-03F, 1.378584504e-01F, 1.0F})
      p = hn::MulAdd(p, z2, hn::Set(d, c));
    for (const float c : {1.618525403e-06F, 4.208519240e-04F, 2.773973159e-02F, 4.711917937e-01F, 1.0F}) {
      q = hn::MulAdd(q, z2, hn::Set(d, c));
    }
    const V y = hn::Min(hn::Div(hn::Mul(z, p), q), one);
    return KeepNaN(d, x, hn::CopySign(y, x));  // exact near zero, where P = Q = 1
  } else {
    const V limit = hn::Set(d, static_cast<T>(19.1));  // tanh is 1 to the last bit from here on
    const V y = hn::Tanh(d, hn::Min(hn::Abs(x), limit));
    return KeepNaN(d, x, hn::CopySign(hn::Min(y, one), x));
  }
}

// Far below 0 it is e^x, while e^-x overflows.
template <class D, class V>
HWY_NOINLINE V SigmoidAnywhere(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, static_cast<T>(1));
  const V y = hn::Div(one, hn::Add(one, ExpAnywhere(d, hn::Neg(x))));
  const auto far = hn::Lt(x, hn::Set(d, static_cast<T>(sizeof(T) == 4 ? -80 : -700)));
  return hn::AllFalse(d, far) ? y : hn::IfThenElse(far, ExpAnywhere(d, x), y);
}

template <class D, class V>
HWY_INLINE V SafeSigmoid(D d, V x) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    const V one = hn::Set(d, 1.0F);
    if (IsExpInside(d, x)) return hn::Div(one, hn::Add(one, ExpInside(d, hn::Neg(x))));
  }
  return SigmoidAnywhere(d, x);
}

/// f on n values, whole vectors first, then a masked rest.
template <class T, class F>
HWY_INLINE void Map(int64_t n, const T* x, T* y, const F& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, y + i);
  if (i < n) {
    StoreFirst(d, f(LoadFirst(d, n - i, x + i)), n - i, y + i);
  }
}

template <class T, class F>
HWY_INLINE void Map2(int64_t n, const T* a, const T* b, T* y, const F& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
  if (i < n) {
    StoreFirst(d, f(LoadFirst(d, n - i, a + i), LoadFirst(d, n - i, b + i)), n - i, y + i);
  }
}

/// Calls f(vector_index, mask-or-nothing) style loops for reductions: f(i, load) where load(p) reads p[i...]
/// or zeros past n.
template <class T, class F>
HWY_INLINE void Lanewise(int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    f(
        i, [&](const T* p) { return hn::LoadU(d, p + i); }, [&](auto v, T* p) { hn::StoreU(v, d, p + i); },
        hn::FirstN(d, static_cast<size_t>(lanes)));
  }
  if (i < n) {
    f(
        i, [&](const T* p) { return LoadFirst(d, n - i, p + i); },
        [&](auto v, T* p) { StoreFirst(d, v, n - i, p + i); }, hn::FirstN(d, static_cast<size_t>(n - i)));
  }
}

/// Elements from p on as doubles.
template <class D>
hn::Vec<D> Widen(D d, const float* p) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), p));
}
template <class D>
hn::Vec<D> Widen(D d, const double* p) {
  return hn::LoadU(d, p);
}

/// f64 rounded to f32, infinite where it is too large.
template <class D, class V>
hn::Vec<D> Narrow(D into, V y) {
  const auto result = hn::DemoteTo(into, y);
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  // their DemoteTo ends at the largest number: there, twice what half of it is rounded to
  const auto most = hn::Set(into, std::numeric_limits<float>::max());
  const auto half_of = hn::DemoteTo(into, hn::Mul(y, hn::Set(hn::DFromV<V>(), 0.5)));
  return hn::IfThenElse(hn::Eq(hn::Abs(result), most), hn::Add(half_of, half_of), result);
#else
  return result;
#endif
}

/// Stores v in y's type and returns it as it was stored, in f64.
template <class D>
HWY_INLINE hn::Vec<D> StoreRounded(D d, hn::Vec<D> v, double* y) {
  hn::StoreU(v, d, y);
  return v;
}
template <class D>
HWY_INLINE hn::Vec<D> StoreRounded(D d, hn::Vec<D> v, float* y) {
  const hn::Rebind<float, D> narrow;
  const auto rounded = Narrow(narrow, v);
  hn::StoreU(rounded, narrow, y);
  return hn::PromoteTo(d, rounded);
}

/// A sum in double over ranges of i, in four vectors of partial sums.
class WideTotal {
 public:
  WideTotal() : first_(hn::Zero(d_)), second_(first_), third_(first_), fourth_(first_) {}
  /// @param begin,end the range
  /// @param f f(d, i) gives the terms from i on as a vector of d
  template <class F>
  HWY_INLINE void add(int64_t begin, int64_t end, const F& f) {
    const auto lanes = static_cast<int64_t>(hn::Lanes(d_));
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      first_ = hn::Add(first_, f(d_, i));
      second_ = hn::Add(second_, f(d_, i + lanes));
      third_ = hn::Add(third_, f(d_, i + 2 * lanes));
      fourth_ = hn::Add(fourth_, f(d_, i + 3 * lanes));
    }
    for (; i + lanes <= end; i += lanes) first_ = hn::Add(first_, f(d_, i));
    const hn::CappedTag<double, 1> one;
    for (; i < end; ++i) rest_ += hn::GetLane(f(one, i));
  }
  HWY_INLINE double value() const {
    return hn::GetLane(hn::SumOfLanes(d_, hn::Add(hn::Add(first_, second_), hn::Add(third_, fourth_)))) +
           rest_;
  }

 private:
  using D = hn::ScalableTag<double>;
  D d_;
  hn::Vec<D> first_, second_, third_, fourth_;
  double rest_ = 0;
};

/// That over i < n.
template <class F>
double WideSum(int64_t n, const F& f) {
  WideTotal total;
  total.add(0, n, f);
  return total.value();
}

/// A sum of vectors with what each addition rounded away carried along (Kahan 1965).
template <class D>
class CarriedSum {
 public:
  using V = hn::Vec<D>;
  explicit CarriedSum(D d = D()) : total_(hn::Zero(d)), lost_(total_) {}
  HWY_INLINE void add(V term) {
    const V small = hn::Sub(term, lost_), next = hn::Add(total_, small);
    lost_ = hn::Sub(hn::Sub(next, total_), small);
    total_ = next;
  }
  V total() const { return total_; }

 private:
  V total_, lost_;
};

/// Vectors that are summed as they are before the sum goes to a CarriedSum.
inline constexpr int kSummedTogether = 16;

/// A sum of vectors that exist in registers alone: kSummedTogether at a time, their sums by CarriedSum.
template <class D>
class BlockedSum {
 public:
  using V = hn::Vec<D>;
  explicit BlockedSum(D d) : zero_(hn::Zero(d)), block_(zero_), sum_(d) {}
  void add(V term) {
    block_ = hn::Add(block_, term);
    if (++count_ % kSummedTogether == 0) flush();
  }
  V total() {
    flush();
    return sum_.total();
  }

 private:
  void flush() {
    sum_.add(block_);
    block_ = zero_;
  }
  V zero_, block_;
  CarriedSum<D> sum_;
  uint32_t count_ = 0;
};

template <class D, class V>
hn::TFromD<D> Total(D d, V v) {
  return hn::GetLane(hn::SumOfLanes(d, v));
}
template <class D, class V>
hn::TFromD<D> Largest(D d, V v) {
  const auto most = hn::GetLane(hn::MaxOfLanes(d, v));
  // a backend without vectors begins at the lowest finite number
  const auto none = -std::numeric_limits<hn::TFromD<D>>::infinity();
  return most == std::numeric_limits<hn::TFromD<D>>::lowest() && hn::AllTrue(d, hn::Eq(v, hn::Set(d, none)))
             ? none
             : most;
}

/// The largest of n; four vectors at a time, as one alone would wait for each comparison. It may drop a NaN.
template <class T>
T RowMax(int64_t n, const T* x) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto floor = hn::Set(d, -std::numeric_limits<T>::infinity());
  auto first = floor, second = floor, third = floor, fourth = floor;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    first = hn::Max(first, hn::LoadU(d, x + i));
    second = hn::Max(second, hn::LoadU(d, x + i + lanes));
    third = hn::Max(third, hn::LoadU(d, x + i + 2 * lanes));
    fourth = hn::Max(fourth, hn::LoadU(d, x + i + 3 * lanes));
  }
  Lanewise<T>(n - i, [&](int64_t, const auto& load, const auto&, auto mask) {
    first = hn::Max(first, hn::IfThenElse(mask, load(x + i), floor));
  });
  return Largest(d, hn::Max(hn::Max(first, second), hn::Max(third, fourth)));
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();
#endif
