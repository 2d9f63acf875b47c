#include "models/corpus/pharaoh.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/text/lines.h"

namespace heed::models {
namespace {

// Target word by target word, in it source word by source word.
struct ByTarget {
  bool operator()(const AlignmentLink& a, const AlignmentLink& b) const {
    return a.target != b.target ? a.target < b.target : a.source < b.source;
  }
};
using Links = std::set<AlignmentLink, ByTarget>;

constexpr std::array<AlignmentLink, 8> kNeighbours = {
    {{0, -1}, {-1, 0}, {0, 1}, {1, 0}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}}};  // the order of Koehn et al.

// No sentence has so many words, and the neighbours of a link are still numbers.
constexpr int kFarthest = 1'000'000'000;

void check(const AlignmentLink& link) {
  if (link.source > kFarthest || link.target > kFarthest) {
    throw ValueError("alignment",
                     fmt::format("link from {} to {} is beyond {}", link.source, link.target, kFarthest));
  }
  if (link.source < 0 || link.target < 0) {
    throw ValueError("alignment", fmt::format("link from {} to {} is negative", link.source, link.target));
  }
}

// The links chosen so far and the words that they leave over.
struct Growing {
  Links chosen;
  std::set<int> sources, targets;  // words with a link

  void add(const AlignmentLink& link) {
    chosen.insert(link);
    sources.insert(link.source);
    targets.insert(link.target);
  }
  bool source_free(const AlignmentLink& link) const { return !sources.contains(link.source); }
  bool target_free(const AlignmentLink& link) const { return !targets.contains(link.target); }

  void grow(const Links& all) {
    for (bool added = true; added;) {
      added = false;
      // a link added further on is visited in this pass
      for (auto it = chosen.begin(); it != chosen.end(); ++it) {
        for (const AlignmentLink& step : kNeighbours) {
          const AlignmentLink next{it->source + step.source, it->target + step.target};
          if (!all.contains(next) || (!source_free(next) && !target_free(next))) continue;
          add(next);
          added = true;
        }
      }
    }
  }

  void finish(const Links& links, bool both_free) {
    for (const AlignmentLink& link : links) {
      const bool source = source_free(link), target = target_free(link);
      if (both_free ? source && target : source || target) add(link);
    }
  }
};

// Calls take(link, mark) for each `source MARK target` of a line, MARK one of `marks`. Throws FormatError.
template <class Take>
void read_links(std::string_view line, std::string_view name, int64_t line_number, std::string_view marks,
                const char* example, const Take& take) {
  constexpr std::string_view kBlank = " \t\r";
  for (size_t begin = line.find_first_not_of(kBlank); begin != line.npos;
       begin = line.find_first_not_of(kBlank)) {
    line.remove_prefix(begin);
    const std::string_view item = line.substr(0, line.find_first_of(kBlank));
    line.remove_prefix(item.size());
    AlignmentLink link;
    const char* const end = item.data() + item.size();
    const auto first = std::from_chars(item.data(), end, link.source);
    const bool mark = first.ec == std::errc() && first.ptr != end && marks.find(*first.ptr) != marks.npos;
    const auto second = mark ? std::from_chars(first.ptr + 1, end, link.target) : first;
    if (!mark || second.ec != std::errc() || second.ptr != end || link.source < 0 || link.target < 0 ||
        link.source > kFarthest || link.target > kFarthest) {
      throw FormatError(
          fmt::format("'{}' line {}: '{}' is not a link such as {}", name, line_number, item, example));
    }
    take(link, *first.ptr);
  }
}

}  // namespace

std::string pharaoh_line(std::span<const AlignmentLink> links) {
  std::string line;
  for (const AlignmentLink& link : links) {
    check(link);
    line += fmt::format("{}{}-{}", line.empty() ? "" : " ", link.source, link.target);
  }
  return line;
}

std::vector<AlignmentLink> parse_pharaoh_line(std::string_view line, std::string_view name,
                                              int64_t line_number) {
  std::vector<AlignmentLink> links;
  read_links(line, name, line_number, "-", "3-4",
             [&](const AlignmentLink& link, char) { links.push_back(link); });
  return links;
}

std::string gold_line(const AlignedPair& pair) {
  std::string line;
  for (const AlignmentLink& link : pair.sure)
    line += fmt::format("{}{}-{}", line.empty() ? "" : " ", link.source, link.target);
  for (const AlignmentLink& link : pair.possible)
    line += fmt::format("{}{}?{}", line.empty() ? "" : " ", link.source, link.target);
  return line;
}

GoldAlignment parse_gold_line(std::string_view line, std::string_view name, int64_t line_number) {
  GoldAlignment gold;
  read_links(line, name, line_number, "-?", "3-4 or 3?4", [&](const AlignmentLink& link, char mark) {
    (mark == '-' ? gold.sure : gold.possible).push_back(link);
  });
  return gold;
}

std::vector<std::vector<AlignmentLink>> read_pharaoh(const std::filesystem::path& path) {
  std::vector<std::vector<AlignmentLink>> alignments;
  for (const std::string& line : read_lines(path)) {
    alignments.push_back(
        parse_pharaoh_line(line, path.string(), static_cast<int64_t>(alignments.size()) + 1));
  }
  return alignments;
}

void write_pharaoh(const std::filesystem::path& path,
                   std::span<const std::vector<AlignmentLink>> alignments) {
  std::string text;
  for (const auto& links : alignments) text += pharaoh_line(links) + '\n';
  write_file_atomically(path, text);
}

std::vector<AlignmentLink> reversed(std::span<const AlignmentLink> links) {
  std::set<AlignmentLink> result;
  for (const AlignmentLink& link : links) result.insert({link.target, link.source});
  return {result.begin(), result.end()};
}

std::vector<AlignmentLink> symmetrise(std::span<const AlignmentLink> forward,
                                      std::span<const AlignmentLink> backward, Symmetrisation method) {
  for (const AlignmentLink& link : forward) check(link);
  for (const AlignmentLink& link : backward) check(link);
  const Links from(forward.begin(), forward.end()), to(backward.begin(), backward.end());
  Links all = from;
  all.insert(to.begin(), to.end());
  Growing result;
  for (const AlignmentLink& link : from)
    if (to.contains(link)) result.add(link);

  using enum Symmetrisation;
  if (method == union_of_both) {
    result.chosen = all;
  } else if (method != intersection) {
    result.grow(all);
    if (method != grow_diag) {
      result.finish(from, method == grow_diag_final_and);
      result.finish(to, method == grow_diag_final_and);
    }
  }
  std::vector<AlignmentLink> links(result.chosen.begin(), result.chosen.end());
  std::ranges::sort(links);
  return links;
}

}  // namespace heed::models
