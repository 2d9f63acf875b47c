// The uncertainty of a score by bootstrap resampling over sentences, for one system and for paired
// comparisons of two [Koehn 2004,
// "Statistical significance tests for machine translation evaluation"].
// A resample draws as many sentences as there are, with replacement, and computes the score of their summed
// statistics. This works for any metric whose statistics can be added:
//   bootstrap(corpus_bleu_stats(hypotheses, references), [](const BleuStats& sum) { return
//   bleu_of(sum).score; })
// Resample r of seed s draws the same sentences on every machine, for every metric and every system.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "framework/core/random.h"

namespace heed::models {

/// Options of resampling.
struct BootstrapOptions {
  int resamples = 1000;      ///< at least 1
  double confidence = 0.95;  ///< of the intervals, in (0, 1)
  uint64_t seed = 12345;     ///< of the draws
};

/// A closed interval from `low` to `high`.
struct Interval {
  double low = 0, high = 0;  ///< in the units of the metric
  bool operator==(const Interval&) const = default;
};

/// Result for one system, in the units of the metric.
struct BootstrapResult {
  double score = 0;   ///< of all sentences
  double mean = 0;    ///< of the resamples
  Interval interval;  ///< percentile_interval of the resamples
};

/// Result for two systems on the same sentences, in the units of the metric.
struct PairedBootstrapResult {
  BootstrapResult a, b;                  ///< each by itself
  double difference = 0;                 ///< score of b - score of a
  Interval interval;                     // of the difference: percentile_interval of b - a over the resamples
  int wins_a = 0, wins_b = 0, ties = 0;  ///< resamples in which a, b or neither scores higher

  /// One-sided p-value: the estimated probability that the better system is better only by chance, (1 +
  /// resamples in which it is not better) / (1 + resamples). The added ones keep it above 0 [Davison &
  /// Hinkley 1997, sec. 4.2]. 1 if the scores are equal.
  double p_value = 1;
};

/// Percentile interval [Efron & Tibshirani 1993, ch. 13]: the range of the sorted scores after removing
/// floor(n (1 - confidence) / 2) of them at each end, as in Koehn 2004.
/// @param scores scores of the resamples
/// @param confidence in (0, 1)
/// @return the interval
/// @throws ValueError for no score and a confidence outside (0, 1)
Interval percentile_interval(std::vector<double> scores, double confidence);

namespace bootstrap_detail {

// Draws the sentence indices of one resample after the other.
class Resampler {
 public:
  Resampler(size_t sentences, const BootstrapOptions& options);  ///< checks both
  std::span<const uint32_t> next();

 private:
  Generator generator_;
  std::vector<uint32_t> indices_;
};

BootstrapResult summarise(double score, const std::vector<double>& resampled,
                          const BootstrapOptions& options);
PairedBootstrapResult summarise(double score_a, double score_b, const std::vector<double>& resampled_a,
                                const std::vector<double>& resampled_b, const BootstrapOptions& options);
void check_pairs(size_t sentences_a, size_t sentences_b);

template <class Stats>
Stats sum_of(const std::vector<Stats>& sentences) {
  Stats sum{};
  for (const Stats& sentence : sentences) sum += sentence;
  return sum;
}

template <class Stats>
Stats sum_of(const std::vector<Stats>& sentences, std::span<const uint32_t> indices) {
  Stats sum{};
  for (const uint32_t i : indices) sum += sentences[i];
  return sum;
}

}  // namespace bootstrap_detail

/// The score of one system and its confidence interval.
/// @tparam Stats statistics: Stats{} is the empty sum, += adds
/// @param sentences statistics of each sentence
/// @param score the metric, double(const Stats& sum)
/// @param options resamples, confidence, seed
/// @return score, mean and interval
/// @throws ValueError for no sentences, less than one resample, and a confidence outside (0, 1)
template <class Stats, class Score>
BootstrapResult bootstrap(const std::vector<Stats>& sentences, Score score,
                          const BootstrapOptions& options = {}) {
  bootstrap_detail::Resampler resampler(sentences.size(), options);
  std::vector<double> resampled;
  for (int i = 0; i < options.resamples; ++i)
    resampled.push_back(score(bootstrap_detail::sum_of(sentences, resampler.next())));
  return bootstrap_detail::summarise(score(bootstrap_detail::sum_of(sentences)), resampled, options);
}

/// Tests whether system b is better than a, for a metric where higher is better.
/// @tparam Stats statistics: Stats{} is the empty sum, += adds
/// @param a,b statistics of both systems' translations of the same sentences
/// @param score the metric, double(const Stats& sum)
/// @param options resamples, confidence, seed
/// @return both scores, and the interval and p-value of their difference
/// @throws ValueError as bootstrap does, and for different numbers of sentences
template <class Stats, class Score>
PairedBootstrapResult paired_bootstrap(const std::vector<Stats>& a, const std::vector<Stats>& b, Score score,
                                       const BootstrapOptions& options = {}) {
  bootstrap_detail::check_pairs(a.size(), b.size());
  bootstrap_detail::Resampler resampler(a.size(), options);
  std::vector<double> resampled_a, resampled_b;
  for (int i = 0; i < options.resamples; ++i) {
    const std::span<const uint32_t> indices = resampler.next();
    resampled_a.push_back(score(bootstrap_detail::sum_of(a, indices)));
    resampled_b.push_back(score(bootstrap_detail::sum_of(b, indices)));
  }
  return bootstrap_detail::summarise(score(bootstrap_detail::sum_of(a)), score(bootstrap_detail::sum_of(b)),
                                     resampled_a, resampled_b, options);
}

}  // namespace heed::models
