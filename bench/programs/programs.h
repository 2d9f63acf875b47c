// The list of programs and how one is made on a side.
#pragma once

#include "bench/programs/dense.h"
#include "bench/programs/images.h"
#include "bench/programs/sequences.h"

namespace workload {

/// programs/NAME of every row of programs.def.
inline const std::vector<CaseName>& program_names() {
#define PROGRAM(name, shape) {std::string(kPrograms) + #name, shape},
  static const std::vector<CaseName> all = {
#include "bench/programs/programs.def"
  };
#undef PROGRAM
  return all;
}

/// The training step of the program `name`, as in program_names(); a case without `run` for another name.
template <class Side>
Case make_program(const std::string& name) {
#define PROGRAM(function, shape) \
  if (name == std::string(kPrograms) + #function) return program_case<Side>(function<Side>());
#include "bench/programs/programs.def"
#undef PROGRAM
  return {};
}

}  // namespace workload
