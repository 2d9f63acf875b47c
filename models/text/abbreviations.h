// Words whose period belongs to them.
#pragma once

#include <string_view>

namespace heed::models {

/// Whether a word keeps its period: a single letter, an abbreviation, in German an ordinal number. Some (No. 5) do so only where a number
/// follows.
/// @param word lower-cased, without its period
/// @param number_follows whether the next word begins with a digit
/// @param language as in TextSettings; empty knows all lists
/// @return whether the period belongs to the word
bool keeps_period(std::string_view word, bool number_follows, std::string_view language);

}  // namespace heed::models
