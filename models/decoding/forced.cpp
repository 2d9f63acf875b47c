#include "models/decoding/forced.h"

namespace heed::models {

std::vector<Hypothesis> forced_decoding(const TranslationModel& model, std::span<const EncodedPair> pairs,
                                        int64_t batch_size) {
  const NoGradGuard no_grad;
  std::vector<std::vector<int>> sources;
  for (const EncodedPair& pair : pairs) sources.push_back(pair.source);
  std::vector<Hypothesis> results(pairs.size());
  for (const std::vector<int64_t>& indices : batches_by_length(sources, batch_size)) {
    const Batch batch = make_batch(pairs, indices);
    const TranslationModel::Forced forced = model.forced(batch);
    const int64_t T = batch.target_out.size(1);
    for (size_t row = 0; row < indices.size(); ++row) {
      const EncodedPair& pair = pairs[static_cast<size_t>(indices[row])];
      const auto length = static_cast<int64_t>(pair.target.size()) + 1;
      Hypothesis& result = results[static_cast<size_t>(indices[row])];
      result.ids = pair.target;
      result.ended = true;
      for (int64_t t = 0; t < length; ++t) {
        result.score +=
            static_cast<double>(forced.log_probabilities.data<float>()[static_cast<int64_t>(row) * T + t]);
      }
      if (!forced.weights.defined()) continue;
      const int64_t maps = forced.weights.size(1), S = forced.weights.size(3);
      result.attention.resize(static_cast<size_t>(maps));
      for (int64_t m = 0; m < maps; ++m) {
        for (int64_t t = 0; t < length; ++t) {
          const float* const weights =
              forced.weights.data<float>() + ((static_cast<int64_t>(row) * maps + m) * T + t) * S;
          result.attention[static_cast<size_t>(m)].emplace_back(weights, weights + pair.source.size());
        }
      }
    }
  }
  return results;
}

}  // namespace heed::models
