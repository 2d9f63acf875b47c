// Decides whether a period belongs to the word before it (abbreviation, ordinal, initial) or ends the
// sentence.
#pragma once

#include <string_view>

namespace heed::models {

/// Whether a word keeps its period because it is an abbreviation or, in German, an ordinal number. Some
/// abbreviations ("No. 5") count only before a number. For single letters see is_initial.
/// @param word the word in lower case, without its period
/// @param number_follows whether the next word begins with a digit
/// @param language as in TextSettings; if empty, the lists of all languages are used
/// @return whether the period belongs to the word
bool keeps_period(std::string_view word, bool number_follows, std::string_view language);

/// Whether a word is a single letter.
/// @param word the word without its period
/// @return whether it is a single letter
bool is_single_letter(std::string_view word);

/// Whether a single letter keeps its period inside a sentence: a capital letter is an initial (J. S. Bach); a
/// small one is an abbreviation in German (z. B.), and in any language before a number (p. 5). At the end of
/// a sentence the period belongs to the sentence.
/// @param letter the letter as written
/// @param number_follows whether the next word begins with a digit
/// @param language as in TextSettings; if empty, the rules of all languages apply
/// @return whether the period belongs to the letter
bool is_initial(std::string_view letter, bool number_follows, std::string_view language);

}  // namespace heed::models
