// The decoding loop shared by greedy decoding and sampling.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "models/decoding/strategies.h"

namespace heed::models {

/// A chosen word and its log probability.
using Choice = ProbableId;

/// Appends the attention weights of one row of a step to its hypothesis.
/// @param hypothesis hypothesis of the row
/// @param step result of the step for all rows
/// @param row index of the row in the step
/// @param source_length number of columns that are not padding
inline void append_attention(Hypothesis& hypothesis, const Decoding::Step& step, size_t row,
                             int64_t source_length) {
  if (!step.weights.defined()) return;
  const int64_t maps = step.weights.size(1), S = step.weights.size(2);
  hypothesis.attention.resize(static_cast<size_t>(maps));
  for (int64_t m = 0; m < maps; ++m) {
    const float* const weights = step.weights.data<float>() + (static_cast<int64_t>(row) * maps + m) * S;
    hypothesis.attention[static_cast<size_t>(m)].emplace_back(weights, weights + source_length);
  }
}

/// Decodes one hypothesis per row until every hypothesis has ended or reached its length limit.
/// @param models the models, started on the batch
/// @param running empty hypotheses, one per row
/// @param limits limits of each row
/// @param options length limits, attention
/// @param choose function that chooses the next word of each row: (what Ensemble::step gives [B, V], the ids
///   allowed in each row, hypotheses) -> one Choice a row
template <class Choose>
void decode_rows(Ensemble& models, std::vector<Hypothesis*> running, std::vector<Limits> limits,
                 const SearchOptions& options, const Choose& choose) {
  std::vector<int64_t> words(running.size(), Vocabulary::kBos);
  while (!running.empty()) {
    const Decoding::Step step = models.step(words);
    const int64_t V = step.logits.size(1);
    const IdRanges ranges[] = {models.allowed(/*may_end=*/false, V), models.allowed(/*may_end=*/true, V)};
    std::vector<const IdRanges*> allowed;
    for (const Hypothesis* result : running)
      allowed.push_back(&ranges[static_cast<int64_t>(result->ids.size()) >= options.min_length]);
    const std::vector<Choice> choices = choose(step.logits, allowed, running);
    std::vector<int64_t> kept;
    for (size_t row = 0; row < running.size(); ++row) {
      Hypothesis& result = *running[row];
      const bool full =
          limits[row].end && static_cast<int64_t>(result.ids.size()) >= limits[row].most;  // </s> is due
      const Choice choice = full ? Choice{Vocabulary::kEos, 0} : choices[row];
      result.score += choice.log_probability;
      if (options.keep_attention) append_attention(result, step, row, limits[row].source_length);
      if (choice.id == Vocabulary::kEos) {
        result.ended = true;
        continue;
      }
      result.ids.push_back(choice.id);
      if (static_cast<int64_t>(result.ids.size()) < limits[row].most || limits[row].end)
        kept.push_back(static_cast<int64_t>(row));
    }
    if (kept.empty()) return;
    if (kept.size() != running.size()) {
      models.select(kept);
      for (size_t i = 0; i < kept.size(); ++i) {
        running[i] = running[static_cast<size_t>(kept[i])];
        limits[i] = limits[static_cast<size_t>(kept[i])];
      }
      running.resize(kept.size());
      limits.resize(kept.size());
    }
    words.clear();
    for (const Hypothesis* hypothesis : running) words.push_back(hypothesis->ids.back());
  }
}

}  // namespace heed::models
