// exp, log, tanh and sigmoid on vectors, right at NaN, infinities, zeros and large arguments, where Highway's own are not.
// Compiled once for each instruction set.
#include <cmath>
#include <limits>

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

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

template <class D, class V>
V SafeExp(D d, V x) {
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

template <class D, class V>
V SafeLog(D d, V x) {
  using T = hn::TFromD<D>;
  const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  V y = hn::Log(d, x);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), y);
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Set(d, std::numeric_limits<T>::quiet_NaN()), y);
  return KeepNaN(d, x, y);
}

template <class D, class V>
V SafeTanh(D d, V x) {
  using T = hn::TFromD<D>;
  const V limit = hn::Set(d, static_cast<T>(sizeof(T) == 4 ? 9.1 : 19.1));  // tanh is 1 to the last bit from here on
  const V magnitude = hn::Min(hn::Abs(x), limit);
  const V y = hn::Tanh(d, magnitude);
  return KeepNaN(d, x, hn::CopySign(hn::Min(y, hn::Set(d, static_cast<T>(1))), x));
}

template <class D, class V>
V SafeSigmoid(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, static_cast<T>(1));
  return hn::Div(one, hn::Add(one, SafeExp(d, hn::Neg(x))));
}

/// f on n values, whole vectors first, then a masked rest.
template <class T, class F>
void Map(int64_t n, const T* x, T* y, const F& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, y + i);
  if (i < n) {
    const auto rest = hn::FirstN(d, static_cast<size_t>(n - i));
    hn::BlendedStore(f(hn::MaskedLoad(rest, d, x + i)), rest, d, y + i);
  }
}

template <class T, class F>
void Map2(int64_t n, const T* a, const T* b, T* y, const F& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
  if (i < n) {
    const auto rest = hn::FirstN(d, static_cast<size_t>(n - i));
    hn::BlendedStore(f(hn::MaskedLoad(rest, d, a + i), hn::MaskedLoad(rest, d, b + i)), rest, d, y + i);
  }
}

/// Calls f(vector_index, mask-or-nothing) style loops for reductions: f(i, load) where load(p) reads p[i...] or zeros past n.
template <class T, class F>
void Lanewise(int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    f(i, [&](const T* p) { return hn::LoadU(d, p + i); }, [&](auto v, T* p) { hn::StoreU(v, d, p + i); },
      hn::FirstN(d, static_cast<size_t>(lanes)));
  }
  if (i < n) {
    const auto rest = hn::FirstN(d, static_cast<size_t>(n - i));
    f(i, [&](const T* p) { return hn::MaskedLoad(rest, d, p + i); }, [&](auto v, T* p) { hn::BlendedStore(v, rest, d, p + i); }, rest);
  }
}

template <class D, class V>
hn::TFromD<D> Total(D d, V v) {
  return hn::GetLane(hn::SumOfLanes(d, v));
}
template <class D, class V>
hn::TFromD<D> Largest(D d, V v) {
  return hn::GetLane(hn::MaxOfLanes(d, v));
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();
#endif
