#include "models/text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "framework/core/error.h"
#include "models/text/abbreviations.h"
#include "models/text/context.h"
#include "models/text/entities.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

using namespace std::string_view_literals;

// What tokenize() cuts between: a code point of the normalised text and the bytes that it came from.
struct Unit {
  char32_t c;
  size_t begin, end;
};
using Units = std::vector<Unit>;

// ASCII for a typographic sign, after Moses' normalize-punctuation.perl; empty if it stays.
std::u32string_view ascii_of(char32_t c) {
  switch (c) {
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x201B:
    case 0xB4:
    case U'`':
      return U"'";
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0xAB:
    case 0xBB:
      return U"\"";
    case 0x2010:
    case 0x2011:
    case 0x2013:
    case 0x2014:
    case 0x2212:
      return U"-";
    case 0x2026:
      return U"...";
    default:
      return {};
  }
}

bool is_alnum(char32_t c) { return is_alpha(c) || is_number(c); }

// The text of one chunk (a run without white space) as units; entities count as the character they stand for.
Units units_of(std::string_view chunk, size_t offset, bool normalise) {
  Units units;
  for (size_t pos = 0; pos < chunk.size();) {
    const size_t at = pos;
    if (const auto* entity = entity_at(chunk.substr(pos))) {
      pos += entity->first.size();
      units.push_back({entity->second, offset + at, offset + pos});
      continue;
    }
    const char32_t c = next_code_point(chunk, pos);
    const auto ascii = normalise ? ascii_of(c) : std::u32string_view();
    if (ascii == U"'" && !units.empty() && units.back().c == U'\'' && units.back().end == offset + at) {
      units.back() = {U'"', units.back().begin, offset + pos};  // `` and '' are quotes
    } else if (ascii.empty() && c == U'\'' && normalise && !units.empty() && units.back().c == U'\'') {
      units.back() = {U'"', units.back().begin, offset + pos};
    } else if (ascii.empty()) {
      units.push_back({c, offset + at, offset + pos});
    } else {
      for (const char32_t replacement : ascii) units.push_back({replacement, offset + at, offset + pos});
    }
  }
  return units;
}

enum class Apostrophe { before, after, both };  // where to cut between two letters: dog|'s, l'|homme, s|'|s

Apostrophe apostrophe_rule(std::string_view language) {
  if (language.empty() || language == "en") return Apostrophe::before;
  return language == "fr" || language == "it" || language == "ga" || language == "ca" ? Apostrophe::after
                                                                                      : Apostrophe::both;
}

// cut[i] says whether a token ends before unit i.
std::vector<bool> cuts_of(const Units& units, Apostrophe rule) {
  const size_t n = units.size();
  std::vector<bool> cut(n + 1, false);
  const auto at = [&](size_t i) { return i < n ? units[i].c : U' '; };  // i wraps around below 0
  const auto isolate = [&](size_t i) { cut[i] = cut[i + 1] = true; };
  for (size_t i = 0; i < n; ++i) {
    const char32_t c = at(i), before = at(i - 1), after = at(i + 1);
    if (c == U'.') {
      if (after != U'.' && before != U'.') continue;  // one period: see ends_sentence
      if (before != U'.') cut[i] = true;              // a run of them is one token
      if (after != U'.') cut[i + 1] = true;
    } else if (c == U',') {
      if (!is_number(before) || !is_number(after)) isolate(i);
    } else if (c == U'\'') {
      if (is_number(before) && after == U's') {
        cut[i] = true;
      } else if (is_number(before) && is_alpha(after)) {
        continue;
      } else if (!is_alpha(before) || !is_alpha(after) || rule == Apostrophe::both) {
        isolate(i);
      } else {
        cut[rule == Apostrophe::before ? i : i + 1] = true;
      }
    } else if ((c == 0x200C || c == 0x200D) && i > 0 && before != U' ' && is_alpha(after)) {
      continue;  // a joiner between letters, as in Persian and Sinhala
    } else if (c != U'-' && !is_alnum(c)) {
      isolate(i);
    }
  }
  // what is read as one sign stays one: emoji joined by U+200D, a letter and its marks
  GraphemeBreaks breaks;
  for (size_t i = 0; i < n; ++i) {
    if (!breaks.before(units[i].c) && i > 0) cut[i] = false;
  }
  return cut;
}

