#include "models/metrics/bootstrap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "framework/core/error.h"

namespace heed::models {
namespace {

void check_confidence(double confidence) {
  if (!(confidence > 0 && confidence < 1))
    throw ValueError("bootstrap", fmt::format("confidence is {}, not between 0 and 1", confidence));
}

}  // namespace

Interval percentile_interval(std::vector<double> scores, double confidence) {
  check_confidence(confidence);
  if (scores.empty()) throw ValueError("bootstrap", "an interval of no scores");
  std::ranges::sort(scores);
  // 1e-9: 1000 * (1 - 0.95) / 2 is 25, and rounding must not make it 24
  const double outside = std::floor(static_cast<double>(scores.size()) * (1 - confidence) / 2 + 1e-9);
  const size_t dropped = std::min(static_cast<size_t>(outside), (scores.size() - 1) / 2);
  return {scores[dropped], scores[scores.size() - 1 - dropped]};
}

namespace bootstrap_detail {

Resampler::Resampler(size_t sentences, const BootstrapOptions& options)
    : generator_(options.seed), indices_(sentences) {
  check_confidence(options.confidence);
  if (sentences == 0) throw ValueError("bootstrap", "no sentences");
  if (options.resamples < 1) throw ValueError("bootstrap", fmt::format("{} resamples", options.resamples));
}

std::span<const uint32_t> Resampler::next() {
  for (uint32_t& index : indices_) index = static_cast<uint32_t>(generator_.next_below(indices_.size()));
  return indices_;
}

BootstrapResult summarise(double score, const std::vector<double>& resampled,
                          const BootstrapOptions& options) {
  const double sum = std::accumulate(resampled.begin(), resampled.end(), 0.0);
  return {score, sum / static_cast<double>(resampled.size()),
          percentile_interval(resampled, options.confidence)};
}

PairedBootstrapResult summarise(double score_a, double score_b, const std::vector<double>& resampled_a,
                                const std::vector<double>& resampled_b, const BootstrapOptions& options) {
  PairedBootstrapResult result;
  result.a = summarise(score_a, resampled_a, options);
  result.b = summarise(score_b, resampled_b, options);
  result.difference = score_b - score_a;
  std::vector<double> differences;
  for (size_t i = 0; i < resampled_a.size(); ++i) {
    differences.push_back(resampled_b[i] - resampled_a[i]);
    result.wins_a += resampled_a[i] > resampled_b[i];
    result.wins_b += resampled_b[i] > resampled_a[i];
  }
  const int resamples = static_cast<int>(differences.size());
  result.ties = resamples - result.wins_a - result.wins_b;
  result.interval = percentile_interval(std::move(differences), options.confidence);
  if (result.difference != 0) {
    const int wins = result.difference > 0 ? result.wins_b : result.wins_a;
    result.p_value = (1.0 + resamples - wins) / (1.0 + resamples);
  }
  return result;
}

void check_pairs(size_t sentences_a, size_t sentences_b) {
  if (sentences_a != sentences_b)
    throw ValueError("bootstrap",
                     fmt::format("{} sentences of one system, {} of the other", sentences_a, sentences_b));
}

}  // namespace bootstrap_detail
}  // namespace heed::models
