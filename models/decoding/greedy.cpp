#include "models/decoding/rows.h"

namespace heed::models {

void decode_greedily(Ensemble& models, std::vector<Hypothesis*> running, std::vector<Limits> limits,
                     const SearchOptions& options) {
  decode_rows(
      models, std::move(running), std::move(limits), options,
      [&](const Tensor& logits, std::span<const IdRanges* const> allowed, std::span<Hypothesis* const>) {
        std::vector<Choice> choices;
        for (const std::vector<ProbableId>& best : most_probable(logits, 1, allowed, models.scale()))
          choices.push_back(best.front());
        return choices;
      });
}

}  // namespace heed::models
