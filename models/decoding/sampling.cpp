#include <algorithm>
#include <cmath>
#include <numeric>

#include "framework/core/random.h"
#include "models/decoding/rows.h"

namespace heed::models {
namespace {

Choice sample_word(const float* log_probabilities, const IdRanges& allowed, const SearchOptions& options,
                   Generator& random) {
  std::vector<std::pair<double, int>> candidates;  // log probability at the temperature, id
  for (const auto& [first, end] : allowed) {
    for (int v = first; v < end; ++v)
      candidates.emplace_back(static_cast<double>(log_probabilities[v]) / options.temperature, v);
  }
  std::sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  if (options.top_k > 0) candidates.resize(std::min(candidates.size(), static_cast<size_t>(options.top_k)));
  const double most = candidates.front().first;
  std::vector<double> weights;
  for (const auto& candidate : candidates) weights.push_back(std::exp(candidate.first - most));
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (options.top_p < 1) {
    double kept = 0;
    size_t n = 0;
    while (n < weights.size() && kept < options.top_p * total) kept += weights[n++];
    weights.resize(n);
    total = kept;
  }
  double at = static_cast<double>(random.next_below(uint64_t{1} << 53)) / 9007199254740992.0 * total;
  size_t i = 0;
  while (i + 1 < weights.size() && at >= weights[i]) at -= weights[i++];
  return {candidates[i].second, static_cast<double>(log_probabilities[candidates[i].second])};
}

}  // namespace

void decode_by_sampling(Ensemble& models, const std::vector<Hypothesis*>& running,
                        const std::vector<Limits>& limits, const SearchOptions& options,
                        std::span<const uint64_t> seeds) {
  std::vector<std::pair<const Hypothesis*, Generator>> streams;
  for (size_t i = 0; i < running.size(); ++i) streams.emplace_back(running[i], Generator(seeds[i]));
  decode_rows(
      models, running, limits, options,
      [&](const Tensor& logits, std::span<const IdRanges* const> allowed,
          std::span<Hypothesis* const> results) {
        const Tensor log_probabilities = models.scale() == Scale::logits ? log_softmax(logits) : logits;
        std::vector<Choice> choices;
        for (size_t row = 0; row < results.size(); ++row) {
          const auto stream = std::ranges::find(streams, results[row], [](const auto& s) { return s.first; });
          choices.push_back(
              sample_word(log_probabilities.data<float>() + static_cast<int64_t>(row) * logits.size(1),
                          *allowed[row], options, stream->second));
        }
        return choices;
      });
}

}  // namespace heed::models
