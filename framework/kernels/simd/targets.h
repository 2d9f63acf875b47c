// Which instruction sets are compiled: AVX-512, AVX2 and the baseline; include before Highway.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

/// The names that HEED_EXPORT (dispatch.h) exports of a kernel template, within HWY_NAMESPACE.
#define HEED_TYPED(name)                   \
  constexpr auto& name##F32 = name<float>; \
  constexpr auto& name##F64 = name<double>;
