// How much memory the machine has, so that a model that cannot fit is refused before it is made.
#pragma once

#include <cstdint>

namespace heed {

/// Memory of the machine, or what the control group or the limit of address space leaves this process of it.
struct SystemMemory {
  int64_t total = INT64_MAX;      // bytes; INT64_MAX where the system cannot tell
  int64_t available = INT64_MAX;  // bytes that a process can have without others being swapped out
};

/// @return the memory as it is now
SystemMemory system_memory();

}  // namespace heed
