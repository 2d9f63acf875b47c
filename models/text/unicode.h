// UTF-8 and the few Unicode properties that text handling needs, based on utf8proc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// Finds the first byte that is not part of well-formed UTF-8; overlong forms and surrogates are not
/// well-formed.
/// @param text any bytes
/// @return offset of the byte; nullopt if the text is valid
std::optional<size_t> first_invalid_utf8(std::string_view text);

/// Reads one code point.
/// @param text any bytes
/// @param pos offset where the code point starts; advanced past it, by one byte if malformed
/// @return the code point; U+FFFD for a malformed byte
char32_t next_code_point(std::string_view text, size_t& pos);

/// @param text any bytes
/// @return all code points; U+FFFD for each malformed byte
std::u32string code_points(std::string_view text);

/// Writes one code point.
/// @param out string that the bytes are appended to
/// @param code_point the code point to append
void append_utf8(std::string& out, char32_t code_point);
/// @param text code points
/// @return the text as UTF-8
std::string to_utf8(std::u32string_view text);

/// Converts to lower case like Python's str.lower, one code point to one, except for U+0130 (which becomes
/// two code points) and a final capital sigma. Malformed bytes are kept.
/// @param text UTF-8
/// @return the text in lower case
std::string to_lower(std::string_view text);

/// Converts to Unicode normalisation form C, where a letter and its accent are one code point.
/// @param text UTF-8; invalid UTF-8 is returned unchanged
/// @return the normalised text
std::string to_nfc(std::string_view text);

/// Whether a code point is white space as in Python's str.isspace (NBSP, U+2028 and U+3000 are, U+200B is
/// not).
/// @param c a code point
/// @return whether it belongs to the class
bool is_space(char32_t c);
/// @{
/// Character classes: is_alpha: a letter, or a mark that belongs to one; is_number: any of category N;
/// is_lower: a small letter.
/// @param c a code point
/// @return whether it belongs to the class
bool is_alpha(char32_t c);
bool is_number(char32_t c);
bool is_lower(char32_t c);
/// @}

/// Finds the boundaries of extended grapheme clusters (Unicode Standard Annex 29); code points are passed in
/// order.
class GraphemeBreaks {
 public:
  /// @param c the next code point
  /// @return whether a new cluster begins with c; true for the first code point
  bool before(char32_t c);

 private:
  char32_t last_ = 0;
  int32_t state_ = 0;
  bool any_ = false;
};

/// How many columns of a terminal a text takes: none for what is combined with the character before it, two
/// for wide signs of East Asia.
/// @param text UTF-8
/// @return columns
int terminal_columns(std::string_view text);

/// Splits at runs of white space, like Python's str.split().
/// @param text UTF-8
/// @return the pieces, as views into the text
std::vector<std::string_view> split_whitespace(std::string_view text);

/// Removes white space at the end, like Python's str.rstrip().
/// @param text UTF-8
/// @return the rest, as a view into the text
std::string_view strip_right(std::string_view text);

}  // namespace heed::models
