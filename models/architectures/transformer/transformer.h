// The Transformer translator (Vaswani et al. 2017): self-attention on both sides, cross-attention from each
// decoder layer to the encoder.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "models/architectures/transformer/options.h"

namespace heed::models {

/// Word vectors, times sqrt(D) with scale_embedding, plus sinusoidal or learned positions (none if
/// self-attention is rotary), then dropout (Vaswani et al. 2017, sec. 3.4, 3.5).
class PositionedEmbedding : public nn::Module {
 public:
  /// @param options size, positions, scale and dropout are used
  /// @param vocabulary V
  /// @param table table [V, D] of another layer to share; undefined: an own table
  /// @param zero_start whether the begin mark is a zero vector, whatever its row
  PositionedEmbedding(const TransformerOptions& options, int64_t vocabulary, const Tensor& table = {},
                      bool zero_start = false, const nn::Scope& scope = {});
  /// @param ids i64 [B, T]
  /// @param first the position of the first column
  /// @return [B, T, D]
  Tensor operator()(const Tensor& ids, int64_t first = 0) const;
  /// @return the word vectors [V, D]
  const Tensor& table() const { return table_; }
  /// @return whether positions are added; else attention turns queries and keys by them
  bool adds_positions() const { return !std::holds_alternative<std::monostate>(positions_); }

 private:
  int64_t first_position_;
  double scale_;
  bool zero_start_;
  Tensor table_;  // [V, D]
  // none where the attention turns queries and keys by their positions instead
  std::variant<std::monostate, nn::SinusoidalPositions, nn::LearnedPositions> positions_;
  nn::Dropout dropout_;
};

/// The Transformer translator: embeddings, the encoder and decoder layers of nn/transformer.h, and the
/// projection to the vocabulary.
class Transformer : public TranslationModel {
 public:
  /// @param options sizes and kinds
  /// @param source_vocabulary,target_vocabulary numbers of entries
  /// @throws ValueError for invalid options, and for tie = all with two vocabularies
  Transformer(const TransformerOptions& options, int64_t source_vocabulary, int64_t target_vocabulary,
              const nn::Scope& scope = {});
  std::unique_ptr<Decoding> begin(const Batch& batch, bool attention) const override;
  SelfAttention self_attention(const Batch& batch) const override;
  std::vector<LayerVectors> attention_vectors(const Batch& batch) override;
  int64_t longest_source() const override;
  /// @return "Transformer 4+4, 128 wide, 4 heads"
  std::string describe() const override;

  /// Encodes the sources.
  /// @param source i64 [B, S]
  /// @param lengths i64 [B]
  /// @param weights if not null, receives each layer's self-attention [B, heads, S, S]
  /// @param seen bool [B, S], false where attention may not look; undefined: everywhere
  /// @return [B, S, D]
  Tensor encode(const Tensor& source, const Tensor& lengths, std::vector<Tensor>* weights = nullptr,
                const Tensor& seen = {}) const;

 private:
  friend class TransformerDecoding;
  Teacher teach(const Batch& batch, const Tensor& rows) const override;
  // Runs the decoder on given targets; returns [B, T, D], before the final normalisation. The lists, if not
  // null, receive each layer's attention weights [B, heads, T, S] and [B, heads, T, T].
  Tensor decode(const Tensor& memory, const Batch& batch, std::vector<Tensor>* cross_weights,
                std::vector<Tensor>* self_weights) const;
  std::pair<Tensor, Tensor> vocabulary_weights() const override;
  Tensor finish(const Tensor& x, const std::unique_ptr<nn::LayerNorm>& norm) const {
    return norm ? (*norm)(x) : x;
  }

  TransformerOptions options_;
  /// The source may share the target's table.
  std::unique_ptr<PositionedEmbedding> target_embedding_, source_embedding_;
  std::vector<std::unique_ptr<nn::TransformerEncoderLayer>> encoder_;
  std::vector<std::unique_ptr<nn::TransformerDecoderLayer>> decoder_;
  std::unique_ptr<nn::LayerNorm> encoder_norm_, decoder_norm_;  // with pre-norm: applied after the last layer
  std::unique_ptr<nn::Linear> projection_;  // null if the target embedding is the projection
  Tensor bias_;                             // [V] of a tied projection; undefined unless tied_bias
};

}  // namespace heed::models
