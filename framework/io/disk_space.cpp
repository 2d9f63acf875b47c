#include "framework/io/disk_space.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>

namespace heed {

int64_t disk_space(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path at = std::filesystem::absolute(path, error);
  while (!std::filesystem::exists(at, error) && at.has_relative_path()) at = at.parent_path();
  struct statvfs system = {};
  if (::statvfs(at.c_str(), &system) != 0 || system.f_blocks == 0) return INT64_MAX;  // some have no size
  const uint64_t unit = system.f_frsize > 0 ? system.f_frsize : system.f_bsize;
  const uint64_t most = static_cast<uint64_t>(INT64_MAX) / std::max<uint64_t>(unit, 1);
  return static_cast<int64_t>(std::min<uint64_t>(system.f_bavail, most) * unit);
}

std::string bytes_text(int64_t bytes) {
  constexpr std::array kUnits{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.{}f} {}", value, value < 9.95 ? 1 : 0, kUnits[unit]);
}

}  // namespace heed
