#include "apps/common/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "models/metrics/metric.h"

namespace heed::apps {
namespace {

size_t terminal_width() {
  winsize size = {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string clock_time(double seconds) {
  constexpr double kMost = 1e12;  // what is longer is a fault of whoever measured
  const auto s = static_cast<int64_t>(std::lround(std::min(kMost, std::max(0.0, seconds))));
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

ProgressPrinter::ProgressPrinter(std::string label)
    : label_(label.empty() ? "" : one_line(label) + ": "),
      terminal_(::isatty(STDERR_FILENO) == 1),
      last_(steady_seconds()) {}

ProgressPrinter::~ProgressPrinter() { clear_line(); }

void ProgressPrinter::clear_line() {
  if (bar_shown_) note("\r\033[K");
  bar_shown_ = false;
}

void ProgressPrinter::progress(const models::TrainProgress& p) {
  const double now = steady_seconds();
  const bool last = p.update == p.updates;
  if (now - last_ < (terminal_ ? 0.2 : 15.0) && !last) return;
  last_ = now;
  const std::string left_out = p.skipped > 0 ? fmt::format("{} skipped  ", p.skipped) : "";
  const std::string facts =
      left_out + fmt::format("{:.0f} tok/s  loss {:.3f}  lr {:.2g}  {} left", p.tokens_per_second, p.loss,
                             p.lr, clock_time(p.seconds_left));
  if (!terminal_) {
    note("{}update {}/{}  epoch {}  {}\n", label_, p.update, p.updates, p.epoch, facts);
    return;
  }
  const std::string head = fmt::format("{}{}/{} ", label_, p.update, p.updates);
  const size_t width = terminal_width(), used = head.size() + facts.size() + 4;
  std::string line = head;
  if (width > used + 8) {
    const size_t room = std::min<size_t>(width - used, 40);
    const auto done = static_cast<size_t>(static_cast<double>(room) * static_cast<double>(p.update) /
                                          static_cast<double>(p.updates));
    line += "[" + std::string(done, '=') + std::string(room - done, ' ') + "] ";
  }
  line += facts;
  if (line.size() >= width) line.resize(width - 1);  // a line that wraps would be drawn again and again
  note("\r\033[K{}", line);
  bar_shown_ = true;
}

void ProgressPrinter::validated(const models::ValidationResult& v) {
  clear_line();
  std::string scores;
  for (const models::Metric* metric : models::kept_metrics()) {
    scores += fmt::format("{}{} {:.{}f}", scores.empty() ? "" : ", ", metric->name, v.scores.at(metric->keep),
                          metric->digits);
  }
  note("{}update {}: validation {}{}\n", label_, v.update, scores, v.best ? " (best so far)" : "");
  note("{}  {}  ->  {}\n", label_, one_line(v.sample_source), one_line(v.sample_output));
}

}  // namespace heed::apps
