// What attention does over a sentence: how spread its rows are and how much of it each source word got.
//   H_i = - sum_j a_ij ln a_ij   [nats; 0 for one word, ln S for equal weights; Shannon 1948, sec. 6],   c_j = sum_i a_ij
// with a_ij the weight of source word j at target word i. c_j is the coverage of Tu et al. 2016 ("Modeling coverage for
// neural machine translation", sec. 3), from which Wu et al. 2016 (sec. 7) take the search's coverage penalty: about 1 for
// a word that was translated once, about 0 for one that was left out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace heed::models {

/// What an entropy is measured in.
enum class EntropyUnit {
  nats,        // H
  normalised,  // H / ln S, in [0, 1] for weights that sum to 1; 0 where S < 2
};

/// Entropy of one row.
/// @param row weights of the source words, [S]
/// @param unit nats or normalised
/// @return at least 0
/// @throws ValueError for a weight that is negative, infinite or NaN
double attention_entropy(std::span<const float> row, EntropyUnit unit = EntropyUnit::nats);

/// Entropy of each row.
/// @param weights [T][S]
/// @param unit nats or normalised
/// @return [T]
/// @throws ValueError as above, ShapeError for rows of different lengths
std::vector<double> attention_entropies(const std::vector<std::vector<float>>& weights, EntropyUnit unit = EntropyUnit::nats);

/// How much of the attention each source word got.
/// @param weights [T][S]
/// @return c [S]; empty without a row
/// @throws ValueError, ShapeError as attention_entropies
std::vector<double> attention_coverage(const std::vector<std::vector<float>>& weights);

/// Source words that were left out.
/// @param coverage c [S]
/// @param threshold below which a word counts as left out
/// @return how many
int64_t uncovered_words(std::span<const double> coverage, double threshold = 0.5);

/// Sums over sentences, so that means are over words and not over sentences.
struct AttentionStatistics {
  int64_t target_words = 0, source_words = 0;          ///< ends of sentence included
  int64_t uncovered = 0;                               ///< source words below the threshold
  double entropy_sum = 0, normalised_entropy_sum = 0;  ///< over target words, in nats and normalised

  /// @param other of further sentences
  /// @return this
  AttentionStatistics& operator+=(const AttentionStatistics& other);
  /// @return nats a target word; 0 without one
  double mean_entropy() const;
  /// @return in [0, 1]; 0 without a target word
  double mean_normalised_entropy() const;
  /// @return of the source words, in [0, 1]; 0 without one
  double uncovered_share() const;
};

/// All of it for one sentence.
/// @param weights [T][S]
/// @param threshold as for uncovered_words
/// @return sums over its words
/// @throws ValueError, ShapeError as attention_entropies
AttentionStatistics attention_statistics(const std::vector<std::vector<float>>& weights, double threshold = 0.5);

}  // namespace heed::models
