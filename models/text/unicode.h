// UTF-8 and the few Unicode properties that text handling needs, over utf8proc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// Looks for the first byte that is not part of well-formed UTF-8; overlong forms and surrogates are not.
/// @param text any bytes
/// @return its offset, if any
std::optional<size_t> first_invalid_utf8(std::string_view text);

/// Reads one code point.
/// @param text any bytes
/// @param pos where it starts; moves past it, by one for a malformed byte
/// @return the code point; U+FFFD for a malformed byte
char32_t next_code_point(std::string_view text, size_t& pos);

/// @param text any bytes
/// @return all its code points; a malformed byte gives U+FFFD
std::u32string code_points(std::string_view text);

/// Writes one code point.
/// @param out gets its bytes at the end
/// @param code_point to be written
void append_utf8(std::string& out, char32_t code_point);
/// @param text code points
/// @return as UTF-8
std::string to_utf8(std::u32string_view text);

/// Lower case as Python's str.lower gives it: one to one, but for U+0130 (two code points) and a final capital
/// sigma. Malformed bytes stay as they are.
/// @param text UTF-8
/// @return in lower case
std::string to_lower(std::string_view text);

/// Normalisation form C: letter and accent in one code point.
/// @param text UTF-8; other text comes back unchanged
/// @return normalised
std::string to_nfc(std::string_view text);

/// White space as Python's str.isspace sees it (NBSP, U+2028 and U+3000 are, U+200B is not).
/// @param c a code point
/// @return whether it is
bool is_space(char32_t c);
/// @{
/// A letter or a mark that belongs to one; any of category N; a small letter.
/// @param c a code point
/// @return whether it is
bool is_alpha(char32_t c);
bool is_number(char32_t c);
bool is_lower(char32_t c);
/// @}

/// Finds the extended grapheme clusters of a text (Unicode Standard Annex 29), one code point after the other.
class GraphemeBreaks {
 public:
  /// @param c the next code point
  /// @return whether a cluster begins with it; true for the first
  bool before(char32_t c);

 private:
  char32_t last_ = 0;
  int32_t state_ = 0;
  bool any_ = false;
};

/// The pieces between runs of white space, as Python's str.split() gives them.
/// @param text UTF-8
/// @return views into it
std::vector<std::string_view> split_whitespace(std::string_view text);

/// As Python's str.rstrip().
/// @param text UTF-8
/// @return a view into it, without white space at its end
std::string_view strip_right(std::string_view text);

}  // namespace heed::models
