#include "models/text/codec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

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
std::vector<std::string> TextCodec::joined(std::span<const std::string> pieces) const {
  const auto at = breaks ? std::ranges::find(pieces, kBreak) : pieces.end();
  const auto before = static_cast<size_t>(at - pieces.begin());
  std::vector<std::string> words = Subwords::join(pieces.first(before));
  if (at == pieces.end()) return words;
  words.emplace_back(kBreak);
  for (std::string& word : joined(pieces.subspan(before + 1))) words.push_back(std::move(word));
  return words;
}

TextCodec::Decoded TextCodec::decode(std::span<const int> ids) const {
  Decoded result;
  std::vector<std::string> pieces;
  int words = 0;
  bool empty_so_far = false;  // whether the last word has no characters yet
  bool after_break = false;   // whether the last piece was a break
  for (const int id : ids) {
    pieces.push_back(vocabulary.token(id));
    const bool is_break = breaks && pieces.back() == kBreak;
    bool begins = !subwords || words == 0 || is_break || after_break || Subwords::begins_word(pieces.back());
    after_break = is_break;
    // a piece that is a space alone begins the word that comes next, however many of them there are
    if (whole_lines && words > 0 && begins && empty_so_far) {
      begins = false;
      pieces.back().erase(0, Subwords::kWordMark.size());
    }
    empty_so_far = begins ? pieces.back() == Subwords::kWordMark : empty_so_far && pieces.back().empty();
    result.word_of.push_back(words - (begins ? 0 : 1));
    words += begins ? 1 : 0;
  }
  result.words = subwords ? joined(pieces) : std::move(pieces);
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
