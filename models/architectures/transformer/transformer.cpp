#include "models/architectures/transformer/transformer.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numeric>

#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

nn::TransformerOptions encoder_layer(const TransformerOptions& o) {
  return {.size = o.model_size,
          .feed_forward = o.feed_forward,
          .heads = o.heads,
          .dropout = o.dropout,
          .pre_norm = o.norm == NormPlace::pre,
          .rotary = o.positions == Positions::rotary,
          .activation = o.activation,
          .eps = o.norm_eps};
}

nn::TransformerOptions decoder_layer(const TransformerOptions& o) {
  nn::TransformerOptions layer = encoder_layer(o);
  if (o.decoder_heads > 0) layer.heads = o.decoder_heads;
  if (o.decoder_feed_forward > 0) layer.feed_forward = o.decoder_feed_forward;
  return layer;
}

// Of bool [B, S], the same for every head and query: [B, 1, 1, S].
Tensor for_all_queries(const Tensor& seen) {
  return seen.defined() ? reshape(seen, {seen.size(0), 1, 1, seen.size(1)}) : seen;
}

// 0 where an id is the begin mark, else 1: [B, T, 1].
Tensor without_marks(const Tensor& ids, DType dtype) {
  std::vector<double> kept;
  for (const int64_t id : ids.to_vector<int64_t>()) kept.push_back(id == Vocabulary::kBos ? 0 : 1);
  return from_vector(kept, {ids.size(0), ids.size(1), 1}).to(dtype);
}

}  // namespace

PositionedEmbedding::PositionedEmbedding(const TransformerOptions& options, int64_t vocabulary,
                                         const Tensor& table, bool zero_start, const nn::Scope& scope)
    : Module(scope),
      first_position_(options.first_position),
      scale_(options.scale_embedding ? std::sqrt(static_cast<double>(options.model_size)) : 1),
      zero_start_(zero_start),
      table_(table),
      dropout_(options.dropout) {
  const int64_t size = options.model_size;
  if (!table_.defined()) {
    const Tensor values = nn::init::normal({vocabulary, size}, 1 / std::sqrt(static_cast<double>(size)));
    select(values, 0, Vocabulary::kPad).fill_(0);
    table_ = param("weight", values);
  }
  constexpr int64_t kTable = 128;  // longer sentences are few, and a table takes time to make
  if (options.positions == Positions::sinusoidal)
    child("positions", positions_.emplace<nn::SinusoidalPositions>(size, kTable, options.sinusoids));
  if (options.positions == Positions::learned)
    child("positions", positions_.emplace<nn::LearnedPositions>(options.max_positions, size));
  child("dropout", dropout_);
}

Tensor PositionedEmbedding::operator()(const Tensor& ids, int64_t first) const {
  Tensor words = embedding(table_, ids, Vocabulary::kPad) * scale_;
  if (zero_start_ && first == 0) words = words * without_marks(ids, words.dtype());
  first += first_position_;
  if (const auto* const sinusoidal = std::get_if<nn::SinusoidalPositions>(&positions_))
    return dropout_((*sinusoidal)(words, first));
  if (const auto* const learned = std::get_if<nn::LearnedPositions>(&positions_))
    return dropout_((*learned)(words, first));
  return dropout_(words);
}

Transformer::Transformer(const TransformerOptions& options, int64_t source_vocabulary,
                         int64_t target_vocabulary, const nn::Scope& scope)
    : TranslationModel(scope),
      options_((check(ModelConfig(options), source_vocabulary, target_vocabulary), options)) {
  const TransformerOptions& o = options_;
  target_embedding_ = std::make_unique<PositionedEmbedding>(o, target_vocabulary, Tensor{},
                                                            o.decoder_start == DecoderStart::zero);
  source_embedding_ = std::make_unique<PositionedEmbedding>(
      o, source_vocabulary, o.tie == Tie::all ? target_embedding_->table() : Tensor{});
  child("target_embedding", *target_embedding_);
  child("source_embedding", *source_embedding_);
  for (int64_t i = 0; i < o.encoder_layers; ++i) {
    encoder_.push_back(std::make_unique<nn::TransformerEncoderLayer>(encoder_layer(o)));
    child(fmt::format("encoder{}", i), *encoder_.back());
    for (int64_t head = 0; head < o.heads; ++head)
      encoder_self_maps_.push_back({static_cast<int>(i), static_cast<int>(head)});
  }
  for (int64_t i = 0; i < o.decoder_layers; ++i) {
    decoder_.push_back(std::make_unique<nn::TransformerDecoderLayer>(decoder_layer(o)));
    child(fmt::format("decoder{}", i), *decoder_.back());
    for (int64_t head = 0; head < decoder_layer(o).heads; ++head)
      maps_.push_back({static_cast<int>(i), static_cast<int>(head)});
  }
  decoder_self_maps_ = maps_;
  if (o.norm == NormPlace::pre) {
    encoder_norm_ = std::make_unique<nn::LayerNorm>(o.model_size, o.norm_eps);
    decoder_norm_ = std::make_unique<nn::LayerNorm>(o.model_size, o.norm_eps);
    child("encoder_norm", *encoder_norm_);
    child("decoder_norm", *decoder_norm_);
  }
  if (o.tie == Tie::none) {
    projection_ = std::make_unique<nn::Linear>(o.model_size, target_vocabulary);
    child("projection", *projection_);
  } else if (o.tied_bias) {
    bias_ = param("bias", zeros({target_vocabulary}));
  }
}

