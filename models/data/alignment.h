// Links between the words of a sentence and of its translation.
#pragma once

#include <compare>

namespace heed::models {

/// Source word `source` and target word `target`, both counted from 0.
struct AlignmentLink {
  int source = 0;
  int target = 0;
  auto operator<=>(const AlignmentLink&) const = default;
};

}  // namespace heed::models
