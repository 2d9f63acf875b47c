// Words whose period belongs to them.
#pragma once

#include <string_view>

namespace heed::models {

/// Whether a word keeps its period: an abbreviation, in German an ordinal number. Some (No. 5) do so only where a number follows. Of single
/// letters see is_initial.
/// @param word lower-cased, without its period
/// @param number_follows whether the next word begins with a digit
/// @param language as in TextSettings; empty knows all lists
/// @return whether the period belongs to the word
bool keeps_period(std::string_view word, bool number_follows, std::string_view language);

/// Whether a word is a single letter.
/// @param word without its period
/// @return whether it is
bool is_single_letter(std::string_view word);

/// Whether a single letter keeps its period inside a sentence: a capital one is an initial (J. S. Bach), a small one an abbreviation in
/// German (z. B.), and in any language where a number follows (p. 5). At the end of a sentence the period is the sentence's.
/// @param letter as it was written
/// @param number_follows whether the next word begins with a digit
/// @param language as in TextSettings; empty knows all
/// @return whether the period belongs to the letter
bool is_initial(std::string_view letter, bool number_follows, std::string_view language);

}  // namespace heed::models
