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

const Tensor& TranslationModel::map_of(const Teacher& taught, int layer) const {
  if (layer < 0 || layer >= static_cast<int>(taught.weights.size())) {
    throw ValueError("attention", has_attention() ? fmt::format("there is no layer {}: '{}' has {}", layer,
                                                                describe(), maps_.back().layer + 1)
                                                  : fmt::format("'{}' has none", describe()));
  }
  return taught.weights[static_cast<size_t>(layer)];
}

TranslationModel::Losses TranslationModel::losses(const Batch& batch, double label_smoothing,
                                                  AttentionMap map) const {
  const auto [rows, targets] = token_rows(batch);
  const Teacher taught = teach(batch, rows);
  const auto [weight, bias] = vocabulary_weights();
  Losses result{
      linear_cross_entropy(taught.rows, weight, bias, targets, {.label_smoothing = label_smoothing}), {}};
  const Tensor& heads = map_of(taught, map.layer);
  if (map.head < 0 || map.head >= heads.size(1))
    throw ValueError("attention", fmt::format("layer {} has {} heads, there is no head {}", map.layer,
                                              heads.size(1), map.head));
  if (batch.linked.defined()) result.alignment = guided_alignment_loss(select(heads, 1, map.head), batch);
  return result;
}

Tensor TranslationModel::layer_attention(const Batch& batch, int layer) const {
  return mean(map_of(teach(batch, zeros({1}, DType::i64)), layer), {1});
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
  return {picked, taught.weights.empty() ? Tensor{} : concat(taught.weights, 1)};
}

TranslationModel::SelfAttention TranslationModel::self_attention(const Batch&) const {
  throw ValueError("self-attention", fmt::format("'{}' has none", describe()));
}

std::vector<TranslationModel::LayerVectors> TranslationModel::attention_vectors(const Batch&) { return {}; }

Tensor guided_alignment_loss(const Tensor& weights, const Batch& batch) {
  if (!batch.linked.defined()) throw ValueError("guided_alignment_loss", "the batch has no links");
  const Tensor followed = index_select(reshape(weights, {weights.numel()}), 0, batch.linked),
               parts = log(followed + 1e-9) * batch.link_shares.to(weights.dtype());
  return sum(parts) / -static_cast<double>(batch.linked_tokens);
}

Tensor take_rows(const Tensor& x, const std::vector<int64_t>& rows) {
  return x.defined() ? index_select(x, 0, from_vector(rows, {static_cast<int64_t>(rows.size())})) : x;
}

}  // namespace heed::models
