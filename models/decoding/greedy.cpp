#include <algorithm>
#include <cmath>

#include "models/decoding/rows.h"

namespace heed::models {
namespace {

// The best word of one row of logits, and its log probability.
Choice best_word(const float* logits, int64_t V, const Ensemble::Ranges& allowed) {
  const float* best = logits + allowed.front().first;
  for (const auto& [first, end] : allowed) {
    const float* const found = std::max_element(logits + first, logits + end);
    if (*found > *best) best = found;
  }
  const bool all = allowed.size() == 1 && allowed.front() == std::pair(kFirstOutput, static_cast<int>(V));
  const float most = all ? *best : *std::max_element(logits + kFirstOutput, logits + V);
  double total = 0;
  for (int64_t v = 0; v < V; ++v) total += std::exp(static_cast<double>(logits[v] - most));
  return {static_cast<int>(best - logits), static_cast<double>(*best - most) - std::log(total)};
}

}  // namespace

void decode_greedily(Ensemble& models, std::vector<Hypothesis*> running, std::vector<Limits> limits,
                     const SearchOptions& options, bool raw) {
  decode_rows(models, std::move(running), std::move(limits), options, raw,
              [](const float* logits, int64_t V, const Hypothesis&, const Ensemble::Ranges& allowed) {
                return best_word(logits, V, allowed);
              });
}

}  // namespace heed::models
