#include "models/text/lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/text/counted.h"
#include "models/text/unicode.h"

namespace heed::models {

void refuse_packed(std::string_view text, std::string_view name) {
  using namespace std::string_view_literals;
  constexpr std::pair<std::string_view, const char*> kKinds[] = {{"\x1F\x8B"sv, "gzip"},
                                                                 {"BZh"sv, "bzip2"},
                                                                 {"\xFD"
                                                                  "7zXZ\0"sv,
                                                                  "xz"},
                                                                 {"\x28\xB5\x2F\xFD"sv, "zstd"},
                                                                 {"PK\x03\x04"sv, "zip"}};
  for (const auto& [begin, kind] : kKinds) {
    if (text.starts_with(begin) &&
        (first_invalid_utf8(text.substr(0, 4096)) || text.find('\0') != text.npos)) {
      throw FormatError(fmt::format("'{}' is a {} file: unpack it first", name, kind));
    }
  }
}

std::vector<std::string> split_lines(std::string_view text, std::string_view name) {
  refuse_packed(text, name);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string> lines;
  for (size_t pos = 0; pos < text.size();) {
    const size_t newline = std::min(text.find('\n', pos), text.size());
    std::string_view line = text.substr(pos, newline - pos);
    pos = newline + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (first_invalid_utf8(line)) {
      throw FormatError(fmt::format("'{}' line {} is not UTF-8", name, lines.size() + 1));
    }
    lines.emplace_back(line);
  }
  return lines;
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  return split_lines(read_file(path), path == "/dev/stdin" ? "standard input" : path.string());
}

ParallelLines read_parallel(const std::filesystem::path& source, const std::filesystem::path& target) {
  ParallelLines lines{read_lines(source), read_lines(target)};
  if (lines.source.size() != lines.target.size()) {
    throw ValueError(fmt::format("'{}' has {}, '{}' has {}", source.string(),
                                 counted(lines.source.size(), "line"), target.string(), lines.target.size()));
  }
  if (lines.source.empty()) {
    throw ValueError(fmt::format("'{}' and '{}' are empty", source.string(), target.string()));
  }
  return lines;
}

}  // namespace heed::models
