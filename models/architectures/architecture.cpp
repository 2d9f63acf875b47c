#include "models/architectures/architecture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "models/architectures/recurrent/recurrent.h"
#include "models/architectures/transformer/transformer.h"

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

void check_one_of(const char* name, const std::string& value, const std::vector<std::string>& known) {
  std::string all;
  for (const std::string& k : known) {
    if (value == k) return;
    all += (all.empty() ? "" : ", ") + k;
  }
  throw ValueError(fmt::format("{}: '{}' is not known ({})", name, value, all));
}

}  // namespace

void check(const ModelConfig& c) {
  check_one_of("architecture", c.architecture, {"recurrent", "transformer"});
  std::vector<std::string> attentions = nn::attention_kinds();
  attentions.insert(attentions.begin(), {"none", "none_state"});
  check_one_of("attention", c.attention, attentions);
  check_one_of("cell", c.cell, {"lstm", "gru"});
  check_one_of("positions", c.positions, {"sinusoidal", "learned", "rotary"});
  check_one_of("norm", c.norm, {"pre", "post"});
  check_one_of("tie", c.tie, {"none", "output", "all"});
  constexpr int64_t kMost = 1'000'000'000, kMostLayers = 1000;  // a mistyped number of layers would be built until memory ends
  const std::pair<const char*, int64_t> sizes[] = {{"embedding", c.embedding},
                                                   {"encoder-hidden", c.encoder_hidden},
                                                   {"encoder-layers", c.encoder_layers},
                                                   {"decoder-hidden", c.decoder_hidden},
                                                   {"attention-size", c.attention_size},
                                                   {"readout", c.readout},
                                                   {"decoder-layers", c.decoder_layers},
                                                   {"model-size", c.model_size},
                                                   {"feed-forward", c.feed_forward},
                                                   {"heads", c.heads},
                                                   {"max-positions", c.max_positions},
                                                   {"attention-window", c.attention_window},
                                                   {"attention-max-source", c.attention_max_source}};
  for (const auto& [name, value] : sizes) {
    const int64_t most = std::string_view(name).ends_with("-layers") ? kMostLayers : kMost;
    if (value < 1) throw ValueError(fmt::format("{}: must be at least 1, got {}", name, value));
    if (value > most) throw ValueError(fmt::format("{}: must be at most {}, got {}", name, most, value));
  }
  if (!(c.dropout >= 0 && c.dropout < 1)) throw ValueError(fmt::format("dropout: {} is outside [0, 1)", c.dropout));
  if (c.architecture == "transformer" && c.model_size % c.heads != 0)
    throw ValueError(fmt::format("heads: {} do not divide a model-size of {}", c.heads, c.model_size));
  if (c.architecture == "transformer" && c.positions == "rotary" && c.model_size / c.heads % 2 != 0) {
    throw ValueError(fmt::format("positions: rotary needs an even size a head, got {} in {} heads", c.model_size, c.heads));
  }
  if (const auto with = nn::coverage_kinds(); c.coverage && std::ranges::find(with, c.attention) == with.end()) {
    throw ValueError(fmt::format("coverage: {} attention has none (these have: {})", c.attention, fmt::join(with, ", ")));
  }
  if (c.architecture == "recurrent" && c.attention == "multi_head" && c.attention_size % c.heads != 0) {
    throw ValueError(fmt::format("heads: {} do not divide an attention-size of {}", c.heads, c.attention_size));
  }
  if (c.architecture == "recurrent" && c.tie != "none" && c.readout != c.embedding) {
    throw ValueError(fmt::format("tie: '{}' needs a readout of the embedding's size, got {} and {}", c.tie, c.readout, c.embedding));
  }
}

void check(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary) {
  check(config);
  if (config.tie == "all" && source_vocabulary != target_vocabulary) {
    throw ValueError(fmt::format("tie: 'all' needs one vocabulary for both sides (joint subwords), got {} and {} entries",
                                 source_vocabulary, target_vocabulary));
  }
}

Tensor TranslationModel::loss(const Batch& batch, double label_smoothing) const {
  const auto [rows, targets] = token_rows(batch);
  const auto [weight, bias] = vocabulary_weights();
  return linear_cross_entropy(teach(batch, rows).rows, weight, bias, targets, {.label_smoothing = label_smoothing});
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
  throw ValueError(fmt::format("self-attention: '{}' has none", describe()));
}

int64_t TranslationModel::longest_source() const {
  const bool bounded = config_.architecture == "transformer" && config_.positions == "learned";
  return bounded ? config_.max_positions : std::numeric_limits<int64_t>::max();
}

Tensor take_rows(const Tensor& x, const std::vector<int64_t>& rows) {
  if (!x.defined()) return x;
  const auto n = static_cast<int64_t>(rows.size());
  if (x.dtype() == DType::i64) {
    std::vector<int64_t> values;
    for (const int64_t row : rows) values.push_back(x.data<int64_t>()[row]);
    return from_vector(values, {n});
  }
  Shape shape = x.shape();
  const Tensor flat = reshape(x, {shape[0], shape[0] == 0 ? 0 : x.numel() / shape[0]});
  shape[0] = n;
  return reshape(embedding(flat, from_vector(rows, {n})), shape);
}

std::unique_ptr<TranslationModel> make_model(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary) {
  check(config);
  if (config.architecture == "transformer") return std::make_unique<Transformer>(config, source_vocabulary, target_vocabulary);
  return std::make_unique<Seq2Seq>(config, source_vocabulary, target_vocabulary);
}

}  // namespace heed::models
