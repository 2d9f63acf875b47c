// How far links between words are from those that people drew: alignment error rate [Och & Ney 2003, sec. 6],
//   AER = 1 - (|A and S| + |A and P|) / (|A| + |S|),   precision = |A and P| / |A|,   recall = |A and S| / |S|,
// with A the links found, S the sure links of the annotators and P their possible links, S among them. Sums run
// over the corpus.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/corpus/alignment.h"

namespace heed::models {

/// Counts of one or more sentence pairs; a link given twice counts once.
struct AlignmentCounts {
  int64_t links = 0, sure = 0, links_sure = 0, links_possible = 0;  // |A|, |S|, |A and S|, |A and P|

  /// @param other of further sentence pairs
  /// @return this
  AlignmentCounts& operator+=(const AlignmentCounts& other);
  /// @return in [0, 1]; 0 where there is nothing to find and nothing was found
  double error_rate() const;
  /// @return in [0, 1]; 1 where no link was found
  double precision() const;
  /// @return in [0, 1]; 1 where there is no sure link
  double recall() const;
};

/// Counts one sentence pair.
/// @param links that were found
/// @param gold the annotators'
/// @return the counts
AlignmentCounts compare_links(std::span<const AlignmentLink> links, const GoldAlignment& gold);

/// The best that one link per target word can do, as attention's argmax gives: a sure link of the word where
/// there is one, else a possible one, else a wrong link. Its error rate bounds from below what such a model can
/// reach.
/// @param gold the annotators' links
/// @param target_length words of the target
/// @return a link for each target word
std::vector<AlignmentLink> perfect_attention_links(const GoldAlignment& gold, int target_length);

}  // namespace heed::models
