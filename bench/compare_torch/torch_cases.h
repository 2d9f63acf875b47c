// PyTorch's side of every case in workload.h.
#pragma once

#include <string>

#include "bench/op_cases.h"
#include "bench/workload.h"

namespace torch_side {

/// Throws std::runtime_error for an unknown name.
workload::Case make_case(const std::string& name);
/// PyTorch's side of a row of op_cases.def, with its backward or without.
workload::Case make_op_case(const workload::OpCase& op, bool backward);
/// PyTorch's side of a row of programs.def; a case without `run` for another name.
workload::Case make_program(const std::string& name);

}  // namespace torch_side
