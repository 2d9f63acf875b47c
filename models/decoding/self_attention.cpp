#include "models/decoding/self_attention.h"

namespace heed::models {
namespace {

// Row `row` of weights [B, maps, N, N] as maps, cut to the first `length` rows and columns.
std::vector<std::vector<std::vector<float>>> square_maps(const Tensor& weights, size_t row, size_t length) {
  const int64_t maps = weights.size(1), N = weights.size(2);
  std::vector<std::vector<std::vector<float>>> result(static_cast<size_t>(maps));
  for (int64_t m = 0; m < maps; ++m) {
    const float* at = weights.data<float>() + (static_cast<int64_t>(row) * maps + m) * N * N;
    for (size_t i = 0; i < length; ++i, at += N) result[static_cast<size_t>(m)].emplace_back(at, at + length);
  }
  return result;
}

}  // namespace

std::vector<SelfAttentionMaps> self_attention(const TranslationModel& model,
                                              std::span<const EncodedPair> pairs, int64_t batch_size) {
  const NoGradGuard no_grad;
  std::vector<std::vector<int>> sources;
  for (const EncodedPair& pair : pairs) sources.push_back(pair.source);
  std::vector<SelfAttentionMaps> results(pairs.size());
  for (const std::vector<int64_t>& indices : batches_by_length(sources, batch_size)) {
    const TranslationModel::SelfAttention seen = model.self_attention(make_batch(pairs, indices));
    for (size_t row = 0; row < indices.size(); ++row) {
      const EncodedPair& pair = pairs[static_cast<size_t>(indices[row])];
      results[static_cast<size_t>(indices[row])] = {square_maps(seen.encoder, row, pair.source.size()),
                                                    square_maps(seen.decoder, row, pair.target.size() + 1)};
    }
  }
  return results;
}

}  // namespace heed::models
