// Between f32 and f64.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/conversions.cpp"
#include <hwy/foreach_target.h>

#include <algorithm>

#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

inline void WidenKernel(int64_t n, const float* x, double* y) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(Widen(d, x + i), d, y + i);
  for (; i < n; ++i) y[i] = static_cast<double>(x[i]);
}

inline void NarrowKernel(int64_t n, const double* x, float* y) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) StoreRounded(d, hn::LoadU(d, x + i), y + i);
  for (; i < n; ++i) y[i] = static_cast<float>(x[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heed::kernels {
HWY_EXPORT(WidenKernel);
HWY_EXPORT(NarrowKernel);

void convert(int64_t n, const float* x, double* y) { HWY_DYNAMIC_DISPATCH(WidenKernel)(n, x, y); }
void convert(int64_t n, const double* x, float* y) { HWY_DYNAMIC_DISPATCH(NarrowKernel)(n, x, y); }
void convert(int64_t n, const double* x, double* y) { std::copy_n(x, n, y); }

}  // namespace heed::kernels
#endif
