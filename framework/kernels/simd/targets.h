// Which instruction sets are compiled: AVX-512, AVX2 and the baseline; include before Highway.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
