// Word alignment of a sentence pair: which source token a target token translates.
#pragma once

#include <compare>
#include <string>
#include <vector>

namespace heed::models {

/// One link between two tokens, as positions counted from 0.
struct AlignmentLink {
  int source = 0;  // token of the source, from 0
  int target = 0;  // token of the target, from 0
  auto operator<=>(const AlignmentLink&) const = default;
};

/// The annotated word alignment of one sentence pair. Every sure link counts as a possible link too, whether
/// or not it is listed there.
struct GoldAlignment {
  std::vector<AlignmentLink> sure, possible;  // links as annotated
};

/// A sentence pair with its gold alignment [Och & Ney 2003, sec. 5: sure and possible links].
/// `sure` and `possible` are disjoint and sorted; the set P in the alignment error rate is their union.
struct AlignedPair {
  std::vector<std::string> source, target;  // tokens
  std::vector<AlignmentLink> sure;  // same meaning: a compound or a separable verb links to all its parts
  /// Agreement and inserted words: do-support, commas, "um", contracted articles.
  std::vector<AlignmentLink> possible;
  std::vector<std::string> patterns;  // names of the clause patterns used, sorted, without duplicates
};

}  // namespace heed::models
