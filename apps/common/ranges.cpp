#include "apps/common/ranges.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

namespace heed::apps {
namespace {

std::optional<int64_t> number_of(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('-')) return std::nullopt;
  return number;
}

Range parse_range(const std::string& flag, std::string_view text) {
  const size_t dash = text.find('-');
  const auto first = number_of(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first
                    : dash + 1 == text.size()      ? std::optional(Range::kOpen)
                                                   : number_of(text.substr(dash + 1));
  if (!first || !last)
    throw CLI::ValidationError(flag, fmt::format("'{}' is no range such as 10-25, 7 or 10-", text));
  if (*first < 1) throw CLI::ValidationError(flag, fmt::format("'{}' begins before 1", text));
  if (*last < *first)
    throw CLI::ValidationError(flag, fmt::format("'{}' is empty: it ends before it begins", text));
  return {*first, *last};
}

}  // namespace

std::string Range::text() const {
  if (last == kOpen) return fmt::format("{}-", first);
  return first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
}

CLI::Option* add_range(CLI::App& cli, const std::string& flag, Range& range, const std::string& help) {
  return cli.add_option_function<std::string>(
      flag, [&range, flag](const std::string& text) { range = parse_range(flag, text); }, help);
}

CLI::Option* add_ranges(CLI::App& cli, const std::string& flag, std::vector<Range>& ranges,
                        const std::string& help) {
  return cli.add_option_function<std::string>(
      flag,
      [&ranges, flag](const std::string& text) {
        ranges.clear();
        for (size_t begin = 0; begin <= text.size();) {
          const size_t comma = std::min(text.find(',', begin), text.size());
          ranges.push_back(parse_range(flag, std::string_view(text).substr(begin, comma - begin)));
          begin = comma + 1;
        }
      },
      help);
}

}  // namespace heed::apps
