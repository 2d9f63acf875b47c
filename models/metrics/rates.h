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

/// Share of unknown words from which they are a concern: with every seventh word unknown, half of the
/// four-grams have one and can never be right.
constexpr double kManyUnknown = 0.15;

/// Perplexity exp(- 1/N sum_i ln p(y_i | y_<i, x)): the number of equally likely tokens with the same
/// uncertainty [Jelinek et al. 1977]. 1 means certainty; a uniform distribution gives the size of the
/// vocabulary.
/// @param sum_log_probability sum of the log probabilities of the target tokens, in nats
/// @param tokens number of target tokens, end marks included
/// @return the perplexity, at least 1; infinite if a token has probability 0
/// @throws ValueError for no tokens and NaN
inline double perplexity(double sum_log_probability, int64_t tokens) {
  if (tokens < 1) throw ValueError("perplexity", fmt::format("{} tokens", tokens));
  if (std::isnan(sum_log_probability)) throw ValueError("perplexity", "the log probability is NaN");
  return std::exp(-sum_log_probability / static_cast<double>(tokens));
}

/// Whether the words of a translation, split at white space, equal those of a reference.
/// @param hypothesis the translation
/// @param references at least one
/// @return whether it equals one of the references
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
/// @param hypotheses the translations, one per sentence
/// @param references references[i] is the reference, or the list of references, of hypotheses[i]
/// @return in [0, 1]; 0 without a sentence
/// @throws ValueError for different numbers of sentences
inline double exact_match_rate(std::span<const std::string> hypotheses,
                               std::span<const std::string> references) {
  int64_t matches = 0;
  for_each_sentence("exact match", hypotheses.size(), references,
                    [&](size_t i, std::span<const std::string> of_sentence) {
                      matches += is_exact_match(hypotheses[i], of_sentence);
                    });
  return hypotheses.empty() ? 0 : static_cast<double>(matches) / static_cast<double>(hypotheses.size());
}
inline double exact_match_rate(std::span<const std::string> hypotheses,
                               std::span<const std::vector<std::string>> references) {
  int64_t matches = 0;
  for_each_sentence("exact match", hypotheses.size(), references,
                    [&](size_t i, std::span<const std::string> of_sentence) {
                      matches += is_exact_match(hypotheses[i], of_sentence);
                    });
  return hypotheses.empty() ? 0 : static_cast<double>(matches) / static_cast<double>(hypotheses.size());
}
/// @}

}  // namespace heed::models
