#include "models/text/context.h"

#include <algorithm>

#include "models/text/unicode.h"

namespace heed::models {

std::string ContextLines::add(std::string_view line) {
  if (document_ < documents_.size() && read_++ == documents_[document_]) {
    end_document();
    ++document_;
    read_ = 1;
  }
  if (before_ < 1) return std::string(line);
  if (split_whitespace(line).empty()) {
    end_document();
    return std::string(line);
  }
  if (line.find(kBreak) != std::string_view::npos) return std::string(line);
  std::string text;
  for (const std::string& earlier : lines_) text.append(earlier).append(" ").append(kBreak).append(" ");
  text += line;
  lines_.emplace_back(line);
  if (static_cast<int64_t>(lines_.size()) > before_) lines_.pop_front();
  return text;
}

std::vector<std::string> with_context(std::span<const std::string> lines, int64_t before,
                                      std::vector<uint64_t> documents) {
  ContextLines context(before, std::move(documents));
  std::vector<std::string> result;
  for (const std::string& line : lines) result.push_back(context.add(line));
  return result;
}

std::string_view last_sentence(std::string_view text) {
  const size_t at = text.rfind(kBreak);
  if (at == std::string_view::npos) return text;
  text.remove_prefix(at + kBreak.size());
  if (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

std::span<const std::string> last_sentence(std::span<const std::string> tokens) {
  size_t begin = tokens.size();
  while (begin > 0 && tokens[begin - 1] != kBreak) --begin;
  return tokens.subspan(begin);
}

}  // namespace heed::models
