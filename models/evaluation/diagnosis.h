// Why a translation is bad, as far as the sentence itself and its attention tell.
#pragma once

#include <string>
#include <vector>

#include "models/run/translation.h"

namespace heed::models {

/// What is wrong with one translation.
struct Diagnosis {
  std::vector<std::string> skipped;  // source words that hardly anything looked at: coverage below kSkipped; empty without attention
  std::string repeated;              // words that stand again and again, oftener than in the reference; empty when none do
  int unknown = 0;                   // unknown words on both sides
  bool early_end = false;            // fewer than kShort of the reference's words
  bool no_end = false;               // ran into the length limit
  /// @return "skipped: old, bridge; repeated: in the", or "no cause found"
  std::string text() const;
};

constexpr double kSkipped = 0.15;  // sum over the output of the mean attention to a word; 1 would be a full word's share
constexpr double kShort = 0.6;     // of the reference's words

/// Looks for causes.
/// @param translation with its attention, if the model has any
/// @param reference_words of the same sentence
/// @return the causes found
Diagnosis diagnose(const Translation& translation, const std::vector<std::string>& reference_words);

}  // namespace heed::models
