#include "models/architectures/convolutional/convolutional.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

constexpr double kEmbeddingDeviation = 0.1;   // of new word vectors and positions (sec. 3.5)
const double kHalfVariance = std::sqrt(0.5);  // a sum of two has the variance of one (sec. 3.4)

// x [B, T, H] with zeros before and behind its positions.
Tensor with_margins(const Tensor& x, int64_t before, int64_t after) {
  return pad(x, {{0, 0}, {before, after}, {0, 0}});
}

// Ones on the first lengths[b] positions that are seen, zeros elsewhere: f32 [B, S, 1].
Tensor length_mask(const Tensor& lengths, const Tensor& seen, int64_t S) {
  const Tensor mask = zeros({lengths.numel(), S, 1});
  for (int64_t b = 0; b < lengths.numel(); ++b) {
    for (int64_t s = 0; s < lengths.data<int64_t>()[b]; ++s)
      mask.data<float>()[b * S + s] = seen.defined() && !seen.data<bool>()[b * S + s] ? 0 : 1;
  }
  return mask;
}

}  // namespace

ConvolutionalEmbedding::ConvolutionalEmbedding(const ConvolutionalOptions& options, int64_t vocabulary,
                                               const Tensor& table, const nn::Scope& scope)
    : Module(scope),
      table_(table),
      positions_(options.max_positions, options.embedding, kEmbeddingDeviation),
      dropout_(options.dropout) {
  if (!table_.defined()) {
    const Tensor values = nn::init::normal({vocabulary, options.embedding}, kEmbeddingDeviation);
    select(values, 0, Vocabulary::kPad).fill_(0);
    table_ = param("weight", values);
  }
  child("positions", positions_);
  child("dropout", dropout_);
}

Tensor ConvolutionalEmbedding::operator()(const Tensor& ids, int64_t first) const {
  return dropout_(positions_(embedding(table_, ids, Vocabulary::kPad), first));
}

GatedConvolution::GatedConvolution(const ConvolutionalOptions& o, const nn::Scope& scope)
    : Module(scope),
      weight(param("weight", nn::init::normal({2 * o.hidden, o.kernel_width * o.hidden},
                                              std::sqrt(4 * (1 - o.dropout) /
                                                        static_cast<double>(o.kernel_width * o.hidden))))),
      bias(param("bias", zeros({2 * o.hidden}))),
      kernel_width_(o.kernel_width) {}

Tensor GatedConvolution::operator()(const Tensor& x) const {
  const int64_t T = x.size(1) - kernel_width_ + 1, H = x.size(2);
  // of the kernel, side by side, so that the convolution is one product of matrices
  std::vector<Tensor> places;
  for (int64_t k = 0; k < kernel_width_; ++k) places.push_back(slice(x, 1, k, k + T));
  const Tensor both = linear(kernel_width_ == 1 ? x : concat(places, 2), weight, bias);  // [B, T, 2H]
  return announce(slice(both, 2, 0, H) * sigmoid(slice(both, 2, H, 2 * H)));
}

ConvolutionalDecoderLayer::ConvolutionalDecoderLayer(const ConvolutionalOptions& o, const nn::Scope& scope)
    : Module(scope),
      convolution_(o),
      query_(o.hidden, o.embedding),
      context_(o.embedding, o.hidden),
      query_scale_(std::sqrt(static_cast<double>(o.embedding))) {
  child("convolution", convolution_);
  child("query", query_);
  child("context", context_);
}

ConvolutionalDecoderLayer::Output ConvolutionalDecoderLayer::operator()(
    const Tensor& x, const Tensor& read, const Tensor& words, const Tensor& keys, const Tensor& values,
    const Tensor& lengths, const Tensor& seen_keys, const Tensor& scale, const SourceRows* rows) const {
  const Tensor hidden = convolution_(read);
  Tensor query = (query_(hidden) + words) * (kHalfVariance * query_scale_);
  if (rows) query = rows->side_by_side(squeeze(query, 1));
  const ScaledDotAttentionResult seen =
      scaled_dot_attention(query, keys, values, lengths, /*heads=*/1, /*causal=*/false, seen_keys);
  Tensor context = seen.context * scale, weights = seen.weights;
  if (rows) {
    context = unsqueeze(rows->apart(context), 1);
    weights = unsqueeze(rows->apart(transpose(weights, 1, 2)), 2);
  }
  const Tensor informed = (hidden + context_(context)) * kHalfVariance;
  return {announce((informed + x) * kHalfVariance), weights};
}

ConvolutionalTranslator::ConvolutionalTranslator(const ConvolutionalOptions& options,
                                                 int64_t source_vocabulary, int64_t target_vocabulary,
                                                 const nn::Scope& scope)
    : TranslationModel(scope),
      options_((check(ModelConfig(options), source_vocabulary, target_vocabulary), options)),
      target_embedding_(std::make_unique<ConvolutionalEmbedding>(options, target_vocabulary)),
      source_embedding_(std::make_unique<ConvolutionalEmbedding>(
          options, source_vocabulary, options.tie == Tie::all ? target_embedding_->table() : Tensor{})),
      encoder_in_(options.embedding, options.hidden),
      encoder_out_(options.hidden, options.embedding),
      decoder_in_(options.embedding, options.hidden),
      decoder_out_(options.hidden, options.embedding),
      dropout_(options.dropout) {
  child("target_embedding", *target_embedding_);
  child("source_embedding", *source_embedding_);
  child("encoder_in", encoder_in_);
  child("encoder_out", encoder_out_);
  child("decoder_in", decoder_in_);
  child("decoder_out", decoder_out_);
  child("dropout", dropout_);
  for (int64_t i = 0; i < options.encoder_layers; ++i) {
    encoder_.push_back(std::make_unique<GatedConvolution>(options));
    child(fmt::format("encoder{}", i), *encoder_.back());
  }
  for (int64_t i = 0; i < options.decoder_layers; ++i) {
    decoder_.push_back(std::make_unique<ConvolutionalDecoderLayer>(options));
    child(fmt::format("decoder{}", i), *decoder_.back());
    maps_.push_back({static_cast<int>(i), 0});
  }
  if (options.tie == Tie::none) {
    projection_ = std::make_unique<nn::Linear>(options.embedding, target_vocabulary);
    child("projection", *projection_);
  }
}

