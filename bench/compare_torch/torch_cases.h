// PyTorch's side of every case in workload.h.
#pragma once

#include <string>

#include "bench/workload.h"

namespace torch_side {

/// Throws std::runtime_error for an unknown name.
workload::Case make_case(const std::string& name);

}  // namespace torch_side
