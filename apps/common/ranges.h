// Options whose value is a range of numbers counted from 1, or several: lines of a file, words of a sentence.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace heed::apps {

/// Both ends are in it.
struct Range {
  static constexpr int64_t kOpen = std::numeric_limits<int64_t>::max();
  int64_t first = 1, last = kOpen;

  bool holds(int64_t number) const { return first <= number && number <= last; }
  bool whole() const { return first == 1 && last == kOpen; }
  /// As it is written: "3", "3-7", "3-".
  std::string text() const;
};

/// Adds an option that takes a range: "10-25", "7" alone, "10-" to the end.
CLI::Option* add_range(CLI::App& cli, const std::string& flag, Range& range, const std::string& help);

/// Adds an option that takes ranges separated by commas: "1-20,30".
CLI::Option* add_ranges(CLI::App& cli, const std::string& flag, std::vector<Range>& ranges,
                        const std::string& help);

}  // namespace heed::apps
