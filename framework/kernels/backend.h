// What the kernels run on, for --version and reports.
#pragma once

#include <string>

namespace heed::kernels {

/// One fact a line: instruction set of heed's own kernels, OpenBLAS's core, oneDNN's version; a warning when OPENBLAS_CORETYPE in the
/// environment holds OpenBLAS below what the CPU has.
std::string describe_backends();

}  // namespace heed::kernels
