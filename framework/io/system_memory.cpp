#include "framework/io/system_memory.h"

#include <sys/resource.h>
#include <unistd.h>

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
  const auto limit_to = [&](std::optional<int64_t> limit, std::optional<int64_t> used) {
    if (!limit || *limit >= memory.total) return;
    memory.total = *limit;
    memory.available = std::min(memory.available, std::max<int64_t>(*limit - used.value_or(0), 0));
  };
  limit_to(number_in("/sys/fs/cgroup/memory.max"), number_in("/sys/fs/cgroup/memory.current"));
  limit_to(number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  // of version 1
           number_in("/sys/fs/cgroup/memory/memory.usage_in_bytes"));
  if (rlimit space = {}; ::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur < INT64_MAX) {
    const auto pages = number_in("/proc/self/statm");  // the first: all that is mapped
    limit_to(static_cast<int64_t>(space.rlim_cur), pages.value_or(0) * ::sysconf(_SC_PAGESIZE));
  }
  return memory;
}

}  // namespace heed
