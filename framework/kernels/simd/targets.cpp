#include "framework/kernels/simd/targets.h"

#include <fmt/core.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "framework/kernels/configure.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/onednn/gemm.h"

namespace heed::kernels {

void configure() {
  const char* const wanted = std::getenv("HEED_ISA");
  if (!wanted || !*wanted) return;
  const std::string_view isa = wanted;
  if (isa == "avx512") return hwy::DisableTargets(HWY_AVX3_DL);  // as the first CPUs had it, without VNNI
  const int64_t avx512 = HWY_AVX3 | HWY_AVX3_DL;
  if (isa == "avx2") {
    hwy::DisableTargets(avx512);
  } else if (isa == "baseline") {
    hwy::DisableTargets(avx512 | HWY_AVX2);
  } else {
    std::fprintf(stderr, "heed: HEED_ISA=%s is not known (avx512, avx2, baseline); ignored\n", wanted);
    return;
  }
  onednn::limit_isa(wanted);
}

std::string simd_target() {
  const int64_t best = hwy::SupportedTargets() & ~int64_t{HWY_DISABLED_TARGETS};
  return hwy::TargetName(best & -best);
}

std::string highway_version() { return fmt::format("{}.{}.{}", HWY_MAJOR, HWY_MINOR, HWY_PATCH); }

}  // namespace heed::kernels
