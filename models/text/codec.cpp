#include "models/text/codec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "framework/core/error.h"
#include "models/text/context.h"

namespace heed::models {

bool is_language_mark(std::string_view token) {
  return token.size() > 4 && token.starts_with(">>") && token.ends_with("<<");
}

namespace {

// The target language that a line begins with, ">>fra<<", or nothing.
std::string language_mark(const TextCodec& codec, std::string_view word) {
  const size_t end = word.find("<<", 3);
  if (!word.starts_with(">>") || end == std::string_view::npos) return "";
  const std::string mark(word.substr(0, end + 2));
  if (codec.vocabulary.contains(mark)) return mark;
  std::vector<std::string_view> known;
  for (const std::string& token : codec.vocabulary.tokens()) {
    if (is_language_mark(token)) known.push_back(token);
  }
  if (known.empty()) return "";  // text like any other
  constexpr size_t kShown = 12;
  const std::string more = known.size() > kShown ? fmt::format(" and {} others", known.size() - kShown) : "";
  known.resize(std::min(known.size(), kShown));
  throw ValueError("translate", fmt::format("'{}' is no target language of the model, which has {}{}", mark,
                                            fmt::join(known, ", "), more));
}

}  // namespace

std::vector<std::string> TextCodec::units(std::span<const std::string> words) const {
  if (whole_lines && subwords) return line_pieces(words).pieces;
  std::vector<std::string> result;
  for (const std::string& word : words) {
    if (!subwords || (breaks && word == kBreak)) {
      result.push_back(word);
      continue;
    }
    for (std::string& piece : subwords->split(word)) result.push_back(std::move(piece));
  }
  return result;
}

LinePieces TextCodec::line_pieces(std::span<const std::string> words) const {
  if (words.empty()) return {};
  const std::string mark = language_mark(*this, words.front());
  if (mark.empty()) return subwords->split_line(words);
  std::vector<std::string> rest(words.begin(), words.end());
  rest.front().erase(0, mark.size());
  LinePieces line = subwords->split_line(rest);
  line.pieces.insert(line.pieces.begin(), mark);
  line.word_of.insert(line.word_of.begin(), 0);
  return line;
}

TextCodec::Encoded TextCodec::encode(std::span<const std::string> words) const {
  Encoded result;
  if (whole_lines && subwords) {
    LinePieces line = line_pieces(words);
    result.ids = vocabulary.encode(line.pieces);
    result.word_of = std::move(line.word_of);
    return result;
  }
  for (size_t i = 0; i < words.size(); ++i) {
    for (const int id : vocabulary.encode(units(words.subspan(i, 1)))) {
      result.ids.push_back(id);
      result.word_of.push_back(static_cast<int>(i));
    }
  }
  return result;
}

// The words of pieces; a break is one, and so is what stands on either side of it.
TextCodec::Decoded TextCodec::joined(std::span<const std::string> pieces) const {
  const auto at = breaks ? std::ranges::find(pieces, kBreak) : pieces.end();
  const auto before = static_cast<size_t>(at - pieces.begin());
  Subwords::Joined first = Subwords::join(pieces.first(before));
  Decoded result{std::move(first.words), std::move(first.word_of)};
  if (at == pieces.end()) return result;
  result.word_of.push_back(static_cast<int>(result.words.size()));
  result.words.emplace_back(kBreak);
  const Decoded rest = joined(pieces.subspan(before + 1));
  const auto words = static_cast<int>(result.words.size());
  for (const int word : rest.word_of) result.word_of.push_back(words + word);
  result.words.insert(result.words.end(), rest.words.begin(), rest.words.end());
  return result;
}

TextCodec::Decoded TextCodec::decode(std::span<const int> ids) const {
  std::vector<std::string> pieces;
  for (const int id : ids) pieces.push_back(vocabulary.token(id));
  if (!subwords) {
    std::vector<int> each(pieces.size());
    std::iota(each.begin(), each.end(), 0);
    return {std::move(pieces), std::move(each)};
  }
  Decoded result = joined(pieces);
  if (keeps_spaces) return result;
  for (std::string& word : result.words) {
    word.erase(0, word.find_first_not_of(' '));
    word.erase(word.find_last_not_of(' ') + 1);
  }
  return result;
}

std::vector<int> with_end(const TextCodec& codec, std::vector<int> ids) {
  if (codec.ends) ids.push_back(Vocabulary::kEos);
  return ids;
}

std::vector<int> encode_source(const TextCodec& codec, std::span<const std::string> words) {
  return with_end(codec, codec.encode(words).ids);
}

}  // namespace heed::models
