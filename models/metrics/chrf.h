// chrF [Popovic 2015] and chrF++ [Popovic 2017], computed exactly as by sacreBLEU 2 [Post 2018]:
//   chrF = 100 * (1 + beta^2) * P R / (beta^2 P + R)
//   P = mean_n matches_n / hypothesis_n,   R = mean_n matches_n / reference_n
// averaged over the orders n that occur on both sides: character n-grams of order 1 to 6 without white space
// and, for chrF++, word n-grams of order 1 and 2 with punctuation at a word's end (or else at its start)
// split off. beta = 2: recall counts four times as much. With several references, each sentence uses the one
// with the best score. Scores are in [0, 100].
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// Options of chrF.
struct ChrfOptions {
  int char_order = 6;       ///< the longest n-grams of characters
  int word_order = 0;       ///< of words; 2: chrF++
  int beta = 2;             ///< how much recall counts
  bool lowercase = false;   ///< both sides, as Python's str.lower
  bool whitespace = false;  ///< white space counts as characters too
  /// The mean of the F-scores of all orders, a missing order as 1e-16, as in chrF++.py.
  bool eps_smoothing = false;
};

/// Counts of the n-grams of one order.
struct ChrfCounts {
  int64_t hypothesis = 0;  ///< 0 where the reference has no n-gram of this order
  int64_t reference = 0;   ///< its n-grams
  int64_t matches = 0;     ///< n-grams of both, clipped
  bool operator==(const ChrfCounts&) const = default;
};

/// The counts from which chrF is computed, by order, character orders first. The statistics of a corpus are
/// the sum of those of its sentences; empty statistics can be added to any.
struct ChrfStats {
  std::vector<ChrfCounts> orders;  ///< of characters, then of words

  /// @param other counts of further sentences
  /// @return this
  /// @throws ValueError for statistics with different numbers of orders
  ChrfStats& operator+=(const ChrfStats& other);
  bool operator==(const ChrfStats&) const = default;
};

/// A chrF score.
struct ChrfResult {
  double score = 0;       ///< in [0, 100]
  std::string signature;  ///< chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:heed-0.2.0
};

/// Statistics of one sentence against its references.
/// @param hypothesis the translation
/// @param references at least one
/// @param options orders, case, white space
/// @return counts by order, against the best reference
/// @throws ValueError for no reference and for invalid orders or an invalid beta
ChrfStats chrf_stats(std::string_view hypothesis, std::span<const std::string> references,
                     const ChrfOptions& options = {});

/// @{
/// Statistics of every sentence of a corpus, the input of bootstrap().
/// @param hypotheses the translations, one per sentence
/// @param references references[i] is the reference, or the list of references, of hypotheses[i]; lists may
/// differ in length
/// @param options orders, case, white space
/// @return statistics of each sentence
/// @throws ValueError as chrf_stats does, and for different numbers of sentences
std::vector<ChrfStats> corpus_chrf_stats(std::span<const std::string> hypotheses,
                                         std::span<const std::string> references,
                                         const ChrfOptions& options = {});
std::vector<ChrfStats> corpus_chrf_stats(std::span<const std::string> hypotheses,
                                         std::span<const std::vector<std::string>> references,
                                         const ChrfOptions& options = {});
/// @}

/// Computes chrF from summed statistics; the signature says nrefs:1.
/// @param stats statistics of a corpus
/// @param options orders, beta, smoothing
/// @return the score
/// @throws ValueError for statistics whose orders differ from the options'
ChrfResult chrf_of(const ChrfStats& stats, const ChrfOptions& options = {});

/// @{
/// chrF of a corpus, from summed statistics. If sentences have different numbers of references, the signature
/// says nrefs:var.
/// @param hypotheses,references as for corpus_chrf_stats
/// @param options orders, case, beta, smoothing
/// @return the score; 0 without sentences
/// @throws ValueError as corpus_chrf_stats
ChrfResult corpus_chrf(std::span<const std::string> hypotheses, std::span<const std::string> references,
                       const ChrfOptions& options = {});
ChrfResult corpus_chrf(std::span<const std::string> hypotheses,
                       std::span<const std::vector<std::string>> references, const ChrfOptions& options = {});
/// @}

/// chrF of one sentence.
/// @param hypothesis the translation
/// @param references at least one
/// @param options orders, case, beta, smoothing
/// @return the score
/// @throws ValueError as chrf_stats
ChrfResult sentence_chrf(std::string_view hypothesis, std::span<const std::string> references,
                         const ChrfOptions& options = {});

}  // namespace heed::models
