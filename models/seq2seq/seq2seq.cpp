#include "models/seq2seq/seq2seq.h"

#include <fmt/format.h>

#include <array>

#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

Tensor flatten(const Tensor& x) { return reshape(x, {x.size(0) * x.size(1), x.size(2)}); }

}  // namespace

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
    : TranslationModel((check(config), config)), encoder_(config, source_vocabulary), decoder_(config, target_vocabulary) {
  child("encoder", encoder_);
  child("decoder", decoder_);
  if (decoder_.has_attention()) maps_.push_back({});
}

Encoded Seq2Seq::encode(const Tensor& source, const Tensor& lengths) const {
  const LstmResult r = encoder_(source, lengths);
  return {decoder_.prepare(r.output, lengths), r.hidden, r.cell};
}

TranslationModel::Teacher Seq2Seq::teach(const Batch& batch, const Tensor& rows) const {
  const Encoded encoded = encode(batch.source, batch.source_lengths);
  const Decoder::States states = decoder_.run(encoded, batch.target_in, batch.target_lengths);
  const auto pick = [&](const Tensor& x) { return embedding(flatten(x), rows); };
  return {decoder_.readout(pick(states.hidden), pick(states.context), pick(states.embedded)),
          states.weights.defined() ? unsqueeze(states.weights, 1) : Tensor{}};
}

std::pair<Tensor, Tensor> Seq2Seq::vocabulary_weights() const { return {decoder_.projection().weight, decoder_.projection().bias}; }

namespace {

class Seq2SeqDecoding : public Decoding {
 public:
  Seq2SeqDecoding(const Seq2Seq& model, const Batch& batch)
      : decoder_(model.decoder()), encoded_(model.encode(batch.source, batch.source_lengths)), state_(decoder_.start(encoded_)) {}

  Step step(const Tensor& ids) override {
    const StepResult result = decoder_.step(encoded_, state_, ids);
    return {result.logits, result.weights.defined() ? unsqueeze(result.weights, 1) : Tensor{}};
  }

  void select(const std::vector<int64_t>& rows) override {
    for (Tensor* x : {&encoded_.memory.keys, &encoded_.memory.projected, &encoded_.memory.lengths, &encoded_.summary, &encoded_.cell,
                      &state_.hidden, &state_.cell, &state_.context}) {
      *x = take_rows(*x, rows);
    }
  }

 private:
  const Decoder& decoder_;
  Encoded encoded_;
  DecoderState state_;
};

}  // namespace

std::unique_ptr<Decoding> Seq2Seq::begin(const Batch& batch) const { return std::make_unique<Seq2SeqDecoding>(*this, batch); }

std::string Seq2Seq::describe() const {
  return fmt::format("{}, LSTM {}", config_.attention == "none" ? "no attention" : config_.attention + " attention",
                     config_.decoder_hidden);
}

}  // namespace heed::models
