#include "models/architectures/recurrent/recurrent.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

bool attends(const RecurrentOptions& options) {
  return options.attention != "none" && options.attention != "none_state";
}

int64_t memory_size(const RecurrentOptions& options) {
  return (options.bidirectional ? 2 : 1) * options.encoder_hidden;
}

// Whether a context is part of the decoder's next input: without attention always.
bool sees_context(const RecurrentOptions& options) { return options.input_feeding || !attends(options); }
int64_t cell_input_size(const RecurrentOptions& options) {
  return options.embedding + (sees_context(options) ? memory_size(options) : 0);
}

// Word vectors; `table` [V, D] when another layer owns them. A table that is a projection to the vocabulary
// too starts small enough for that, and its rows are scaled up on the way in (Vaswani et al. 2017, sec. 3.4).
nn::Embedding word_vectors(const RecurrentOptions& options, int64_t vocabulary, bool tied,
                           const Tensor& table) {
  const double root = std::sqrt(static_cast<double>(options.embedding));
  if (table.defined()) return {table, Vocabulary::kPad, root};
  return tied ? nn::Embedding(vocabulary, options.embedding, Vocabulary::kPad, 1 / root, root)
              : nn::Embedding(vocabulary, options.embedding, Vocabulary::kPad);
}

template <class Options>
Options encoder_options(const RecurrentOptions& o) {
  return {.layers = o.encoder_layers,
          .bidirectional = o.bidirectional,
          .dropout = o.dropout,
          .residual = o.residual};
}

std::variant<nn::LSTMLayer, nn::GRULayer> one_layer(const RecurrentOptions& o) {
  using Layer = std::variant<nn::LSTMLayer, nn::GRULayer>;
  const int64_t input = cell_input_size(o);
  if (o.cell == Cell::gru) return Layer(std::in_place_type<nn::GRULayer>, input, o.decoder_hidden);
  return Layer(std::in_place_type<nn::LSTMLayer>, input, o.decoder_hidden);
}

LSTMResult without_cell(const nn::GRUResult& r) { return {r.output, r.hidden, {}}; }

// [B, maps, T, S]: by head where the kind has heads.
Tensor map_weights(const nn::Attention::Output& seen) {
  return seen.head_weights.defined() ? seen.head_weights : unsqueeze(seen.weights, 1);
}

}  // namespace

Encoder::Encoder(const RecurrentOptions& options, int64_t vocabulary, const nn::Scope& scope)
    : Module(scope),
      embedding_(word_vectors(options, vocabulary, options.tie == Tie::all, {})),
      dropout_(options.dropout) {
  child("embedding", embedding_);
  child("dropout", dropout_);
  if (options.cell == Cell::gru) {
    gru_ = std::make_unique<nn::GRU>(options.embedding, options.encoder_hidden,
                                     encoder_options<nn::GRUOptions>(options));
    child("gru", *gru_);
  } else {
    lstm_ = std::make_unique<nn::LSTM>(options.embedding, options.encoder_hidden,
                                       encoder_options<nn::LSTMOptions>(options));
    child("lstm", *lstm_);
  }
}

LSTMResult Encoder::operator()(const Tensor& source, const Tensor& lengths) const {
  const Tensor x = dropout_(embedding_(source));
  return lstm_ ? (*lstm_)(x, lengths) : without_cell((*gru_)(x, lengths));
}

