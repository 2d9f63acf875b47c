#include "framework/kernels/backend.h"

#include <fmt/format.h>

#include <cstdlib>

#include "framework/kernels/kernels.h"

namespace heed::kernels {

std::string describe_backends() {
  std::string text = fmt::format("kernels: {}\nOpenBLAS core: {}\noneDNN: {}\n", simd_target(), blas_core(), onednn_version());
  if (const char* core = std::getenv("OPENBLAS_CORETYPE")) {
    text += fmt::format("warning: OPENBLAS_CORETYPE={} is set; unset, OpenBLAS picks the kernels for this CPU itself\n", core);
  }
  return text;
}

}  // namespace heed::kernels
