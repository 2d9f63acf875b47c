#include "framework/io/system_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace heed {
namespace {

std::optional<int64_t> number_in(const char* file) {
  int64_t value = 0;
  if (std::ifstream(file) >> value) return value;
  return std::nullopt;  // "max", too
}

}  // namespace

SystemMemory system_memory() {
  SystemMemory memory;
  std::ifstream facts("/proc/meminfo");
  std::string key;
  for (int64_t kilobytes = 0; facts >> key >> kilobytes;
       facts.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    if (key == "MemTotal:") memory.total = kilobytes * 1024;
    if (key == "MemAvailable:") memory.available = kilobytes * 1024;
  }
  const auto limit = number_in("/sys/fs/cgroup/memory.max"),
             used = number_in("/sys/fs/cgroup/memory.current");
  if (limit && *limit < memory.total) {
    memory.total = *limit;
    memory.available = std::min(memory.available, std::max<int64_t>(*limit - used.value_or(0), 0));
  }
  return memory;
}

}  // namespace heed
