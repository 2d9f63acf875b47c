#include "models/metrics/loss.h"

#include <algorithm>

namespace heed::models {

double corpus_loss(const TranslationModel& model, std::span<const EncodedPair> pairs, int64_t batch_size) {
  const NoGradGuard no_grad;
  double total = 0;
  int64_t tokens = 0;
  for (const std::vector<int64_t>& indices : epoch_batches(pairs, batch_size, 0, 0)) {
    const Batch batch = make_batch(pairs, indices);
    total += model.loss(batch, 0).item() * static_cast<double>(batch.target_tokens);
    tokens += batch.target_tokens;
  }
  return total / static_cast<double>(std::max<int64_t>(tokens, 1));
}

}  // namespace heed::models
