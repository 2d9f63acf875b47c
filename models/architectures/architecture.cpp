#include "models/architectures/architecture.h"

#include <fmt/format.h>

namespace heed::models {
namespace {

// Positions b * T + t that are not padding, and their targets.
std::pair<Tensor, Tensor> token_rows(const Batch& batch) {
  const int64_t T = batch.target_out.size(1);
  std::vector<int64_t> rows, targets;
  rows.reserve(static_cast<size_t>(batch.target_tokens));
  for (int64_t b = 0; b < batch.target_out.size(0); ++b) {
    for (int64_t t = 0; t < batch.target_lengths.data<int64_t>()[b]; ++t) {
      rows.push_back(b * T + t);
      targets.push_back(batch.target_out.data<int64_t>()[rows.back()]);
    }
  }
  const auto n = static_cast<int64_t>(rows.size());
  return {from_vector(rows, {n}), from_vector(targets, {n})};
}

}  // namespace

Tensor TranslationModel::loss(const Batch& batch, double label_smoothing) const {
  const auto [rows, targets] = token_rows(batch);
  const auto [weight, bias] = vocabulary_weights();
  return linear_cross_entropy(teach(batch, rows).rows, weight, bias, targets,
                              {.label_smoothing = label_smoothing});
}

TranslationModel::Forced TranslationModel::forced(const Batch& batch) const {
  const auto [rows, targets] = token_rows(batch);
  const Teacher taught = teach(batch, rows);
  const auto [weight, bias] = vocabulary_weights();
  const Tensor scores = log_softmax(linear(taught.rows, weight, bias));
  const Tensor picked = zeros(batch.target_out.shape());
  const int64_t V = scores.size(1);
  for (int64_t i = 0; i < rows.numel(); ++i) {
    picked.data<float>()[rows.data<int64_t>()[i]] = scores.data<float>()[i * V + targets.data<int64_t>()[i]];
  }
  return {picked, taught.weights};
}

TranslationModel::SelfAttention TranslationModel::self_attention(const Batch&) const {
  throw ValueError("self-attention", fmt::format("'{}' has none", describe()));
}

std::vector<TranslationModel::LayerVectors> TranslationModel::attention_vectors(const Batch&) { return {}; }

Tensor take_rows(const Tensor& x, const std::vector<int64_t>& rows) {
  return x.defined() ? index_select(x, 0, from_vector(rows, {static_cast<int64_t>(rows.size())})) : x;
}

}  // namespace heed::models