// A token before its text is written: a range of the units of its chunk.
using Piece = std::span<const Unit>;

// Whether the period at the end of pieces[at] is a token of its own. A word that goes on in lower case, an
// abbreviation, an initial and a word with periods inside (e.g., U.S.) keep theirs; a letter behind an
// apostrophe (war's.) is no initial.
bool ends_sentence(std::span<const Piece> pieces, size_t at, std::string_view language) {
  const Piece piece = pieces[at];
  const Piece* const next = at + 1 < pieces.size() ? &pieces[at + 1] : nullptr;
  if (piece.size() < 2 || piece.back().c != U'.' || piece[piece.size() - 2].c == U'.') return false;
  const Piece word = piece.first(piece.size() - 1);
  const auto any = [&](auto test) {
    return std::ranges::any_of(word, [&](const Unit& u) { return test(u.c); });
  };
  if (any([](char32_t c) { return c == U'.'; }) && any(is_alpha)) return false;
  if (next && is_lower(next->front().c)) return false;
  std::string spelling;
  for (const Unit& unit : word) append_utf8(spelling, unit.c);
  const bool number_follows = next && is_number(next->front().c);
  if (is_single_letter(spelling)) {
    const bool cut_off =
        at > 0 && pieces[at - 1].back().c == U'\'' && pieces[at - 1].back().end == piece.front().begin;
    const bool goes_on = next && is_alnum(next->front().c);
    return cut_off || !goes_on || !is_initial(spelling, number_follows, language);
  }
  return !keeps_period(to_lower(spelling), number_follows, language);
}

std::string text_of(Piece piece, const TextSettings& settings) {
  std::string raw;
  for (const Unit& unit : piece) append_utf8(raw, unit.c);
  if (settings.normalise) raw = to_nfc(raw);
  if (settings.lowercase) raw = to_lower(raw);
  if (!settings.escape) return raw;
  std::string escaped;
  for (const char c : raw) {
    const auto* entity = std::ranges::find(kEntities, static_cast<char32_t>(static_cast<unsigned char>(c)),
                                           &std::pair<std::string_view, char32_t>::second);
    if (entity == kEntities.end()) {
      escaped += c;
    } else {
      escaped += entity->first;
    }
  }
  return escaped;
}

std::vector<Token> split_only(std::string_view text, bool lowercase) {
  std::vector<Token> tokens;
  for (const auto chunk : split_whitespace(text)) {
    const auto begin = static_cast<size_t>(chunk.data() - text.data());
    tokens.push_back({lowercase ? to_lower(chunk) : std::string(chunk), begin, begin + chunk.size()});
  }
  return tokens;
}

// The space and the control characters that stand for one; white space that print knows (U+00A0, U+202F,
// U+3000) is text.
constexpr std::string_view kSpaces = " \t\n\v\f\r";

// At the characters of `spaces`.
std::vector<Token> split_at(std::string_view spaces, std::string_view text, bool lowercase) {
  std::vector<Token> tokens;
  for (size_t begin = text.find_first_not_of(spaces); begin < text.size();) {
    const size_t end = std::min(text.find_first_of(spaces, begin), text.size());
    const std::string_view chunk = text.substr(begin, end - begin);
    tokens.push_back({lowercase ? to_lower(chunk) : std::string(chunk), begin, end});
    begin = text.find_first_not_of(spaces, end);
  }
  return tokens;
}

