// Words whose period belongs to them.
#pragma once

#include <string_view>

namespace heed::models {

/// Whether `word` (lower-cased, without its period) keeps the period: a single letter, an abbreviation, in
/// German an ordinal number. Some (No. 5) do so only where a number follows. `language` as in TextSettings;
/// empty knows all lists.
bool keeps_period(std::string_view word, bool number_follows, std::string_view language);

}  // namespace heed::models
