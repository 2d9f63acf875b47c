#include "models/metrics/attention_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "framework/core/error.h"

namespace heed::models {
namespace {

void check(std::span<const float> row) {
  for (const float weight : row)
    if (!(weight >= 0 && std::isfinite(weight)))
      throw ValueError("attention", fmt::format("a weight is {}", weight));
}

void check(const std::vector<std::vector<float>>& weights) {
  for (size_t t = 0; t < weights.size(); ++t) {
    if (weights[t].size() != weights[0].size()) {
      throw ShapeError("attention", fmt::format("row 1 has {} weights, row {} has {}", weights[0].size(),
                                                t + 1, weights[t].size()));
    }
    check(weights[t]);
  }
}

double ratio(double part, int64_t whole) { return whole == 0 ? 0 : part / static_cast<double>(whole); }

}  // namespace

double attention_entropy(std::span<const float> row, EntropyUnit unit) {
  check(row);
  double entropy = 0;
  for (const float weight : row)
    if (weight > 0) entropy -= static_cast<double>(weight) * std::log(static_cast<double>(weight));
  if (unit == EntropyUnit::nats) return entropy;
  return row.size() < 2 ? 0 : entropy / std::log(static_cast<double>(row.size()));
}

std::vector<double> attention_entropies(const std::vector<std::vector<float>>& weights, EntropyUnit unit) {
  check(weights);
  std::vector<double> entropies;
  for (const auto& row : weights) entropies.push_back(attention_entropy(row, unit));
  return entropies;
}

std::vector<double> attention_coverage(const std::vector<std::vector<float>>& weights) {
  check(weights);
  std::vector<double> coverage(weights.empty() ? 0 : weights[0].size());
  for (const auto& row : weights)
    for (size_t s = 0; s < row.size(); ++s) coverage[s] += static_cast<double>(row[s]);
  return coverage;
}

int64_t uncovered_words(std::span<const double> coverage, double threshold) {
  return std::ranges::count_if(coverage, [&](double c) { return c < threshold; });
}

AttentionStatistics& AttentionStatistics::operator+=(const AttentionStatistics& other) {
  target_words += other.target_words;
  source_words += other.source_words;
  uncovered += other.uncovered;
  entropy_sum += other.entropy_sum;
  normalised_entropy_sum += other.normalised_entropy_sum;
  return *this;
}

double AttentionStatistics::mean_entropy() const { return ratio(entropy_sum, target_words); }
double AttentionStatistics::mean_normalised_entropy() const {
  return ratio(normalised_entropy_sum, target_words);
}
double AttentionStatistics::uncovered_share() const {
  return ratio(static_cast<double>(uncovered), source_words);
}

AttentionStatistics attention_statistics(const std::vector<std::vector<float>>& weights, double threshold) {
  const std::vector<double> coverage = attention_coverage(weights), nats = attention_entropies(weights),
                            normalised = attention_entropies(weights, EntropyUnit::normalised);
  AttentionStatistics result;
  result.target_words = static_cast<int64_t>(weights.size());
  result.source_words = static_cast<int64_t>(coverage.size());
  result.uncovered = uncovered_words(coverage, threshold);
  result.entropy_sum = std::accumulate(nats.begin(), nats.end(), 0.0);
  result.normalised_entropy_sum = std::accumulate(normalised.begin(), normalised.end(), 0.0);
  return result;
}

}  // namespace heed::models
