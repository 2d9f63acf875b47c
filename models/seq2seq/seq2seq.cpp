#include "models/seq2seq/seq2seq.h"

#include <fmt/format.h>

#include <array>

#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

Tensor flatten(const Tensor& x) { return reshape(x, {x.size(0) * x.size(1), x.size(2)}); }

}  // namespace

void check(const ModelConfig& config) {
  if (config.attention != "none" && config.attention != "additive") {
    throw ValueError(fmt::format("attention: '{}' is not known (none, additive)", config.attention));
  }
  const std::pair<const char*, int64_t> sizes[] = {{"embedding", config.embedding},           {"encoder-hidden", config.encoder_hidden},
                                                   {"encoder-layers", config.encoder_layers}, {"decoder-hidden", config.decoder_hidden},
                                                   {"attention-size", config.attention_size}, {"readout", config.readout}};
  for (const auto& [name, value] : sizes) {
    if (value < 1) throw ValueError(fmt::format("{}: must be at least 1, got {}", name, value));
  }
  if (!(config.dropout >= 0 && config.dropout < 1)) throw ValueError(fmt::format("dropout: {} is outside [0, 1)", config.dropout));
}

Encoder::Encoder(const ModelConfig& config, int64_t vocabulary)
    : embedding_(vocabulary, config.embedding, Vocabulary::kPad),
      dropout_(config.dropout),
      lstm_(config.embedding, config.encoder_hidden, {.layers = config.encoder_layers, .bidirectional = true, .dropout = config.dropout}) {
  child("embedding", embedding_);
  child("dropout", dropout_);
  child("lstm", lstm_);
}

LstmResult Encoder::operator()(const Tensor& source, const Tensor& lengths) const { return lstm_(dropout_(embedding_(source)), lengths); }

std::unique_ptr<nn::Attention> make_attention(const std::string& kind, int64_t query_size, int64_t key_size, int64_t attention_size) {
  if (kind == "none") return nullptr;
  if (kind == "additive") return std::make_unique<nn::AdditiveAttention>(query_size, key_size, attention_size);
  throw ValueError(fmt::format("attention: '{}' is not known (none, additive)", kind));
}

Decoder::Decoder(const ModelConfig& config, int64_t vocabulary)
    : embedding_(vocabulary, config.embedding, Vocabulary::kPad),
      dropout_(config.dropout),
      cell_(config.embedding + 2 * config.encoder_hidden, config.decoder_hidden),
      init_hidden_(2 * config.encoder_hidden, config.decoder_hidden),
      init_cell_(2 * config.encoder_hidden, config.decoder_hidden),
      readout_(config.decoder_hidden + 2 * config.encoder_hidden + config.embedding, config.readout),
      projection_(config.readout, vocabulary),
      attention_(make_attention(config.attention, config.decoder_hidden, 2 * config.encoder_hidden, config.attention_size)) {
  child("embedding", embedding_);
  child("dropout", dropout_);
  child("cell", cell_);
  child("init_hidden", init_hidden_);
  child("init_cell", init_cell_);
  child("readout", readout_);
  child("projection", projection_);
  if (attention_) child("attention", *attention_);
}

nn::Attention::Memory Decoder::prepare(const Tensor& keys, const Tensor& lengths) const {
  return attention_ ? attention_->prepare(keys, lengths) : nn::Attention::Memory{keys, {}, lengths};
}

DecoderState Decoder::start(const Encoded& encoded) const {
  // With attention nothing was seen before the first step.
  const Tensor context = attention_ ? zeros(encoded.summary.shape(), encoded.summary.dtype()) : encoded.summary;
  return {tanh(init_hidden_(encoded.summary)), init_cell_(encoded.cell), context};
}

StepResult Decoder::step(const Encoded& encoded, DecoderState& state, const Tensor& ids) const {
  const Tensor embedded = dropout_(embedding_(ids));  // [B, D]
  const Tensor input = unsqueeze(concat(std::array{embedded, state.context}, 1), 1);
  const LstmResult next = cell_(input, {}, state.hidden, state.cell);
  state.hidden = next.hidden;
  state.cell = next.cell;
  StepResult result;
  if (attention_) {
    const nn::Attention::Output seen = attention_->attend(next.output, encoded.memory);
    state.context = squeeze(seen.context, 1);
    result.weights = squeeze(seen.weights, 1);
  }
  result.logits = projection_(readout(state.hidden, state.context, embedded));
  return result;
}