Decoder::Decoder(const RecurrentOptions& options, int64_t vocabulary, const Tensor& table,
                 const nn::Scope& scope)
    : Module(scope),
      fixed_context_(options.attention == "none"),
      input_feeding_(sees_context(options)),
      maps_(options.attention == "multi_head" ? options.heads : 1),
      embedding_(word_vectors(options, vocabulary, options.tie != Tie::none, table)),
      dropout_(options.dropout),
      cell_(one_layer(options)),
      init_hidden_(memory_size(options), options.decoder_hidden),
      init_cell_(options.cell == Cell::lstm
                     ? std::make_unique<nn::Linear>(memory_size(options), options.decoder_hidden)
                     : nullptr),
      readout_(options.decoder_hidden + memory_size(options) + options.embedding, options.readout),
      projection_(options.tie == Tie::none ? std::make_unique<nn::Linear>(options.readout, vocabulary)
                                           : nullptr) {
  child("embedding", embedding_);
  child("dropout", dropout_);
  std::visit([this](nn::Module& cell) { child("cell", cell); }, cell_);
  child("init_hidden", init_hidden_);
  if (init_cell_) child("init_cell", *init_cell_);
  child("readout", readout_);
  if (projection_) child("projection", *projection_);
  if (!attends(options)) return;
  attention_ = nn::make_attention(options.attention, {.query = options.decoder_hidden,
                                                      .key = memory_size(options),
                                                      .attention = options.attention_size,
                                                      .heads = options.heads,
                                                      .max_source = options.attention_max_source,
                                                      .window = options.attention_window,
                                                      .coverage = options.coverage});
  child("attention", *attention_);
}

nn::Attention::Memory Decoder::prepare(const Tensor& keys, const Tensor& lengths) const {
  return attention_ ? attention_->prepare(keys, lengths) : nn::Attention::Memory{keys, {}, lengths};
}

DecoderState Decoder::start(const Encoded& encoded) const {
  // With attention nothing was seen before the first step.
  const Tensor context =
      fixed_context_ ? encoded.summary : zeros(encoded.summary.shape(), encoded.summary.dtype());
  return {
      tanh(init_hidden_(encoded.summary)), init_cell_ ? (*init_cell_)(encoded.cell) : Tensor{}, context, {}};
}

Tensor Decoder::cell_input(const Tensor& embedded, const Tensor& context) const {
  return input_feeding_ ? concat(std::array{embedded, context}, embedded.ndim() - 1) : embedded;
}

LSTMResult Decoder::advance(const Tensor& x, const Tensor& lengths, const Tensor& hidden,
                            const Tensor& cell) const {
  if (const auto* const lstm = std::get_if<nn::LSTMLayer>(&cell_)) return (*lstm)(x, lengths, hidden, cell);
  return without_cell(std::get<nn::GRULayer>(cell_)(x, lengths, hidden));
}

StepResult Decoder::step(const Encoded& encoded, DecoderState& state, const Tensor& ids,
                         const SourceRows* rows) const {
  const Tensor embedded = dropout_(embedding_(ids));  // [B, D]
  const LSTMResult next =
      advance(unsqueeze(cell_input(embedded, state.context), 1), {}, state.hidden, state.cell);
  state.hidden = next.hidden;
  state.cell = next.cell;
  StepResult result;
  if (attention_) {
    const Tensor query = rows ? rows->side_by_side(state.hidden) : next.output;
    const nn::Attention::Output seen = attention_->attend(query, encoded.memory, state.attention);
    state.context = rows ? rows->apart(seen.context) : squeeze(seen.context, 1);
    state.attention = seen.state;
    const Tensor maps = map_weights(seen);  // [B, maps, T, S]
    result.weights = rows ? rows->apart(transpose(maps, 1, 2)) : squeeze(maps, 2);
  }
  const auto [weight, bias] = projection();
  result.logits = linear(readout(state.hidden, state.context, embedded), weight, bias);
  return result;
}

Decoder::States Decoder::run(const Encoded& encoded, const Tensor& target_in,
                             const Tensor& target_lengths) const {
  const Tensor embedded = dropout_(embedding_(target_in));
  const DecoderState first = start(encoded);
  if (!attention_) {
    const int64_t B = target_in.size(0), T = target_in.size(1), E = first.context.size(1);
    const Tensor context = expand(unsqueeze(first.context, 1), {B, T, E});
    return {embedded,
            advance(cell_input(embedded, context), target_lengths, first.hidden, first.cell).output,
            context,
            {}};
  }
  if (!input_feeding_) {
    const Tensor hidden = advance(embedded, target_lengths, first.hidden, first.cell).output;
    const nn::Attention::Output seen = attention_->attend(hidden, encoded.memory);
    return {embedded, hidden, seen.context, map_weights(seen)};
  }
  const auto* const lstm = std::get_if<nn::LSTMLayer>(&cell_);
  if (const auto energy = lstm && !encoded.memory.mask.defined() ? attention_->energy_form() : std::nullopt) {
    return run_fused(encoded.memory, first, embedded, target_lengths, *lstm, *energy);
  }
  return run_stepwise(encoded, target_in);
}

