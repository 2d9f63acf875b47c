// The result of decoding a sentence.
#pragma once

#include <vector>

namespace heed::models {

/// One output: its units (words or pieces), its score, and the attention of each unit and of the end mark.
struct Hypothesis {
  std::vector<int> ids;      // ids of the units, without </s>
  bool ended = false;        // whether </s> was output before the length limit
  double score = 0;          // sum of the natural log probabilities of the ids, and of </s> if it was output
  double ranking_score = 0;  // score that beam search ranks by: score / length penalty + coverage penalty
  /// [maps][ids + ended][source length]; no maps without attention.
  std::vector<std::vector<std::vector<float>>> attention;
};

}  // namespace heed::models
