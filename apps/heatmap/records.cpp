#include "apps/heatmap/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/common/line_reader.h"
#include "framework/core/error.h"
#include "models/corpus/pharaoh.h"
#include "models/text/counted.h"
#include "models/text/lines.h"

namespace heed::heatmap {
namespace {

// Says what a file is not before it says what is wrong in it.
void require_record(std::string_view line, const std::string& name, int64_t at, int64_t wanted) {
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos && at == wanted)
    throw FormatError(fmt::format("'{}' line {} is empty", name, at));
  if (first != std::string_view::npos && line[first] != '{') {
    throw FormatError(
        fmt::format("'{}' is not a file of attention records: line {} is not a JSON object", name, at));
  }
}

// Links of an alignment that lie in the sentence; positions count words, without end marks.
void require_inside(const std::vector<models::AlignmentLink>& links, const models::Translation& record,
                    const std::string& path) {
  const auto words = [](const models::TranslationSide& side) {
    return static_cast<int>(side.tokens.size()) - (!side.tokens.empty() && side.tokens.back().eos ? 1 : 0);
  };
  for (const models::AlignmentLink& link : links) {
    if (link.source < words(record.source) && link.target < words(record.target)) continue;
    throw FormatError(
        fmt::format("'{}' line {}: {}-{} lies outside the record's {} source and {} output words", path,
                    record.id, link.source, link.target, words(record.source), words(record.target)));
  }
}

}  // namespace

std::string name_of_input(const std::string& path) { return path == "-" ? "standard input" : path; }

bool has_words(const models::Translation& record) { return !record.source.tokens.empty(); }

std::vector<LineRecord> read_records(const std::string& path, const std::vector<apps::Range>& lines,
                                     const std::string& option) {
  const std::string name = name_of_input(path);
  const auto wanted = [&](int64_t line) {
    return lines.empty() ||
           std::ranges::any_of(lines, [&](const apps::Range& range) { return range.holds(line); });
  };
  int64_t last = lines.empty() ? apps::Range::kOpen : 0;
  for (const apps::Range& range : lines) last = std::max(last, range.last);
  std::vector<LineRecord> records;
  apps::LineReader reader(path);
  int64_t count = 0;
  while (count < last) {
    const std::vector<std::string> line = reader.next(1);
    if (line.empty()) break;
    const bool take = wanted(++count);
    if (count == 1 || take) require_record(line.front(), name, count, take ? count : 0);
    if (take) records.push_back({count, models::parse_translation(line.front(), name, count)});
  }
  for (const apps::Range& range : lines) {
    const int64_t needed = range.last == apps::Range::kOpen ? range.first : range.last;
    if (needed > count)
      throw ValueError(
          fmt::format("'{}' has {}, {} asks for {}", name, models::counted(count, "line"), option, needed));
  }
  return records;
}

void add_gold(std::vector<PageRecord>& records, const std::string& path) {
  const std::vector<std::string> lines = models::read_lines(path);
  for (PageRecord& page : records) {
    const int64_t id = page.record.id;
    if (id > static_cast<int64_t>(lines.size())) {
      throw ValueError(fmt::format("'{}' has {}, and a record is of line {}", path,
                                   models::counted(static_cast<int64_t>(lines.size()), "line"), id));
    }
    page.gold = models::parse_gold_line(lines[static_cast<size_t>(id) - 1], path, id);
    require_inside(page.gold->sure, page.record, path);
    require_inside(page.gold->possible, page.record, path);
  }
}

}  // namespace heed::heatmap
