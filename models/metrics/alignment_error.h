// Alignment error rate: the distance of a word alignment from a human-annotated one [Och & Ney 2003, sec. 6],
//   AER = 1 - (|A and S| + |A and P|) / (|A| + |S|),
//   precision = |A and P| / |A|,   recall = |A and S| / |S|,
// where A is the set of links found, S the annotators' sure links and P their possible links (which include
// S). The counts are summed over the corpus.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/corpus/alignment.h"

namespace heed::models {

/// Counts of one or more sentence pairs; a link given twice counts once.
struct AlignmentCounts {
  int64_t links = 0, sure = 0, links_sure = 0, links_possible = 0;  // |A|, |S|, |A and S|, |A and P|

  /// @param other counts of further sentence pairs
  /// @return this
  AlignmentCounts& operator+=(const AlignmentCounts& other);
  /// @return in [0, 1]; 0 if there are no sure links and no links were found
  double error_rate() const;
  /// @return in [0, 1]; 1 if no link was found
  double precision() const;
  /// @return in [0, 1]; 1 if there is no sure link
  double recall() const;
};

/// Counts one sentence pair.
/// @param links the links found
/// @param gold the annotators' links
/// @return the counts
AlignmentCounts compare_links(std::span<const AlignmentLink> links, const GoldAlignment& gold);

/// The best alignment with one link per target word, which is all that the argmax of attention can produce: a
/// sure link of the word if there is one, else a possible one, else a wrong link. Its error rate is a lower
/// bound for such a model.
/// @param gold the annotators' links
/// @param target_length number of target words
/// @return a link for each target word
std::vector<AlignmentLink> perfect_attention_links(const GoldAlignment& gold, int target_length);

}  // namespace heed::models
