// Which words of two sentences stand in the same place: the cheapest way from one to the other by inserting,
// deleting and replacing words [Levenshtein 1966].
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace heed::models {

/// @param a,b words of two sentences
/// @return pairs of indices (i, j), in order: a[i] is kept as b[j] or replaced by it; words that are
/// inserted or deleted are in none
std::vector<std::pair<size_t, size_t>> word_pairs(const std::vector<std::string>& a,
                                                  const std::vector<std::string>& b);

}  // namespace heed::models
