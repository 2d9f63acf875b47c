#include "framework/build_info.h"

#include <fmt/core.h>

#include <cstdlib>

#include "framework/core/autocast.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"

// HEED_VERSION, HEED_BUILD_TYPE, HEED_SANITIZE: framework/CMakeLists.txt.
namespace heed {
namespace {

std::string compiler() {
#if defined(__clang__)
  return fmt::format("Clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
  return "unknown";
#endif
}

}  // namespace

BuildInfo build_info() {
  BuildInfo info;
  info.version = HEED_VERSION;
  info.compiler = compiler();
  info.build_type = HEED_BUILD_TYPE;
  info.sanitizers = HEED_SANITIZE;
  info.openblas = kernels::openblas_version();
  info.onednn = kernels::onednn_version();
  info.highway = kernels::highway_version();
  info.fmt = fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
  info.instruction_set = kernels::simd_target();
  info.blas_core = kernels::blas_core();
  info.bf16_products = has_bf16_products();
  info.threads = num_threads();
  if (const char* core = std::getenv("OPENBLAS_CORETYPE")) {
    info.warnings.push_back(fmt::format(
        "OPENBLAS_CORETYPE={} is set; unset, OpenBLAS picks the kernels for this CPU itself", core));
  }
  return info;
}

std::string BuildInfo::str() const {
  std::string text = fmt::format(
      "heed {}, {}, {}{}{}\nOpenBLAS {}, oneDNN {}, Highway {}, fmt {}\nkernels: {}\nOpenBLAS core: {}\nbf16 "
      "products: {}\nthreads: {}",
      version, compiler, build_type.empty() ? "no build type" : build_type,
      sanitizers.empty() ? "" : ", sanitizers ", sanitizers, openblas, onednn, highway, fmt, instruction_set,
      blas_core, bf16_products ? "yes" : "no (computed in f32)", threads);
  for (const std::string& warning : warnings) text += "\nwarning: " + warning;
  return text;
}

}  // namespace heed
