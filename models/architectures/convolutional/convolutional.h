// The convolutional translator (Gehring et al. 2017): gated convolutions instead of recurrence, learned
// positions, attention in every decoder layer. Unlike the paper (sec. 3.5) it uses no weight normalisation
// and no Nesterov momentum, which are not needed with Adam.
#pragma once

#include <memory>
#include <vector>

#include "models/architectures/convolutional/options.h"
#include "models/architectures/source_rows.h"

namespace heed::models {

/// Word vectors plus learned positions, then dropout (sec. 3.1).
class ConvolutionalEmbedding : public nn::Module {
 public:
  /// @param options sizes, dropout
  /// @param vocabulary V
  /// @param table table [V, E] of another layer to share; undefined: an own table
  ConvolutionalEmbedding(const ConvolutionalOptions& options, int64_t vocabulary, const Tensor& table = {},
                         const nn::Scope& scope = {});
  /// @param ids i64 [B, T]
  /// @param first the position of the first column
  /// @return [B, T, E]
  Tensor operator()(const Tensor& ids, int64_t first = 0) const;
  /// @return the word vectors [V, E]
  const Tensor& table() const { return table_; }

 private:
  Tensor table_;  // [V, E]
  nn::LearnedPositions positions_;
  nn::Dropout dropout_;
};

/// A convolution over K positions with a gated linear unit: one half of its output, through a sigmoid,
/// multiplies the other, a * sigmoid(b) (sec. 3.2; Dauphin et al. 2017).
class GatedConvolution : public nn::Module {
 public:
  /// @param options H, K and dropout are used
  explicit GatedConvolution(const ConvolutionalOptions& options, const nn::Scope& scope = {});
  /// @param x [B, T + K - 1, H]; positions outside the sentence must be 0
  /// @return [B, T, H]
  Tensor operator()(const Tensor& x) const;
  Tensor weight;  // [2H, K H]: the weights of the K positions side by side
  Tensor bias;    // [2H]

 private:
  int64_t kernel_width_;
};

/// A decoder layer: a convolution over the words so far, then single-step attention (sec. 3.3).
class ConvolutionalDecoderLayer : public nn::Module {
 public:
  /// @param options sizes
  explicit ConvolutionalDecoderLayer(const ConvolutionalOptions& options, const nn::Scope& scope = {});
  /// Result of the layer.
  struct Output {
    Tensor output;   // [B, T, H]
    Tensor weights;  // [B, 1, T, S]: attention weights
  };
  /// @param x [B, T, H], output of the layer below
  /// @param read [B, T + K - 1, H], x with the K - 1 positions before it, after dropout
  /// @param words [B, T, E], embeddings of the target, which are added to the query
  /// @param keys,values [B, S, E]: the encoder's output; the encoder's output plus the source embeddings
  /// @param lengths i64 [B], lengths of the sources
  /// @param seen bool [B, 1, S], false where attention may not look; undefined: everywhere
  /// @param scale [B, 1, 1], square root of how many units are seen, which restores the variance that
  /// averaging over so
  ///   many vectors removes
  /// @param rows the sentence of `keys` that each row of x reads, T being 1; null: row b reads sentence b
  /// @return the layer's output and its attention
  Output operator()(const Tensor& x, const Tensor& read, const Tensor& words, const Tensor& keys,
                    const Tensor& values, const Tensor& lengths, const Tensor& seen, const Tensor& scale,
                    const SourceRows* rows = nullptr) const;

 private:
  GatedConvolution convolution_;
  nn::Linear query_, context_;
  double query_scale_;  // undoes the division by sqrt(E), which the paper's energies do not have
};

/// The convolutional translator.
class ConvolutionalTranslator : public TranslationModel {
 public:
  /// @param options sizes and kinds
  /// @param source_vocabulary,target_vocabulary numbers of entries
  /// @throws ValueError for invalid options
  ConvolutionalTranslator(const ConvolutionalOptions& options, int64_t source_vocabulary,
                          int64_t target_vocabulary, const nn::Scope& scope = {});
  std::unique_ptr<Decoding> begin(const Batch& batch, bool attention) const override;
  int64_t longest_source() const override { return options_.max_positions; }
  /// @return "convolutional 4+3, 256 wide, kernel 3"
  std::string describe() const override;

 private:
  friend class ConvolutionalDecoding;
  struct Encoded {
    Tensor keys, values;  // [B, S, E]
    Tensor lengths;       // i64 [B]
    Tensor seen;          // bool [B, 1, S], or undefined
    Tensor scale;         // [B, 1, 1]
  };
  // A unit that is not seen reads as padding does: as nothing.
  Encoded encode(const Tensor& source, const Tensor& lengths, const Tensor& seen) const;
  Tensor score_rows(const Tensor& x) const;
  Teacher teach(const Batch& batch, const Tensor& rows) const override;
  std::pair<Tensor, Tensor> vocabulary_weights() const override;

  ConvolutionalOptions options_;
  /// The source may share the target's table.
  std::unique_ptr<ConvolutionalEmbedding> target_embedding_, source_embedding_;
  nn::Linear encoder_in_, encoder_out_, decoder_in_, decoder_out_;  // convert between the sizes E and H
  nn::Dropout dropout_;
  std::vector<std::unique_ptr<GatedConvolution>> encoder_;
  std::vector<std::unique_ptr<ConvolutionalDecoderLayer>> decoder_;
  std::unique_ptr<nn::Linear> projection_;  // null if the target embedding is the projection
};

}  // namespace heed::models