Tensor Transformer::encode(const Tensor& source, const Tensor& lengths, std::vector<Tensor>* weights,
                           const Tensor& seen) const {
  const Tensor mask = for_all_queries(seen);
  Tensor x = (*source_embedding_)(source);
  for (const auto& layer : encoder_) {
    Tensor layer_weights;
    x = (*layer)(x, lengths, weights ? &layer_weights : nullptr, mask);
    if (weights) weights->push_back(layer_weights);
  }
  return finish(x, encoder_norm_);
}

Tensor Transformer::decode(const Tensor& memory, const Batch& batch, std::vector<Tensor>* cross_weights,
                           std::vector<Tensor>* self_weights) const {
  Tensor x = (*target_embedding_)(batch.target_in);
  for (const auto& layer : decoder_) {
    const nn::TransformerDecoderLayer::Output seen =
        (*layer)(x, layer->prepare(memory), batch.source_lengths, for_all_queries(batch.source_seen),
                 cross_weights || self_weights);
    x = seen.output;
    if (cross_weights) cross_weights->push_back(seen.cross_weights);
    if (self_weights) self_weights->push_back(seen.self_weights);
  }
  return x;
}

TranslationModel::Teacher Transformer::teach(const Batch& batch, const Tensor& rows) const {
  std::vector<Tensor> weights;
  const Tensor x = decode(encode(batch.source, batch.source_lengths, nullptr, batch.source_seen), batch,
                          &weights, nullptr);
  const Tensor flat = reshape(x, {x.size(0) * x.size(1), x.size(2)});
  return {finish(embedding(flat, rows), decoder_norm_), std::move(weights)};
}

TranslationModel::SelfAttention Transformer::self_attention(const Batch& batch) const {
  std::vector<Tensor> encoder, decoder;
  decode(encode(batch.source, batch.source_lengths, &encoder, batch.source_seen), batch, nullptr, &decoder);
  return {concat(encoder, 1), concat(decoder, 1)};
}

// The layers' own projections, seen as they return. Where positions turn queries and keys, these are not what
// is multiplied.
std::vector<TranslationModel::LayerVectors> Transformer::attention_vectors(const Batch& batch) {
  std::map<std::string, Tensor> seen;
  on_output([&](const std::string& path, const Tensor& output) { seen[path] = output; });
  try {
    decode(encode(batch.source, batch.source_lengths, nullptr, batch.source_seen), batch, nullptr, nullptr);
  } catch (...) {
    on_output({});
    throw;
  }
  on_output({});
  std::vector<LayerVectors> layers;
  if (!target_embedding_->adds_positions()) return layers;
  const auto part = [](const Tensor& joint, int64_t i, int64_t parts) {
    const int64_t size = joint.size(2) / parts;
    return slice(joint, 2, i * size, (i + 1) * size).contiguous();
  };
  const auto own = [&](int kind, int layer, const Tensor& joint) {
    layers.push_back({kind, layer, part(joint, 0, 3), part(joint, 1, 3), part(joint, 2, 3)});
  };
  for (int i = 0; i < static_cast<int>(decoder_.size()); ++i) {
    const std::string at = fmt::format("decoder{}.cross_attention.", i);
    layers.push_back(
        {0, i, seen.at(at + "query"), part(seen.at(at + "joint"), 0, 2), part(seen.at(at + "joint"), 1, 2)});
  }
  for (int i = 0; i < static_cast<int>(encoder_.size()); ++i)
    own(1, i, seen.at(fmt::format("encoder{}.attention.joint", i)));
  for (int i = 0; i < static_cast<int>(decoder_.size()); ++i)
    own(2, i, seen.at(fmt::format("decoder{}.self_attention.joint", i)));
  return layers;
}