// At spaces, with those that are more than one between two words in the text of the tokens.
std::vector<Token> split_keeping_spaces(std::string_view text, bool lowercase) {
  std::vector<Token> tokens = split_at(" ", text, lowercase);
  size_t end = 0;  // behind the last token and its space
  for (Token& token : tokens) {
    token.text.insert(0, token.begin - end, ' ');
    end = token.end + 1;
  }
  if (!tokens.empty()) tokens.back().text.append(text.size() - tokens.back().end, ' ');
  return tokens;
}

// The token of a white space, and of the sign that stands for one.
std::string space_token(char32_t c) {
  return c == U' ' ? std::string(kSpaceToken) : fmt::format("{}{:X}", kSpaceToken, static_cast<uint32_t>(c));
}

// Every white space is a token.
std::vector<Token> split_characters_and_spaces(std::string_view text, bool lowercase) {
  std::vector<Token> tokens;
  GraphemeBreaks breaks;
  bool after_space = true, all_space = true;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next_code_point(text, at);
    const bool breaks_here = breaks.before(c), space = is_space(c);
    all_space = all_space && space;
    if (space || breaks_here || after_space) {
      tokens.push_back({space ? space_token(c) : std::string(text.substr(begin, at - begin)), begin, at});
    } else {
      tokens.back().text += text.substr(begin, at - begin);
      tokens.back().end = at;
    }
    after_space = space;
  }
  if (all_space) return {};
  for (Token& token : tokens) {
    const bool sign = token.text == kSpaceToken && token.end - token.begin == kSpaceToken.size();
    if (sign) token.text = space_token(0x2581);
  }
  if (lowercase) {
    for (Token& token : tokens) token.text = to_lower(token.text);
  }
  return tokens;
}

std::vector<Token> split_characters(std::string_view text, bool lowercase) {
  std::vector<Token> tokens;
  GraphemeBreaks breaks;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next_code_point(text, at);
    const bool breaks_here = breaks.before(c), space = is_space(c);
    if (space && (tokens.empty() || tokens.back().text == kSpaceToken)) continue;
    if (space) {
      tokens.push_back({std::string(kSpaceToken), begin, at});
    } else if (breaks_here || tokens.empty() || tokens.back().text == kSpaceToken) {
      tokens.push_back({std::string(text.substr(begin, at - begin)), begin, at});
    } else {
      tokens.back().text += text.substr(begin, at - begin);
      tokens.back().end = at;
    }
  }
  if (!tokens.empty() && tokens.back().text == kSpaceToken) tokens.pop_back();
  if (lowercase) {
    for (Token& token : tokens) token.text = to_lower(token.text);
  }
  return tokens;
}

std::vector<Token> tokenize_sentence(std::string_view text, const TextSettings& settings) {
  const bool kept = settings.spacing == Spacing::kept;
  if (settings.tokenizer == Tokenizer::none)
    return kept ? split_keeping_spaces(text, settings.lowercase)
                : split_at(kSpaces, text, settings.lowercase);
  if (settings.tokenizer == Tokenizer::characters)
    return kept ? split_characters_and_spaces(text, settings.lowercase)
                : split_characters(text, settings.lowercase);
  if (settings.tokenizer == Tokenizer::whitespace || looks_tokenised(text))
    return split_only(text, settings.lowercase);

  const auto chunks = split_whitespace(text);
  std::vector<Units> units;
  std::vector<Piece> pieces;
  units.reserve(chunks.size());  // pieces point into it
  for (const auto chunk : chunks) {
    const auto offset = static_cast<size_t>(chunk.data() - text.data());
    const Units& all = units.emplace_back(units_of(chunk, offset, settings.normalise));
    const auto cut = cuts_of(all, apostrophe_rule(settings.language));
    if (chunk == "@-@" || chunk == "<unk>") {
      pieces.emplace_back(all);
      continue;
    }
    for (size_t begin = 0, i = 1; i <= all.size(); ++i) {
      if (i < all.size() && !cut[i]) continue;
      pieces.push_back(Piece(all).subspan(begin, i - begin));
      begin = i;
    }
  }

  std::vector<Token> tokens;
  const auto add = [&](Piece piece) {
    // A sign that became several units ("...") can have been cut inside: its bytes go to the first token.
    const size_t begin = std::max(piece.front().begin, tokens.empty() ? 0 : tokens.back().end);
    tokens.push_back({text_of(piece, settings), begin, std::max(begin, piece.back().end)});
  };
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece piece = pieces[i];
    const bool cut_period = ends_sentence(pieces, i, settings.language);
    if (!cut_period) {
      add(piece);
    } else {
      add(piece.first(piece.size() - 1));
      add(piece.last(1));
    }
  }
  return tokens;
}

}  // namespace

