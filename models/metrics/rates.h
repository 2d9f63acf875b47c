// Perplexity, and the share of sentences that are exactly right.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include "framework/core/error.h"
#include "models/metrics/references.h"
#include "models/text/unicode.h"

namespace heed::models {

/// exp(- 1/N sum_i ln p(y_i | y_<i, x)): how many tokens the model hesitates between [Jelinek et al. 1977].
/// 1 is certainty; the vocabulary's size is a model that knows nothing.
/// @param sum_log_probability in nats
/// @param tokens target tokens, ends of sentence among them
/// @return at least 1; infinite where a token had probability 0
/// @throws ValueError for no tokens and NaN
inline double perplexity(double sum_log_probability, int64_t tokens) {
  if (tokens < 1) throw ValueError(fmt::format("perplexity: {} tokens", tokens));
  if (std::isnan(sum_log_probability)) throw ValueError("perplexity: the log probability is NaN");
  return std::exp(-sum_log_probability / static_cast<double>(tokens));
}

/// Whether the words, split at white space, are those of one of the references.
/// @param hypothesis what was translated
/// @param references at least one
/// @return whether they are
/// @throws ValueError for no reference
inline bool is_exact_match(std::string_view hypothesis, std::span<const std::string> references) {
  require_reference("exact match", references);
  const auto words = split_whitespace(hypothesis);
  for (const std::string& reference : references)
    if (words == split_whitespace(reference)) return true;
  return false;
}

/// @{
/// The share of hypotheses that match a reference exactly.
/// @param hypotheses what was translated
/// @param references references[i] are those of hypotheses[i], or the one
/// @return in [0, 1]; 0 without a sentence
/// @throws ValueError for different numbers of sentences
inline double exact_match_rate(std::span<const std::string> hypotheses, std::span<const std::string> references) {
  int64_t matches = 0;
  for_each_sentence("exact match", hypotheses.size(), references,
                    [&](size_t i, std::span<const std::string> of_sentence) { matches += is_exact_match(hypotheses[i], of_sentence); });
  return hypotheses.empty() ? 0 : static_cast<double>(matches) / static_cast<double>(hypotheses.size());
}
inline double exact_match_rate(std::span<const std::string> hypotheses, std::span<const std::vector<std::string>> references) {
  int64_t matches = 0;
  for_each_sentence("exact match", hypotheses.size(), references,
                    [&](size_t i, std::span<const std::string> of_sentence) { matches += is_exact_match(hypotheses[i], of_sentence); });
  return hypotheses.empty() ? 0 : static_cast<double>(matches) / static_cast<double>(hypotheses.size());
}
/// @}

}  // namespace heed::models
