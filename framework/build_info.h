// Versions, build settings and machine facts: for --version, records of runs, and bug reports.
#pragma once

#include <string>
#include <vector>

namespace heed {

/// Facts about how heed was compiled, the libraries loaded with it, and the machine.
struct BuildInfo {
  std::string version;     // version of heed, such as 0.2.0
  std::string compiler;    // GCC 12.2.0
  std::string build_type;  // Release
  std::string sanitizers;  // such as address,undefined; empty if none
  std::string openblas;    // version of the OpenBLAS library that was loaded
  std::string onednn;      // version of the oneDNN library that was loaded
  std::string highway;     // version of the Highway headers that heed was compiled with
  std::string fmt;         // version of the {fmt} headers that heed was compiled with
  /// Used by heed's own kernels: AVX3 (AVX-512), AVX2, ...; HEED_ISA selects a lower one.
  std::string instruction_set;
  std::string blas_core;              // CPU type whose kernels OpenBLAS uses: SkylakeX, Haswell, ...
  bool bf16_products = false;         // whether the CPU has bf16 matrix instructions (see AutocastGuard)
  int threads = 1;                    // number of threads that parallel_for may use
  std::vector<std::string> warnings;  // settings of the environment that make heed slow

  /// @return one fact per line, the warnings last; no newline at the end
  std::string str() const;
};

/// Collects the facts; the first call may initialise OpenBLAS.
/// @return the facts about this process at the time of the call
BuildInfo build_info();

}  // namespace heed