std::vector<Token> tokenize(std::string_view text, const TextSettings& settings) {
  if (settings.context == 0) return tokenize_sentence(text, settings);
  std::vector<Token> tokens;
  for (size_t begin = 0;;) {
    const size_t end = std::min(text.find(kBreak, begin), text.size());
    // the spaces that a break stands between are its own
    const size_t from = begin + (begin > 0 && begin < end && text[begin] == ' ' ? 1 : 0),
                 to = end - (end < text.size() && end > from && text[end - 1] == ' ' ? 1 : 0);
    for (Token& token : tokenize_sentence(text.substr(from, to - from), settings)) {
      token.begin += from;
      token.end += from;
      tokens.push_back(std::move(token));
    }
    if (end == text.size()) return tokens;
    begin = end + kBreak.size();
    tokens.push_back({std::string(kBreak), end, begin});
  }
}

bool has_other_spacing(std::string_view text, Tokenizer tokenizer) {
  const auto is_white = [tokenizer](char32_t c) {
    return tokenizer == Tokenizer::characters
               ? is_space(c)
               : c < 0x80 && kSpaces.find(static_cast<char>(c)) != kSpaces.npos;
  };
  bool text_before = false, other = false;
  char32_t last = 0;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (!is_white(c)) {
      if (text_before && other) return true;
      text_before = true;
      other = false;
    } else {
      other = other || c != U' ' || last == U' ';
    }
    last = c;
  }
  return false;
}

bool looks_tokenised(std::string_view text) {
  const auto chunks = split_whitespace(text);
  bool strong = false, weak = false;  // evidence that it is
  for (size_t i = 0; i < chunks.size(); ++i) {
    const auto chunk = chunks[i];
    const auto* entity = entity_at(chunk);
    if (chunk == "." || chunk == ",") {
      strong = true;
    } else if (chunk == "\"" || chunk == "'") {
      weak = true;
    } else if (entity) {
      const auto rest = chunk.substr(entity->first.size());
      if (!rest.empty() &&
          (entity->second != U'\'' || ",!?;:\")"sv.find(rest.back()) != std::string_view::npos))
        return false;
      strong = true;  // &quot;  &apos;s
    } else if (chunk.ends_with("&apos;")) {
      strong = true;  // l&apos;
    } else if (i > 0 && chunk.size() <= 3 && chunk.front() == '\'' && chunk.back() != '\'') {
      weak = true;  // dog 's
    } else if (chunk.front() == '"' || chunk.front() == '(' ||
               ",!?;:\")"sv.find(chunk.back()) != std::string_view::npos) {
      // Attached punctuation. A period may belong to an abbreviation or to a name, so it says nothing here.
      if (std::ranges::any_of(code_points(chunk), is_alnum)) return false;
    }
  }
  if (strong || !weak) return strong;
  const auto last = chunks.back();
  const auto word = last.substr(0, last.size() - 1);
  return !last.ends_with('.') || word.empty() || word.find('.') != std::string_view::npos ||
         is_single_letter(word) || keeps_period(to_lower(word), false, "");
}

std::vector<std::vector<std::string>> tokenize_lines(std::span<const std::string> lines,
                                                     const TextSettings& settings) {
  std::vector<std::vector<std::string>> result;
  for (const std::string& line : lines) {
    result.emplace_back();
    for (Token& token : tokenize(line, settings)) result.back().push_back(std::move(token.text));
  }
  return result;
}

std::string join(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace heed::models
