#include "apps/common/line_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "apps/common/streams.h"
#include "framework/core/error.h"
#include "models/text/lines.h"
#include "models/text/unicode.h"

namespace heed::apps {

LineReader::LineReader(const std::string& path)
    : name_(input_path(path) == "/dev/stdin" ? "standard input" : path),
      descriptor_(input_path(path) == "/dev/stdin" ? STDIN_FILENO
                                                   : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) throw IoError(fmt::format("cannot open '{}': {}", name_, std::strerror(errno)));
}

LineReader::~LineReader() {
  if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
}

// Reads some bytes, waiting for them; false at the end.
bool LineReader::fill() {
  if (ended_) return false;
  buffer_.erase(0, at_);
  searched_ -= at_;
  at_ = 0;
  char bytes[1 << 16];
  for (;;) {
    const ssize_t n = ::read(descriptor_, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      throw IoError(fmt::format("cannot read {}: {}", name_ == "standard input" ? name_ : "'" + name_ + "'",
                                std::strerror(errno)));
    ended_ = n == 0;
    buffer_.append(bytes, static_cast<size_t>(n));
    return !ended_;
  }
}

// Whether reading now would wait for the writer.
bool LineReader::waits() const {
  pollfd one{descriptor_, POLLIN, 0};
  return !ended_ && ::poll(&one, 1, 0) == 0;
}

std::vector<std::string> LineReader::next(size_t most) {
  std::vector<std::string> lines;
  while (lines.size() < most) {
    const size_t newline = buffer_.find('\n', searched_);
    if (newline == std::string::npos) {
      searched_ = buffer_.size();
      if (!lines.empty() && waits()) break;
      if (fill()) continue;
      if (at_ == buffer_.size()) break;
    }
    const size_t end = std::min(newline, buffer_.size());
    std::string_view line = std::string_view(buffer_).substr(at_, end - at_);
    if (lines_ == 0 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++lines_;
    if (lines_ == 1) models::refuse_packed(line, name_);
    if (models::first_invalid_utf8(line))
      throw FormatError(fmt::format("'{}' line {} is not UTF-8", name_, lines_));
    lines.emplace_back(line);
    at_ = searched_ = std::min(end + 1, buffer_.size());
  }
  return lines;
}

}  // namespace heed::apps