Decoder::States Decoder::run(const Encoded& encoded, const Tensor& target_in, const Tensor& target_lengths) const {
  const Tensor embedded = dropout_(embedding_(target_in));
  const DecoderState first = start(encoded);
  if (!attention_) {
    const int64_t B = target_in.size(0), T = target_in.size(1), E = encoded.summary.size(1);
    const Tensor context = expand(unsqueeze(encoded.summary, 1), {B, T, E});
    const Tensor input = concat(std::array{embedded, context}, 2);
    return {embedded, cell_(input, target_lengths, first.hidden, first.cell).output, context, {}};
  }
  if (const auto* additive = dynamic_cast<const nn::AdditiveAttention*>(attention_.get())) {
    const AttentionLstmResult r =
        attention_lstm(embedded, target_lengths, encoded.memory.keys, encoded.memory.projected, encoded.memory.lengths, first.hidden,
                       first.cell, cell_.weight_ih, cell_.weight_hh, cell_.bias, additive->query_proj.weight, additive->energy);
    return {embedded, r.hidden, r.context, r.weights};
  }
  return run_stepwise(encoded, target_in);
}

Decoder::States Decoder::run_stepwise(const Encoded& encoded, const Tensor& target_in) const {
  const Tensor embedded = dropout_(embedding_(target_in));
  DecoderState state = start(encoded);
  std::vector<Tensor> hidden, context, weights;
  for (int64_t t = 0; t < target_in.size(1); ++t) {
    const Tensor input = unsqueeze(concat(std::array{select(embedded, 1, t), state.context}, 1), 1);
    const LstmResult next = cell_(input, {}, state.hidden, state.cell);
    state.hidden = next.hidden;
    state.cell = next.cell;
    if (attention_) {
      const nn::Attention::Output seen = attention_->attend(next.output, encoded.memory);
      state.context = squeeze(seen.context, 1);
      weights.push_back(squeeze(seen.weights, 1));
    }
    hidden.push_back(state.hidden);
    context.push_back(state.context);
  }
  return {embedded, stack(hidden, 1), stack(context, 1), weights.empty() ? Tensor{} : stack(weights, 1)};
}

Tensor Decoder::readout(const Tensor& hidden, const Tensor& context, const Tensor& embedded) const {
  return dropout_(tanh(readout_(concat(std::array{hidden, context, embedded}, 1))));
}

Seq2Seq::Seq2Seq(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary)
    : config_((check(config), config)), encoder_(config, source_vocabulary), decoder_(config, target_vocabulary) {
  child("encoder", encoder_);
  child("decoder", decoder_);
}

Encoded Seq2Seq::encode(const Tensor& source, const Tensor& lengths) const {
  const LstmResult r = encoder_(source, lengths);
  return {decoder_.prepare(r.output, lengths), r.hidden, r.cell};
}

Tensor Seq2Seq::token_rows(const Batch& batch) const {
  const int64_t T = batch.target_out.size(1);
  std::vector<int64_t> rows;
  rows.reserve(static_cast<size_t>(batch.target_tokens));
  for (int64_t b = 0; b < batch.target_out.size(0); ++b) {
    for (int64_t t = 0; t < batch.target_lengths.data<int64_t>()[b]; ++t) rows.push_back(b * T + t);
  }
  return from_vector(rows, {static_cast<int64_t>(rows.size())});
}

Tensor Seq2Seq::loss(const Batch& batch, double label_smoothing) const {
  const Encoded encoded = encode(batch.source, batch.source_lengths);
  const Decoder::States states = decoder_.run(encoded, batch.target_in, batch.target_lengths);
  const Tensor rows = token_rows(batch);
  const auto pick = [&](const Tensor& x) { return embedding(flatten(x), rows); };
  std::vector<int64_t> targets;
  for (const int64_t row : rows.to_vector<int64_t>()) targets.push_back(batch.target_out.data<int64_t>()[row]);
  const Tensor ids = from_vector(targets, {static_cast<int64_t>(targets.size())});
  const Tensor out = decoder_.readout(pick(states.hidden), pick(states.context), pick(states.embedded));
  return linear_cross_entropy(out, decoder_.projection().weight, decoder_.projection().bias, ids, {.label_smoothing = label_smoothing});
}

Seq2Seq::Forced Seq2Seq::forced(const Batch& batch) const {
  const Encoded encoded = encode(batch.source, batch.source_lengths);
  const Decoder::States states = decoder_.run(encoded, batch.target_in, batch.target_lengths);
  const Tensor out = decoder_.readout(flatten(states.hidden), flatten(states.context), flatten(states.embedded));
  const Tensor scores = log_softmax(decoder_.projection()(out));
  const int64_t B = batch.target_out.size(0), T = batch.target_out.size(1), V = scores.size(1);
  Tensor picked = zeros({B, T});
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t t = 0; t < batch.target_lengths.data<int64_t>()[b]; ++t) {
      const int64_t i = b * T + t;
      picked.data<float>()[i] = scores.data<float>()[i * V + batch.target_out.data<int64_t>()[i]];
    }
  }
  return {picked, states.weights};
}

std::string Seq2Seq::describe() const {
  return fmt::format("{}, LSTM {}", config_.attention == "none" ? "no attention" : config_.attention + " attention",
                     config_.decoder_hidden);
}

}  // namespace heed::models
