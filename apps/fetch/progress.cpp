#include "apps/fetch/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "apps/common/environment.h"
#include "apps/common/print.h"
#include "apps/common/progress.h"
#include "framework/io/disk_space.h"

namespace heed::fetch {

DownloadProgress::DownloadProgress(std::string name)
    : name_(std::move(name)), terminal_(::isatty(STDERR_FILENO) == 1), last_(apps::steady_seconds()) {}

DownloadProgress::~DownloadProgress() { clear_line(); }

void DownloadProgress::clear_line() {
  if (std::exchange(shown_, false)) apps::note("\r\033[K");
}

void DownloadProgress::show(uint64_t done, uint64_t total) {
  const double now = apps::steady_seconds();
  if (!std::exchange(begun_, true)) begin_ = now, first_ = done;
  if (now - last_ < (terminal_ ? 0.2 : 15.0)) return;
  last_ = now;
  done = std::max(done, first_);
  const double speed = static_cast<double>(done - first_) / std::max(now - begin_, 1e-3);
  std::string facts = bytes_text(static_cast<int64_t>(done));
  if (total > 0) facts += fmt::format(" of {}", bytes_text(static_cast<int64_t>(total)));
  facts += fmt::format("  {}/s", bytes_text(static_cast<int64_t>(speed)));
  if (total > done && speed > 0)
    facts += fmt::format("  {} left", apps::clock_time(static_cast<double>(total - done) / speed));
  apps::note("{}{}  {}{}", terminal_ ? "\r" : "", name_, facts, terminal_ ? "" : "\n");
  if (terminal_) apps::write_note("\033[K");
  shown_ = terminal_;
}

}  // namespace heed::fetch
