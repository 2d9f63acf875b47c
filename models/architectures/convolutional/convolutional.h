// The convolutional translator (Gehring et al. 2017): gated convolutions instead of recurrence, learned positions, attention in every layer
// of the decoder. Its weights are not normalised (sec. 3.5 trains with weight normalisation and Nesterov's momentum; Adam does without).
#pragma once

#include <memory>
#include <vector>

#include "models/architectures/convolutional/options.h"

namespace heed::models {

/// Word vectors plus learned positions, then dropout (sec. 3.1).
class ConvolutionalEmbedding : public nn::Module {
 public:
  /// @param options sizes, dropout
  /// @param vocabulary V
  /// @param table [V, E] of another layer, shared when it is defined
  ConvolutionalEmbedding(const ConvolutionalOptions& options, int64_t vocabulary, const Tensor& table = {}, const nn::Scope& scope = {});
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

/// A convolution over K positions whose one half gates the other: a * sigmoid(b) (sec. 3.2; Dauphin et al. 2017).
class GatedConvolution : public nn::Module {
 public:
  /// @param options H, K, dropout
  explicit GatedConvolution(const ConvolutionalOptions& options, const nn::Scope& scope = {});
  /// @param x [B, T + K - 1, H], the places beside the sentence filled with 0
  /// @return [B, T, H]
  Tensor operator()(const Tensor& x) const;
  Tensor weight;  // [2H, K H], of the positions one after the other
  Tensor bias;    // [2H]

 private:
  int64_t kernel_width_;
};

/// A layer of the decoder: a convolution over the words so far, and an attention of one step (sec. 3.3).
class ConvolutionalDecoderLayer : public nn::Module {
 public:
  /// @param options sizes
  explicit ConvolutionalDecoderLayer(const ConvolutionalOptions& options, const nn::Scope& scope = {});
  /// What the layer gives.
  struct Output {
    Tensor output;   // [B, T, H]
    Tensor weights;  // [B, 1, T, S]
  };
  /// @param x [B, T, H] the layer below
  /// @param read [B, T + K - 1, H] the same with the K - 1 places before it, dropout applied
  /// @param words [B, T, E] the target's vectors, which help to ask
  /// @param keys,values [B, S, E] the encoder's output, and with the source's vectors added
  /// @param lengths i64 [B] of the sources
  /// @param scale [B, 1, 1] square root of the lengths: what the mean of so many vectors lost in variance
  /// @return the layer's output and its attention
  Output operator()(const Tensor& x, const Tensor& read, const Tensor& words, const Tensor& keys, const Tensor& values,
                    const Tensor& lengths, const Tensor& scale) const;

 private:
  GatedConvolution convolution_;
  nn::Linear query_, context_;
  double query_scale_;  // takes back the division by sqrt(E): the energies of the paper have none
};

/// The convolutional translator.
class ConvolutionalTranslator : public TranslationModel {
 public:
  /// @param options what it is
  /// @param source_vocabulary,target_vocabulary entries
  /// @param scope of the constructor
  /// @throws ValueError for options that make no sense
  ConvolutionalTranslator(const ConvolutionalOptions& options, int64_t source_vocabulary, int64_t target_vocabulary,
                          const nn::Scope& scope = {});
  std::unique_ptr<Decoding> begin(const Batch& batch) const override;
  int64_t longest_source() const override { return options_.max_positions; }
  /// @return "convolutional 4+3, 256 wide, kernel 3"
  std::string describe() const override;

 private:
  friend class ConvolutionalDecoding;
  struct Encoded {
    Tensor keys, values;  // [B, S, E]
    Tensor lengths;       // i64 [B]
    Tensor scale;         // [B, 1, 1]
  };
  Encoded encode(const Tensor& source, const Tensor& lengths) const;
  Tensor score_rows(const Tensor& x) const;
  Teacher teach(const Batch& batch, const Tensor& rows) const override;
  std::pair<Tensor, Tensor> vocabulary_weights() const override;

  ConvolutionalOptions options_;
  std::unique_ptr<ConvolutionalEmbedding> target_embedding_, source_embedding_;  // the target's first: the source may share its table
  nn::Linear encoder_in_, encoder_out_, decoder_in_, decoder_out_;               // between the sizes E and H
  nn::Dropout dropout_;
  std::vector<std::unique_ptr<GatedConvolution>> encoder_;
  std::vector<std::unique_ptr<ConvolutionalDecoderLayer>> decoder_;
  std::unique_ptr<nn::Linear> projection_;  // when it is not the target's embedding
};

}  // namespace heed::models
