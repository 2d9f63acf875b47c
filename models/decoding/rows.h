// The loop that greedy decoding and sampling share.
#pragma once

#include <utility>
#include <vector>

#include "models/decoding/strategies.h"

namespace heed::models {

/// A word and its log probability.
struct Choice {
  int id;                  // of the word
  double log_probability;  // natural
};

/// Appends what a row of a step looked at.
/// @param hypothesis of the row
/// @param step of all rows
/// @param row of the step
/// @param source_length columns that count
inline void append_attention(Hypothesis& hypothesis, const Decoding::Step& step, size_t row, int64_t source_length) {
  if (!step.weights.defined()) return;
  const int64_t maps = step.weights.size(1), S = step.weights.size(2);
  hypothesis.attention.resize(static_cast<size_t>(maps));
  for (int64_t m = 0; m < maps; ++m) {
    const float* const weights = step.weights.data<float>() + (static_cast<int64_t>(row) * maps + m) * S;
    hypothesis.attention[static_cast<size_t>(m)].emplace_back(weights, weights + source_length);
  }
}

/// One hypothesis a row until each has ended.
/// @param models on the batch
/// @param running empty hypotheses, a row each
/// @param limits of each row
/// @param options lengths, attention
/// @param raw as Ensemble::step takes it
/// @param choose (row of log probabilities or logits, V, hypothesis, may_end) -> Choice
template <class Choose>
void decode_rows(Ensemble& models, std::vector<Hypothesis*> running, std::vector<Limits> limits, const SearchOptions& options, bool raw,
                 const Choose& choose) {
  std::vector<int64_t> words(running.size(), Vocabulary::kBos);
  while (!running.empty()) {
    const Decoding::Step step = models.step(words, raw);
    const int64_t V = step.logits.size(1);
    std::vector<int64_t> kept;
    for (size_t row = 0; row < running.size(); ++row) {
      Hypothesis& result = *running[row];
      const bool may_end = static_cast<int64_t>(result.ids.size()) >= options.min_length;
      const Choice choice = choose(step.logits.data<float>() + static_cast<int64_t>(row) * V, V, result, may_end);
      result.score += choice.log_probability;
      if (options.keep_attention) append_attention(result, step, row, limits[row].source_length);
      if (choice.id == Vocabulary::kEos) {
        result.ended = true;
        continue;
      }
      result.ids.push_back(choice.id);
      if (static_cast<int64_t>(result.ids.size()) < limits[row].most) kept.push_back(static_cast<int64_t>(row));
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
