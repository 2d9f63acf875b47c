// The Transformer translator (Vaswani et al. 2017): self-attention on both sides, cross-attention from each decoder layer to the encoder.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/architectures/transformer/options.h"

namespace heed::models {

/// Word vectors times sqrt(D) plus positions, sinusoidal or learned, or none where self-attention is rotary; then dropout (Vaswani et al.
/// 2017, sec. 3.4, 3.5).
class PositionedEmbedding : public nn::Module {
 public:
  /// @param options size, positions, dropout
  /// @param vocabulary V
  /// @param table [V, D], shared when it is defined
  PositionedEmbedding(const TransformerOptions& options, int64_t vocabulary, const Tensor& table = {}, const nn::Scope& scope = {});
  /// @param ids i64 [B, T]
  /// @param first the position of the first column
  /// @return [B, T, D]
  Tensor operator()(const Tensor& ids, int64_t first = 0) const;
  /// @return the word vectors [V, D]
  const Tensor& table() const { return table_; }

 private:
  int64_t size_;
  Tensor table_;                                       // [V, D]
  std::optional<nn::SinusoidalPositions> sinusoidal_;  // at most one of the two
  std::unique_ptr<nn::LearnedPositions> learned_;
  nn::Dropout dropout_;
};

/// Encoder and decoder layers of nn/transformer.h around word vectors and a projection.
class Transformer : public TranslationModel {
 public:
  /// @param options what it is
  /// @param source_vocabulary,target_vocabulary entries
  /// @throws ValueError for options that make no sense, and for tie = all with two vocabularies
  Transformer(const TransformerOptions& options, int64_t source_vocabulary, int64_t target_vocabulary, const nn::Scope& scope = {});
  std::unique_ptr<Decoding> begin(const Batch& batch) const override;
  SelfAttention self_attention(const Batch& batch) const override;
  int64_t longest_source() const override;
  /// @return "Transformer 4+4, 128 wide, 4 heads"
  std::string describe() const override;

  /// Reads the sources.
  /// @param source i64 [B, S]
  /// @param lengths i64 [B]
  /// @param weights when given, gets each layer's self-attention [B, heads, S, S]
  /// @return [B, S, D]
  Tensor encode(const Tensor& source, const Tensor& lengths, std::vector<Tensor>* weights = nullptr) const;

 private:
  friend class TransformerDecoding;
  Teacher teach(const Batch& batch, const Tensor& rows) const override;
  // The decoder on given targets -> [B, T, D], before the last normalisation; the lists, when given, get each layer's attention
  // [B, heads, T, S] and [B, heads, T, T].
  Tensor decode(const Tensor& memory, const Batch& batch, std::vector<Tensor>* cross_weights, std::vector<Tensor>* self_weights) const;
  std::pair<Tensor, Tensor> vocabulary_weights() const override;
  Tensor finish(const Tensor& x, const std::unique_ptr<nn::LayerNorm>& norm) const { return norm ? (*norm)(x) : x; }

  TransformerOptions options_;
  std::unique_ptr<PositionedEmbedding> target_embedding_, source_embedding_;  // the target's first: the source may share its table
  std::vector<std::unique_ptr<nn::TransformerEncoderLayer>> encoder_;
  std::vector<std::unique_ptr<nn::TransformerDecoderLayer>> decoder_;
  std::unique_ptr<nn::LayerNorm> encoder_norm_, decoder_norm_;  // pre-norm: behind the last layer
  std::unique_ptr<nn::Linear> projection_;                      // when it is not the target's embedding
};

}  // namespace heed::models