ConvolutionalTranslator::Encoded ConvolutionalTranslator::encode(const Tensor& source, const Tensor& lengths,
                                                                 const Tensor& seen) const {
  const Tensor words = (*source_embedding_)(source), mask = length_mask(lengths, seen, source.size(1));
  const int64_t before = (options_.kernel_width - 1) / 2, after = options_.kernel_width - 1 - before;
  Tensor x = encoder_in_(words);
  for (const auto& layer : encoder_) {  // padding reads as nothing, as beyond the ends of the sentence
    x = ((*layer)(with_margins(dropout_(x) * mask, before, after)) + x) * kHalfVariance;
  }
  const Tensor keys = encoder_out_(x);
  return {keys, (keys + words) * kHalfVariance, lengths, seen.defined() ? unsqueeze(seen, 1) : seen,
          sqrt(sum(mask, {1}, KeepDim::yes))};
}

Tensor ConvolutionalTranslator::score_rows(const Tensor& x) const { return dropout_(decoder_out_(x)); }

TranslationModel::Teacher ConvolutionalTranslator::teach(const Batch& batch, const Tensor& rows) const {
  const Encoded encoded = encode(batch.source, batch.source_lengths, batch.source_seen);
  const Tensor words = (*target_embedding_)(batch.target_in);
  Tensor x = decoder_in_(words);
  std::vector<Tensor> weights;
  for (const auto& layer : decoder_) {
    const ConvolutionalDecoderLayer::Output out =
        (*layer)(x, with_margins(dropout_(x), options_.kernel_width - 1, 0), words, encoded.keys,
                 encoded.values, encoded.lengths, encoded.seen, encoded.scale);
    x = out.output;
    weights.push_back(out.weights);
  }
  return {score_rows(embedding(reshape(x, {x.size(0) * x.size(1), x.size(2)}), rows)), std::move(weights)};
}

std::pair<Tensor, Tensor> ConvolutionalTranslator::vocabulary_weights() const {
  return projection_ ? std::pair(projection_->weight, projection_->bias)
                     : std::pair(target_embedding_->table(), Tensor{});
}

class ConvolutionalDecoding : public Decoding {
 public:
  ConvolutionalDecoding(const ConvolutionalTranslator& model, const Batch& batch, bool attention)
      : model_(model),
        attention_(attention),
        encoded_(model.encode(batch.source, batch.source_lengths, batch.source_seen)),
        rows_(batch.source.size(0)) {
    const ConvolutionalOptions& o = model.options_;
    for (size_t i = 0; i < model.decoder_.size(); ++i)
      before_.push_back(zeros({batch.source.size(0), o.kernel_width - 1, o.hidden}));
  }

  Step step(const Tensor& ids) override {
    const Tensor words = (*model_.target_embedding_)(unsqueeze(ids, 1), position_++);
    Tensor x = model_.decoder_in_(words);
    std::vector<Tensor> weights;
    for (size_t i = 0; i < before_.size(); ++i) {
      const Tensor read = concat(std::array{before_[i], x}, 1);  // [B, K, H]
      const auto out = (*model_.decoder_[i])(x, read, words, encoded_.keys, encoded_.values, encoded_.lengths,
                                             encoded_.seen, encoded_.scale, &rows_);
      before_[i] = slice(read, 1, 1, read.size(1));
      x = out.output;
      if (attention_) weights.push_back(squeeze(out.weights, 2));
    }
    const auto [weight, bias] = model_.vocabulary_weights();
    return {linear(model_.score_rows(squeeze(x, 1)), weight, bias),
            attention_ ? concat(weights, 1) : Tensor{}};
  }

  void select(const std::vector<int64_t>& rows) override {
    for (Tensor& x : before_) x = take_rows(x, rows);
    const auto sentences = rows_.select(rows);
    if (!sentences) return;
    for (Tensor* x : {&encoded_.keys, &encoded_.values, &encoded_.lengths, &encoded_.seen, &encoded_.scale})
      *x = take_rows(*x, *sentences);
  }

 private:
  const ConvolutionalTranslator& model_;
  bool attention_;
  ConvolutionalTranslator::Encoded encoded_;
  SourceRows rows_;
  std::vector<Tensor> before_;  // by layer: its inputs at the K - 1 steps before
  int64_t position_ = 0;
};

std::unique_ptr<Decoding> ConvolutionalTranslator::begin(const Batch& batch, bool attention) const {
  return std::make_unique<ConvolutionalDecoding>(*this, batch, attention);
}

std::string ConvolutionalTranslator::describe() const {
  return fmt::format("convolutional {}+{}, {} wide, kernel {}", options_.encoder_layers,
                     options_.decoder_layers, options_.hidden, options_.kernel_width);
}

}  // namespace heed::models
