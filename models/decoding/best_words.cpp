#include "models/decoding/best_words.h"

#include <algorithm>

#include "models/decoding/strategies.h"

namespace heed::models {
namespace {

// The unit that an output has at a step; </s> after its end.
int unit_at(const FinishedOutput& output, size_t t) {
  return t < output.target.size() ? output.target[t] : static_cast<int>(Vocabulary::kEos);
}
size_t steps_of(const FinishedOutput& output) { return output.target.size() + (output.ended ? 1 : 0); }

}  // namespace

std::vector<std::vector<StepWords>> best_words(std::span<const TranslationModel* const> models,
                                               std::span<const FinishedOutput> outputs, int64_t count,
                                               int64_t batch_size) {
  const NoGradGuard no_grad;
  std::vector<std::vector<int>> sources;
  for (const FinishedOutput& output : outputs) sources.push_back(output.source);
  std::vector<std::vector<StepWords>> results(outputs.size());
  for (const std::vector<int64_t>& indices : batches_by_length(sources, batch_size)) {
    const Batch batch = make_source_batch(sources, indices);
    Ensemble ensemble(models, batch, /*attention=*/false);
    size_t longest = 0;
    for (const int64_t index : indices)
      longest = std::max(longest, steps_of(outputs[static_cast<size_t>(index)]));
    std::vector<int64_t> words(indices.size(), Vocabulary::kBos);
    for (size_t t = 0; t < longest; ++t) {  // rows that have ended go on with </s>, and nobody looks
      const Tensor logits = ensemble.step(words).logits;
      const IdRanges any = ensemble.allowed(/*may_end=*/true, logits.size(1));
      std::vector<IdRanges> written;
      std::vector<const IdRanges*> one, all(indices.size(), &any);
      for (size_t row = 0; row < indices.size(); ++row) {
        const int unit = unit_at(outputs[static_cast<size_t>(indices[row])], t);
        written.push_back({{unit, unit + 1}});
        words[row] = unit;
      }
      for (const IdRanges& ranges : written) one.push_back(&ranges);
      const auto best = most_probable(logits, count, all, ensemble.scale());
      const auto taken = most_probable(logits, 1, one, ensemble.scale());
      for (size_t row = 0; row < indices.size(); ++row) {
        const auto index = static_cast<size_t>(indices[row]);
        if (t < steps_of(outputs[index]))
          results[index].push_back({taken[row].front().log_probability, best[row]});
      }
    }
  }
  return results;
}

}  // namespace heed::models