std::pair<Tensor, Tensor> Transformer::vocabulary_weights() const {
  return projection_ ? std::pair(projection_->weight, projection_->bias)
                     : std::pair(target_embedding_->table(), bias_);
}

// The positions of the sources are there once, and those of the output once a prefix: hypotheses have lists
// of positions.
class TransformerDecoding : public Decoding {
 public:
  TransformerDecoding(const Transformer& model, const Batch& batch, bool attention)
      : model_(model), attention_(attention), lengths_(batch.source_lengths), pools_(model.decoder_.size()) {
    const Tensor memory = model.encode(batch.source, lengths_, nullptr, batch.source_seen);
    const int64_t B = memory.size(0), S = memory.size(1), D = memory.size(2);
    const auto rows = [&](const Tensor& x) { return reshape(x, {B * S, D}); };
    for (const auto& layer : model.decoder_) {
      const nn::KeyValue seen = layer->prepare(memory);
      memories_.push_back({rows(seen.key), rows(seen.value)});
    }
    std::vector<int64_t> positions(static_cast<size_t>(B * S));
    std::iota(positions.begin(), positions.end(), int64_t{0});
    index_ = from_vector(positions, {B, S});
    if (batch.source_seen.defined()) leave_out(batch.source_seen);
  }

  Step step(const Tensor& ids) override {
    Tensor x = squeeze((*model_.target_embedding_)(unsqueeze(ids, 1), history_.length()), 1);
    history_.advance(ids.size(0));
    std::vector<Tensor> weights;
    for (size_t i = 0; i < pools_.size(); ++i) {
      const auto seen = model_.decoder_[i]->step(x, pools_[i], history_, memories_[i], index_, lengths_);
      x = seen.output;
      if (attention_) weights.push_back(width_ > 0 ? in_place(seen.cross_weights) : seen.cross_weights);
    }
    const auto [weight, bias] = model_.vocabulary_weights();
    return {linear(model_.finish(x, model_.decoder_norm_), weight, bias),
            attention_ ? concat(weights, 1) : Tensor{}};
  }

  void select(const std::vector<int64_t>& rows) override {
    lengths_ = take_rows(lengths_, rows);
    index_ = take_rows(index_, rows);
    history_.select(rows);
  }

 private:
  // Makes the lists those of the positions that are seen.
  void leave_out(const Tensor& seen) {
    width_ = index_.size(1);
    lengths_ = lengths_.clone();  // the batch keeps its own
    for (int64_t b = 0; b < index_.size(0); ++b) {
      int64_t* const positions = index_.data<int64_t>() + b * width_;
      int64_t& length = lengths_.data<int64_t>()[b];
      int64_t kept = 0;
      for (int64_t s = 0; s < length; ++s)
        if (seen.data<bool>()[b * width_ + s]) positions[kept++] = b * width_ + s;
      length = kept;
    }
  }
  // Weights [B, heads, S] of the positions in the lists, each in its own place of the source.
  Tensor in_place(const Tensor& weights) const {
    const int64_t heads = weights.size(1);
    const Tensor placed = zeros(weights.shape(), weights.dtype()), from = weights.contiguous();
    for (int64_t b = 0; b < weights.size(0); ++b) {
      for (int64_t s = 0; s < lengths_.data<int64_t>()[b]; ++s) {
        const int64_t to = index_.data<int64_t>()[b * width_ + s] % width_;
        for (int64_t head = b * heads; head < (b + 1) * heads; ++head)
          placed.data<float>()[head * width_ + to] = from.data<float>()[head * width_ + s];
      }
    }
    return placed;
  }

  const Transformer& model_;
  bool attention_;
  int64_t width_ = 0;                    // of the sources, where some positions are not seen
  Tensor lengths_, index_;               // of the hypotheses: how many positions of the source, and which
  std::vector<nn::KeyValue> memories_;   // by layer: the sources
  std::vector<nn::KeyValuePool> pools_;  // by layer: what was written so far
  nn::DecodingHistory history_;
};

std::unique_ptr<Decoding> Transformer::begin(const Batch& batch, bool attention) const {
  return std::make_unique<TransformerDecoding>(*this, batch, attention);
}

int64_t Transformer::longest_source() const { return architecture_of(options_).longest_source(options_); }

std::string Transformer::describe() const {
  return fmt::format("Transformer {}+{}, {} wide, {} heads", options_.encoder_layers, options_.decoder_layers,
                     options_.model_size, options_.heads);
}

}  // namespace heed::models
