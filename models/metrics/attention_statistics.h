// Statistics of attention over a sentence: the entropy of its rows, and the total weight (coverage) of each
// source word.
//   H_i = - sum_j a_ij ln a_ij   [nats; 0 for one word, ln S for equal weights; Shannon 1948, sec. 6],
//   c_j = sum_i a_ij
// where a_ij is the weight of source word j at target word i. c_j is the coverage of Tu et al. 2016
// ("Modeling coverage for neural machine translation", sec. 3), which the coverage penalty of Wu et al. 2016
// (sec. 7) uses too. It is about 1 for a word that was translated once, about 0 for one that was left out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace heed::models {

/// Unit of an entropy.
enum class EntropyUnit {
  nats,        // H
  normalised,  // H / ln S, in [0, 1] for weights that sum to 1; 0 where S < 2
};

/// Entropy of one row of attention.
/// @param row weights of the source words, [S]
/// @param unit nats or normalised
/// @return at least 0
/// @throws ValueError for a weight that is negative, infinite or NaN
double attention_entropy(std::span<const float> row, EntropyUnit unit = EntropyUnit::nats);

/// Entropy of each row of attention.
/// @param weights [T][S]
/// @param unit nats or normalised
/// @return [T]
/// @throws ValueError as above, ShapeError for rows of different lengths
std::vector<double> attention_entropies(const std::vector<std::vector<float>>& weights,
                                        EntropyUnit unit = EntropyUnit::nats);

/// The coverage of each source word: the sum of its weights over all target words.
/// @param weights [T][S]
/// @return c [S]; empty if there are no rows
/// @throws ValueError, ShapeError as attention_entropies
std::vector<double> attention_coverage(const std::vector<std::vector<float>>& weights);

/// Counts source words that were left out of the translation.
/// @param coverage c [S]
/// @param threshold a word with less coverage counts as left out
/// @return the number of such words
int64_t uncovered_words(std::span<const double> coverage, double threshold = 0.5);

/// Sums over sentences, so that means are taken over words and not over sentences.
struct AttentionStatistics {
  int64_t target_words = 0, source_words = 0;          ///< ends of sentence included
  int64_t uncovered = 0;                               ///< source words below the threshold
  double entropy_sum = 0, normalised_entropy_sum = 0;  ///< over target words, in nats and normalised

  /// @param other counts of further sentences
  /// @return this
  AttentionStatistics& operator+=(const AttentionStatistics& other);
  /// @return mean entropy in nats per target word; 0 without target words
  double mean_entropy() const;
  /// @return mean normalised entropy, in [0, 1]; 0 without target words
  double mean_normalised_entropy() const;
  /// @return share of source words that were left out, in [0, 1]; 0 without source words
  double uncovered_share() const;
};

/// Computes all statistics of one sentence.
/// @param weights [T][S]
/// @param threshold as for uncovered_words
/// @return sums over the words of the sentence
/// @throws ValueError, ShapeError as attention_entropies
AttentionStatistics attention_statistics(const std::vector<std::vector<float>>& weights,
                                         double threshold = 0.5);

}  // namespace heed::models