Decoder::States Decoder::run_fused(const nn::Attention::Memory& memory, const DecoderState& first,
                                   const Tensor& embedded, const Tensor& target_lengths,
                                   const nn::LSTMLayer& lstm, const nn::Attention::Energy& energy) const {
  const auto by_head = [&](const Tensor& x) {  // [B, S, n size] to [B, n, S, size]
    const Shape& s = x.shape();
    return energy.heads == 1 ? x
                             : transpose(reshape(x, {s[0], s[1], energy.heads, s[2] / energy.heads}), 1, 2);
  };
  const Tensor& out = energy.output_weight;
  Tensor weight_ih = lstm.weight_ih;  // what is fed back is W_o times the context of the heads
  if (out.defined()) {
    const int64_t D = embedded.size(2);
    weight_ih = concat(
        std::array{slice(weight_ih, 1, 0, D), matmul(slice(weight_ih, 1, D, weight_ih.size(1)), out)}, 1);
  }
  Tensor values = by_head(memory.values.defined() ? memory.values : memory.keys), lengths = memory.lengths,
         query_weight = energy.query_weight;
  const int64_t S = values.size(-2);
  if (energy.positions > 0) {  // those that have a row of W_q
    const int64_t known = std::min(S, energy.positions);
    query_weight = slice(query_weight, 0, 0, known);
    values = slice(values, 1, 0, known);
    lengths = minimum(lengths, full({}, known, DType::i64));
  }
  PredictedPosition position = energy.position;
  if (energy.free > 0) {  // 1 with the Gaussian, 0 without
    const Tensor one = ones({embedded.size(0), embedded.size(1)}, embedded.dtype());
    position.factor = dropout(one, energy.free) * (1 - energy.free);
  }
  const AttentionLSTMResult r = attention_lstm(embedded, target_lengths, values,
                                               energy.positions > 0 ? Tensor{} : by_head(memory.projected),
                                               lengths, first.hidden, first.cell, weight_ih, lstm.weight_hh,
                                               lstm.bias, query_weight, energy.v, energy.window, position);
  // as many maps as map_weights() has
  Tensor maps = energy.heads == 1 ? unsqueeze(r.weights, 1) : r.weights;
  if (const int64_t seen = maps.size(-1); seen < S)
    maps = concat(std::array{maps, zeros(maps.shape().with(3, S - seen), maps.dtype())}, 3);
  return {embedded, r.hidden, out.defined() ? linear(r.context, out) : r.context, maps};
}

Decoder::States Decoder::run_stepwise(const Encoded& encoded, const Tensor& target_in) const {
  const Tensor embedded = dropout_(embedding_(target_in));
  DecoderState state = start(encoded);
  std::vector<Tensor> hidden, context, weights;
  for (int64_t t = 0; t < target_in.size(1); ++t) {
    const LSTMResult next = advance(unsqueeze(cell_input(select(embedded, 1, t), state.context), 1), {},
                                    state.hidden, state.cell);
    state.hidden = next.hidden;
    state.cell = next.cell;
    if (attention_) {
      const nn::Attention::Output seen = attention_->attend(next.output, encoded.memory, state.attention);
      state.context = squeeze(seen.context, 1);
      state.attention = seen.state;
      weights.push_back(map_weights(seen));
    }
    hidden.push_back(state.hidden);
    context.push_back(state.context);
  }
  return {embedded, stack(hidden, 1), stack(context, 1), weights.empty() ? Tensor{} : concat(weights, 2)};
}

Tensor Decoder::readout(const Tensor& hidden, const Tensor& context, const Tensor& embedded) const {
  return dropout_(tanh(readout_(concat(std::array{hidden, context, embedded}, 1))));
}

