#include "models/text/unicode.h"

#include <utf8proc.h>

#include <memory>

namespace heed::models {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// The number of bytes of the well-formed code point at `pos`, 0 if there is none.
size_t decode(std::string_view text, size_t pos, char32_t& code_point) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + pos;
  utf8proc_int32_t value = 0;
  const auto length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - pos), &value);
  if (length <= 0) return 0;
  code_point = static_cast<char32_t>(value);
  return static_cast<size_t>(length);
}

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool is_cased(char32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL || kind == UTF8PROC_CATEGORY_LT;
}

bool is_case_ignorable(char32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_ME || kind == UTF8PROC_CATEGORY_CF ||
         kind == UTF8PROC_CATEGORY_LM || kind == UTF8PROC_CATEGORY_SK || c == '\'' || c == '.' || c == ':' ||
         c == 0xB7 || c == 0x2019;
}

// Greek writes a capital sigma at the end of a word as U+03C2: a cased letter before it and none after it.
bool is_final_sigma(const std::u32string& text, size_t i) {
  size_t before = i;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  size_t after = i + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

}  // namespace

std::optional<size_t> first_invalid_utf8(std::string_view text) {
  char32_t ignored = 0;
  for (size_t pos = 0; pos < text.size();) {
    if (static_cast<unsigned char>(text[pos]) < 0x80) {
      ++pos;
      continue;
    }
    const size_t length = decode(text, pos, ignored);
    if (length == 0) return pos;
    pos += length;
  }
  return std::nullopt;
}

char32_t next_code_point(std::string_view text, size_t& pos) {
  char32_t c = kReplacement;
  const size_t length = decode(text, pos, c);
  pos += length == 0 ? 1 : length;
  return c;
}

std::u32string code_points(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) result += next_code_point(text, pos);
  return result;
}

void append_utf8(std::string& out, char32_t code_point) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

std::string to_utf8(std::u32string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : text) append_utf8(result, c);
  return result;
}

std::string to_lower(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  std::u32string all;  // filled only where a capital sigma asks for its neighbours
  size_t index = 0;
  for (size_t pos = 0; pos < text.size(); ++index) {
    const size_t begin = pos;
    char32_t c = 0;
    const size_t length = decode(text, pos, c);
    pos += length == 0 ? 1 : length;
    if (length == 0) {
      result += text[begin];
    } else if (c < 0x80) {
      result += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    } else if (c == 0x130) {
      result += "i\xCC\x87";
    } else if (c == 0x3A3) {
      if (all.empty()) all = code_points(text);
      append_utf8(result, is_final_sigma(all, index) ? 0x3C2 : 0x3C3);
    } else {
      append_utf8(result, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
  }
  return result;
}

std::string to_nfc(std::string_view text) {
  bool ascii = true;
  for (const char c : text) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
  if (ascii) return std::string(text);
  utf8proc_uint8_t* mapped = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (length < 0) return std::string(text);
  return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(length)};
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_alpha(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const auto kind = category(c);
  return (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO) ||
         (kind >= UTF8PROC_CATEGORY_MN && kind <= UTF8PROC_CATEGORY_ME);
}

bool is_number(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool is_lower(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LL; }

int terminal_columns(std::string_view text) {
  int columns = 0;
  for (size_t pos = 0; pos < text.size();)
    columns += utf8proc_charwidth(static_cast<utf8proc_int32_t>(next_code_point(text, pos)));
  return columns;
}

std::vector<std::string_view> split_whitespace(std::string_view text) {
  std::vector<std::string_view> pieces;
  size_t begin = std::string_view::npos;
  for (size_t pos = 0; pos < text.size();) {
    const size_t at = pos;
    if (is_space(next_code_point(text, pos))) {
      if (begin != std::string_view::npos) pieces.push_back(text.substr(begin, at - begin));
      begin = std::string_view::npos;
    } else if (begin == std::string_view::npos) {
      begin = at;
    }
  }
  if (begin != std::string_view::npos) pieces.push_back(text.substr(begin));
  return pieces;
}

std::string_view strip_right(std::string_view text) {
  size_t end = 0;
  for (size_t pos = 0; pos < text.size();)
    if (!is_space(next_code_point(text, pos))) end = pos;
  return text.substr(0, end);
}

bool GraphemeBreaks::before(char32_t c) {
  const bool breaks = !any_ || utf8proc_grapheme_break_stateful(static_cast<int32_t>(last_),
                                                                static_cast<int32_t>(c), &state_);
  last_ = c;
  any_ = true;
  return breaks;
}

}  // namespace heed::models
