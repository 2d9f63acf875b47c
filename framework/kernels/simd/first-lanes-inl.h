// Loads and stores of the first lanes of a vector, at the ends of rows. Compiled once for each instruction
// set.
#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#if defined(HEED_SIMD_FIRST_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HEED_SIMD_FIRST_LANES_INL_H_
#undef HEED_SIMD_FIRST_LANES_INL_H_
#else
#define HEED_SIMD_FIRST_LANES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The first n numbers from p on, n below Lanes(d), and zeros. Nothing behind them is read.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> LoadFirst(D d, int64_t n, const T* p) {
#if HWY_TARGET <= HWY_AVX2 || HWY_HAVE_SCALABLE
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else  // on Arm Highway reads the whole vector
  HWY_ALIGN T lanes[hn::MaxLanes(d)] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return hn::Load(d, lanes);
#endif
}

/// Stores the first n lanes of v, n below Lanes(d). Nothing behind them is written.
template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE void StoreFirst(D d, V v, int64_t n, T* p) {
#if HWY_TARGET <= HWY_AVX3 || HWY_HAVE_SCALABLE
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else  // AVX2's masked store takes as long as some ten whole ones on AMD's processors; others' write all
       // lanes
  constexpr int64_t kLanes = hn::MaxLanes(D());
  static_assert(kLanes <= 8);
  HWY_ALIGN T lanes[kLanes];
  hn::Store(v, d, lanes);
  int64_t at = 0;
  if constexpr (kLanes > 4) {
    if (n & 4) std::memcpy(p, lanes, 4 * sizeof(T)), at = 4;
  }
  if constexpr (kLanes > 2) {
    if (n & 2) std::memcpy(p + at, lanes + at, 2 * sizeof(T)), at += 2;
  }
  if (n & 1) p[at] = lanes[at];
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();
#endif
