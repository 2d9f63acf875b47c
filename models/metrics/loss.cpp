#include "models/metrics/loss.h"

#include <algorithm>
#include <array>

namespace heed::models {

double corpus_loss(const TranslationModel& model, std::span<const EncodedPair> pairs, int64_t batch_size,
                   Ranks* ranks) {
  const NoGradGuard no_grad;
  std::array<double, 2> sums{};  // of the loss, and of the tokens
  int64_t turn = 0;
  for (const std::vector<int64_t>& indices : epoch_batches(pairs, batch_size, 0, 0)) {
    if (ranks && turn++ % ranks->size() != ranks->rank()) continue;
    const Batch batch = make_batch(pairs, indices);
    sums[0] += model.loss(batch, 0).item() * static_cast<double>(batch.target_tokens);
    sums[1] += static_cast<double>(batch.target_tokens);
  }
  if (ranks) ranks->sum(sums);
  return sums[0] / std::max(sums[1], 1.0);
}

}  // namespace heed::models
