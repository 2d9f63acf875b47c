// What this heed is and what it runs on: for --version, reports of runs, and reports of mistakes.
#pragma once

#include <string>
#include <vector>

namespace heed {

/// Facts of the library as it was compiled, of the libraries it found when it was loaded, and of the machine.
struct BuildInfo {
  std::string version;                // heed's, such as 0.1.0
  std::string compiler;               // GCC 12.2.0
  std::string build_type;             // Release
  std::string sanitizers;             // address,undefined; empty without
  std::string openblas;               // version, of the library that was loaded
  std::string onednn;                 // the same
  std::string highway;                // version, of the headers heed was compiled with
  std::string fmt;                    // the same
  std::string instruction_set;        // that heed's own kernels use: AVX3 (AVX-512), AVX2, ...; HEED_ISA chooses a lower one
  std::string blas_core;              // OpenBLAS's kernels, by the name of a CPU: SkylakeX, Haswell, ...
  bool bf16_products = false;         // whether the CPU multiplies bfloat16 matrices itself (AutocastGuard)
  int threads = 1;                    // that parallel_for may use
  std::vector<std::string> warnings;  // about the environment: settings that make heed slow

  /// @return one fact a line, the warnings last; no newline at the end
  std::string str() const;
};

/// Gathers the facts; the first call may start OpenBLAS.
/// @return of this process, now
BuildInfo build_info();

}  // namespace heed
