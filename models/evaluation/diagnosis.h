// Finds likely causes of a bad translation from its text and its attention.
#pragma once

#include <string>
#include <vector>

#include "models/run/translation.h"

namespace heed::models {

/// The problems found in one translation.
struct Diagnosis {
  /// Source words with almost no attention (coverage below kSkipped); empty without attention.
  std::vector<std::string> skipped;
  std::string repeated;    // words repeated more often than in the reference; empty if none
  int unknown = 0;         // number of unknown words on both sides
  bool early_end = false;  // the output has fewer than kShort times as many words as the reference
  bool no_end = false;     // decoding stopped at the length limit
  /// @return "skipped: old, bridge; repeated: in the", or "no cause found"
  std::string text() const;
};

/// Threshold on coverage, the mean attention to a source word summed over the output (about 1 for a
/// translated word).
constexpr double kSkipped = 0.15;
constexpr double kShort = 0.6;  // as a fraction of the number of words of the reference

/// Looks for causes of a bad translation.
/// @param translation the translation, with attention if the model has any
/// @param reference_words words of the reference translation
/// @return the causes found
Diagnosis diagnose(const Translation& translation, const std::vector<std::string>& reference_words);

}  // namespace heed::models
