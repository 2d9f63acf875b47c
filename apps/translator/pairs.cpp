#include "apps/translator/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "apps/common/main_guard.h"
#include "apps/common/streams.h"
#include "framework/core/error.h"
#include "models/corpus/documents.h"
#include "models/text/unicode.h"

namespace heed::apps {
namespace {

bool has_words(std::string_view text) { return !models::split_whitespace(text).empty(); }

// Whether every line with words has some on both sides of a tab.
bool is_table(const std::vector<std::string>& lines) {
  bool any = false;
  for (const std::string& line : lines) {
    if (!has_words(line)) continue;
    const size_t tab = line.find('\t');
    if (tab == std::string::npos || !has_words(std::string_view(line).substr(0, tab)) ||
        !has_words(std::string_view(line).substr(tab)))
      return false;
    any = true;
  }
  return any;
}

}  // namespace

models::ParallelLines read_pairs(const std::string& source, const std::string& target) {
  models::ParallelLines lines = models::read_parallel(input_path(source), input_path(target));
  lines.documents = models::documents_beside(source, lines.source.size());
  if (std::ranges::none_of(lines.source, has_words)) return lines;  // whoever uses them says so
  std::error_code error;
  if (std::filesystem::equivalent(input_path(source), input_path(target), error)) {
    warn("translator",
         fmt::format("'{}' is source and target at once: each sentence is paired with itself", source));
  } else if (lines.source == lines.target) {
    warn("translator", fmt::format("'{}' and '{}' hold the same lines: each sentence is paired with itself",
                                   source, target));
  }
  warn_of_table(source, lines.source);
  warn_of_table(target, lines.target);
  return lines;
}

void warn_of_table(const std::string& name, const std::vector<std::string>& lines) {
  if (!is_table(lines)) return;
  warn("translator",
       fmt::format(
           "every line of '{}' has a tab: a table of several columns? Each line is read as one sentence",
           name));
}

}  // namespace heed::apps