std::pair<Tensor, Tensor> Decoder::projection() const {
  return projection_ ? std::pair(projection_->weight, projection_->bias)
                     : std::pair(embedding_.weight, Tensor{});
}

Seq2Seq::Seq2Seq(const RecurrentOptions& options, int64_t source_vocabulary, int64_t target_vocabulary,
                 const nn::Scope& scope)
    : TranslationModel(scope),
      options_((check(ModelConfig(options), source_vocabulary, target_vocabulary), options)),
      encoder_(options, source_vocabulary),
      decoder_(options, target_vocabulary, options.tie == Tie::all ? encoder_.table() : Tensor{}) {
  child("encoder", encoder_);
  child("decoder", decoder_);
  for (int head = 0; head < decoder_.attention_maps(); ++head) maps_.push_back({0, head});
}

Encoded Seq2Seq::encode(const Tensor& source, const Tensor& lengths, const Tensor& seen) const {
  const LSTMResult r = encoder_(source, lengths);
  Encoded encoded{decoder_.prepare(r.output, lengths), r.hidden, r.cell};
  if (seen.defined()) encoded.memory.mask = unsqueeze(seen, 1);
  return encoded;
}

TranslationModel::Teacher Seq2Seq::teach(const Batch& batch, const Tensor& rows) const {
  const Encoded encoded = encode(batch.source, batch.source_lengths, batch.source_seen);
  const Decoder::States states = decoder_.run(encoded, batch.target_in, batch.target_lengths);
  const auto pick = [&](const Tensor& x) { return embedding(flatten(x, 0, 1), rows); };
  return {decoder_.readout(pick(states.hidden), pick(states.context), pick(states.embedded)),
          states.weights.defined() ? std::vector{states.weights} : std::vector<Tensor>{}};
}

std::pair<Tensor, Tensor> Seq2Seq::vocabulary_weights() const { return decoder_.projection(); }

namespace {

class Seq2SeqDecoding : public Decoding {
 public:
  Seq2SeqDecoding(const Seq2Seq& model, const Batch& batch, bool attention)
      : decoder_(model.decoder()),
        attention_(attention),
        encoded_(model.encode(batch.source, batch.source_lengths, batch.source_seen)),
        state_(decoder_.start(encoded_)),
        rows_(batch.source.size(0)) {
    encoded_.summary = encoded_.cell = Tensor();  // read by start() alone
    if (!decoder_.has_attention()) encoded_.memory = {};
  }

  Step step(const Tensor& ids) override {
    const StepResult result =
        decoder_.step(encoded_, state_, ids, decoder_.shares_memory() ? &rows_ : nullptr);
    return {result.logits, attention_ ? result.weights : Tensor{}};
  }

  void select(const std::vector<int64_t>& rows) override {
    for (Tensor* x : {&state_.hidden, &state_.cell, &state_.context, &state_.attention.coverage})
      *x = take_rows(*x, rows);
    if (!decoder_.shares_memory()) return keep(rows);
    if (const auto sentences = rows_.select(rows)) keep(*sentences);
  }

 private:
  void keep(const std::vector<int64_t>& sentences) {
    nn::Attention::Memory& memory = encoded_.memory;
    for (Tensor* x : {&memory.keys, &memory.projected, &memory.lengths, &memory.values, &memory.mask})
      *x = take_rows(*x, sentences);
  }

  const Decoder& decoder_;
  bool attention_;
  Encoded encoded_;
  DecoderState state_;
  SourceRows rows_;
};

}  // namespace

std::unique_ptr<Decoding> Seq2Seq::begin(const Batch& batch, bool attention) const {
  return std::make_unique<Seq2SeqDecoding>(*this, batch, attention);
}

std::string Seq2Seq::describe() const {
  std::string what = options_.attention == "none"         ? "no attention"
                     : options_.attention == "none_state" ? "no attention, state only"
                                                          : "";
  if (what.empty()) what = options_.attention + " attention";
  return fmt::format("{}{}, {} {}", what, options_.coverage ? " with coverage" : "",
                     options_.cell == Cell::gru ? "GRU" : "LSTM", options_.decoder_hidden);
}

}  // namespace heed::models
