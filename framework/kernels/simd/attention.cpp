// Rows of a block of attention's scores: softmax whose keys come block by block, and its vjp.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/attention.cpp"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "framework/kernels/attention.h"
#include "framework/kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

template <class T>
void SoftmaxBlockKernel(int64_t rows, int64_t n, const int64_t* used, T scale, T* scores, int64_t ld, T* most,
                        double* total, double* keep) {
  const hn::ScalableTag<T> d;
  const auto factor = hn::Set(d, scale);
  constexpr T kNone = -std::numeric_limits<T>::infinity();
  for (int64_t r = 0; r < rows; ++r) {
    T* const x = scores + r * ld;
    const T before = most[r], now = std::max(before, RowMax(used[r], x));
    std::fill(x + used[r], x + n, T{0});
    if (now == kNone) {  // nothing seen so far; the maximum may have dropped a NaN, which stays one
      const bool nan = std::any_of(x, x + used[r], [](T v) { return std::isnan(v); });
      std::fill_n(x, used[r], nan ? std::numeric_limits<T>::quiet_NaN() : T{0});
      if (nan) total[r] = std::numeric_limits<double>::quiet_NaN();
      keep[r] = 1;
      continue;
    }
    const auto largest = hn::Set(d, now);
    BlockedSum<decltype(d)> sum(d);
    Lanewise<T>(used[r], [&](int64_t, const auto& load, const auto& store, auto mask) {
      const auto e =
          SafeExp(d, hn::Mul(factor, hn::Sub(load(x), largest)));  // of at most 0, however it rounds
      store(e, x);
      sum.add(hn::IfThenElseZero(mask, e));
    });
    most[r] = now;
    keep[r] = std::exp(static_cast<double>(scale) * (static_cast<double>(before) - static_cast<double>(now)));
    total[r] = keep[r] * total[r] + static_cast<double>(Total(d, sum.total()));
  }
}

template <class T>
void SoftmaxBlockBackwardKernel(int64_t rows, int64_t n, const int64_t* used, T scale, T* scores, T* gradient,
                                int64_t ld, const T* most, const T* inverse, const T* mean) {
  const hn::ScalableTag<T> d;
  const auto factor = hn::Set(d, scale);
  for (int64_t r = 0; r < rows; ++r) {
    T *const x = scores + r * ld, *const g = gradient + r * ld;
    const int64_t count = inverse[r] == 0 ? 0 : used[r];
    const auto largest = hn::Set(d, most[r]), share = hn::Set(d, inverse[r]), centre = hn::Set(d, mean[r]);
    Lanewise<T>(count, [&](int64_t, const auto& load, const auto& store, auto) {
      const auto p = hn::Mul(SafeExp(d, hn::Mul(factor, hn::Sub(load(x), largest))), share);
      store(p, x);
      store(hn::Mul(p, hn::Sub(load(g), centre)), g);
    });
    std::fill(x + count, x + n, T{0});
    std::fill(g + count, g + n, T{0});
  }
}

template <class T>
void AddToScaledRowsKernel(int64_t rows, int64_t n, const T* from, const double* keep, double* into) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < rows; ++r) {
    const T* const x = from + r * n;
    double* const y = into + r * n;
    const double factor = keep ? keep[r] : 1.0;
    const auto factors = hn::Set(d, factor);
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
      hn::StoreU(hn::MulAdd(factors, hn::LoadU(d, y + i), Widen(d, x + i)), d, y + i);
    for (; i < n; ++i) y[i] = factor * y[i] + static_cast<double>(x[i]);
  }
}

HEED_TYPED(SoftmaxBlockKernel)
HEED_TYPED(SoftmaxBlockBackwardKernel)
HEED_TYPED(AddToScaledRowsKernel)

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "framework/kernels/simd/dispatch.h"

namespace heed::kernels {
HEED_EXPORT(SoftmaxBlockKernel)
HEED_EXPORT(SoftmaxBlockBackwardKernel)
HEED_EXPORT(AddToScaledRowsKernel)

template <class T>
void softmax_block(int64_t rows, int64_t n, const int64_t* used, T scale, T* x, int64_t ld, T* most,
                   double* total, double* keep) {
  HEED_DISPATCH(SoftmaxBlockKernel)(rows, n, used, scale, x, ld, most, total, keep);
}

template <class T>
void softmax_block_backward(int64_t rows, int64_t n, const int64_t* used, T scale, T* x, T* g, int64_t ld,
                            const T* most, const T* inverse, const T* mean) {
  HEED_DISPATCH(SoftmaxBlockBackwardKernel)(rows, n, used, scale, x, g, ld, most, inverse, mean);
}

template <class T>
void add_to_scaled_rows(int64_t rows, int64_t n, const T* x, const double* keep, double* y) {
  HEED_DISPATCH(AddToScaledRowsKernel)(rows, n, x, keep, y);
}

#define HEED_INSTANTIATE(T)                                                                            \
  template void softmax_block(int64_t, int64_t, const int64_t*, T, T*, int64_t, T*, double*, double*); \
  template void softmax_block_backward(int64_t, int64_t, const int64_t*, T, T*, T*, int64_t, const T*, \
                                       const T*, const T*);                                            \
  template void add_to_scaled_rows(int64_t, int64_t, const T*, const double*, double*);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)
#undef HEED_INSTANTIATE

}  // namespace heed::kernels
#endif
