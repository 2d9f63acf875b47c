// What decoding gives.
#pragma once

#include <vector>

namespace heed::models {

/// One output: its units (words or pieces) and, one by one and for the end of the sentence, what the model looked at.
struct Hypothesis {
  std::vector<int> ids;      // without </s>
  bool ended = false;        // whether </s> came before the length limit
  double score = 0;          // sum of log probabilities (natural) of the ids, and of </s> if it came
  double ranking_score = 0;  // what beam search compared: score over the length penalty plus the coverage penalty
  std::vector<std::vector<std::vector<float>>> attention;  // [maps][ids + ended][source length]; no maps without attention
};

}  // namespace heed::models
