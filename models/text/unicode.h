// UTF-8 and the few Unicode properties that text handling needs, over utf8proc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// The byte offset of the first byte that is not part of well-formed UTF-8 (overlong forms and surrogates are
/// not), if any.
std::optional<size_t> first_invalid_utf8(std::string_view text);

/// The code point that starts at `pos`, which moves past it. A malformed byte gives U+FFFD and moves `pos` by
/// one.
char32_t next_code_point(std::string_view text, size_t& pos);

/// All code points of `text`; a malformed byte gives U+FFFD.
std::u32string code_points(std::string_view text);

void append_utf8(std::string& out, char32_t code_point);
std::string to_utf8(std::u32string_view text);

/// Lower case as Python's str.lower gives it: one to one, but for U+0130 (two code points) and a final capital
/// sigma. Malformed bytes stay as they are.
std::string to_lower(std::string_view text);

/// Normalisation form C (letter and accent in one code point); text that is not UTF-8 comes back unchanged.
std::string to_nfc(std::string_view text);

/// White space as Python's str.isspace sees it (NBSP, U+2028 and U+3000 are, U+200B is not).
bool is_space(char32_t c);
bool is_alpha(char32_t c);   // a letter, or a mark that belongs to one
bool is_number(char32_t c);  // any category N
bool is_lower(char32_t c);

/// The pieces between runs of white space, as Python's str.split() gives them; views into `text`.
std::vector<std::string_view> split_whitespace(std::string_view text);

/// `text` without white space at its end, as Python's str.rstrip().
std::string_view strip_right(std::string_view text);

}  // namespace heed::models
