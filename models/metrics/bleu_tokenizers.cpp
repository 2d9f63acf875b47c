// What BLEU counts as words: `none` (white space), `13a` (mteval-v13a.pl, Western text), `intl`
// (mteval-v14.pl with international tokenisation, by Unicode categories) and `char` (every code point that is
// not white space).
#include <fmt/format.h>
#include <utf8proc.h>

#include "framework/core/error.h"
#include "models/metrics/bleu.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t pos = text.find(what); pos != std::string::npos; pos = text.find(what, pos + with.size())) {
    text.replace(pos, what.size(), with);
  }
}

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_stop(char32_t c) { return c == U'.' || c == U','; }
bool is_13a_symbol(char32_t c) {  // [\{-\~\[-\` -\&\(-\+\:-\@\/]
  return (c >= U'{' && c <= U'~') || (c >= U'[' && c <= U'`') || (c >= U' ' && c <= U'&') ||
         (c >= U'(' && c <= U'+') || (c >= U':' && c <= U'@') || c == U'/';
}

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }
// \p{P}
bool is_punctuation(char32_t c) {
  return category(c) >= UTF8PROC_CATEGORY_PC && category(c) <= UTF8PROC_CATEGORY_PO;
}
// \p{S}
bool is_symbol(char32_t c) {
  return category(c) >= UTF8PROC_CATEGORY_SM && category(c) <= UTF8PROC_CATEGORY_SO;
}

// The substitutions below are one pass each from left to right over code points, matches not overlapping.

template <class Wanted>
std::u32string surround(const std::u32string& text, Wanted wanted) {
  std::u32string out;
  for (const char32_t c : text) {
    if (wanted(c)) {
      out.append({U' ', c, U' '});
    } else {
      out += c;
    }
  }
  return out;
}

// s/(first)(second)/.../ for two single characters: `spaced` writes each pair that matches.
template <class First, class Second, class Spaced>
std::u32string replace_pairs(const std::u32string& text, First first, Second second, Spaced spaced) {
  std::u32string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && first(text[i]) && second(text[i + 1])) {
      spaced(out, text[i], text[i + 1]);
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

void after_first(std::u32string& out, char32_t a, char32_t b) { out.append({a, U' ', b, U' '}); }
void around_first(std::u32string& out, char32_t a, char32_t b) { out.append({U' ', a, U' ', b}); }

std::string tokenize_13a(std::string text) {
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  const auto not_digit = [](char32_t c) { return !is_digit(c); };
  const auto is_dash = [](char32_t c) { return c == U'-'; };
  std::u32string units = surround(U' ' + code_points(text) + U' ', is_13a_symbol);
  units = replace_pairs(units, not_digit, is_stop, after_first);
  units = replace_pairs(units, is_stop, not_digit, around_first);
  units = replace_pairs(units, is_digit, is_dash, after_first);
  return to_utf8(units);
}

// Punctuation stays where it is between two numbers, and after a number at the end of the line.
std::string tokenize_intl(const std::string& text) {
  const auto not_number = [](char32_t c) { return !is_number(c); };
  std::u32string units = replace_pairs(code_points(text), not_number, is_punctuation, after_first);
  units = replace_pairs(units, is_punctuation, not_number, around_first);
  return to_utf8(surround(units, is_symbol));
}

std::string tokenize_char(const std::string& text) {
  return to_utf8(surround(code_points(text), [](char32_t) { return true; }));
}

}  // namespace

std::string bleu_tokenize(std::string_view line, const BleuOptions& options) {
  std::string text(strip_right(line));
  if (options.lowercase) text = to_lower(text);
  switch (options.tokenize) {
    case BleuTokenizer::v13a:
      text = tokenize_13a(std::move(text));
      break;
    case BleuTokenizer::none:
      break;
    case BleuTokenizer::intl:
      text = tokenize_intl(text);
      break;
    case BleuTokenizer::characters:
      text = tokenize_char(text);
      break;
  }
  std::string out;
  for (const auto word : split_whitespace(text)) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

}  // namespace heed::models
