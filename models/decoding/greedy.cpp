#include <algorithm>
#include <cmath>

#include "models/decoding/rows.h"

namespace heed::models {
namespace {

// The best word of one row of logits, and its log probability.
Choice best_word(const float* logits, int64_t V, bool may_end) {
  const float* const best =
      std::max_element(logits + (may_end ? kFirstOutput : kFirstOutput + 1), logits + V);
  const float most = may_end ? *best : *std::max_element(logits + kFirstOutput, logits + V);
  double total = 0;
  for (int64_t v = 0; v < V; ++v) total += std::exp(static_cast<double>(logits[v] - most));
  return {static_cast<int>(best - logits), static_cast<double>(*best - most) - std::log(total)};
}

}  // namespace

void decode_greedily(Ensemble& models, std::vector<Hypothesis*> running, std::vector<Limits> limits,
                     const SearchOptions& options, bool raw) {
  decode_rows(models, std::move(running), std::move(limits), options, raw,
              [](const float* logits, int64_t V, const Hypothesis&, bool may_end) {
                return best_word(logits, V, may_end);
              });
}

}  // namespace heed::models
