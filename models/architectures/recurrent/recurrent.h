// The recurrent translator: an encoder of LSTM or GRU layers, and a decoder of one such layer with a choice
// of attention.
//
// additive: at every step the decoder attends to the encoder's states, with its own state as the query
// (Bahdanau et al. 2015, A.1.2), and the context is part of its next input (input feeding, Luong et al. 2015,
// sec. 3.3, who feed tanh(W_c [c; h]) instead of the context c).
// The other kinds of attention replace additive. Without input feeding the decoder's states do not depend on
// attention, which is computed afterwards (Luong et al. 2015, sec. 3.1). none: the context is replaced by one
// fixed vector, the encoder's final states, at every step (Cho et al. 2014, sec. 3.1). The decoder and its
// weights are the same, so a comparison shows the effect of attention alone.
#pragma once

#include <memory>
#include <variant>

#include "models/architectures/recurrent/options.h"
#include "models/architectures/source_rows.h"

namespace heed::models {

/// The encoder's result for a batch: everything that decoding needs from the sources.
struct Encoded {
  nn::Attention::Memory memory;  // keys [B, S, E]; projected is undefined without attention
  Tensor summary;                // [B, E]: final hidden states of both directions
  Tensor cell;                   // [B, E]: final cell states; undefined with GRU
};

/// The state of the decoder between two steps.
struct DecoderState {
  Tensor hidden, cell;             // [B, H]; cell is undefined with GRU
  Tensor context;                  // [B, E]: the last context
  nn::Attention::State attention;  // state of the attention
};

/// Result of a decoder step.
struct StepResult {
  Tensor logits;   // [B, V]
  Tensor weights;  // [B, maps, S]; undefined without attention
};

/// Encoder: word embedding and LSTM or GRU layers.
class Encoder : public nn::Module {
 public:
  /// @param options cell, sizes, layers
  /// @param vocabulary V of the source
  Encoder(const RecurrentOptions& options, int64_t vocabulary, const nn::Scope& scope = {});
  /// @param source i64 [B, S]
  /// @param lengths i64 [B]
  /// @return keys [B, S, E], summary [B, E], cell [B, E] (undefined with GRU)
  LSTMResult operator()(const Tensor& source, const Tensor& lengths) const;
  /// @return the word vectors [V, embedding]
  const Tensor& table() const { return embedding_.weight; }

 private:
  nn::Embedding embedding_;
  nn::Dropout dropout_;
  std::unique_ptr<nn::LSTM> lstm_;  // exactly one of lstm_ and gru_ is set
  std::unique_ptr<nn::GRU> gru_;
};

/// Decoder: word embedding, one LSTM or GRU layer with attention, and the projection to the vocabulary.
class Decoder : public nn::Module {
 public:
  /// @param options cell, sizes, attention
  /// @param vocabulary V of the target
  /// @param table [V, embedding]: the encoder's word vectors, used if both sides share them (tie = all)
  Decoder(const RecurrentOptions& options, int64_t vocabulary, const Tensor& table,
          const nn::Scope& scope = {});

  /// @return whether the decoder has attention
  bool has_attention() const { return static_cast<bool>(attention_); }
  /// @return whether rows that translate the same sentence may share its memory (SourceRows): not where the
  ///   attention remembers the steps before
  bool shares_memory() const { return attention_ && !attention_->needs_state(); }
  /// @return number of attention maps per target token; 0 without attention
  int64_t attention_maps() const { return attention_ ? maps_ : 0; }
  /// Prepares the keys for attention, once per sentence.
  /// @param keys [B, S, E]
  /// @param lengths i64 [B]
  /// @return the prepared memory; without attention only the keys
  nn::Attention::Memory prepare(const Tensor& keys, const Tensor& lengths) const;
  /// The state before the first step.
  /// @param encoded the encoded sources
  /// @return the initial state, computed from the encoder's final states
  DecoderState start(const Encoded& encoded) const;
  /// Computes one step.
  /// @param encoded the encoded sources
  /// @param state decoder state; updated
  /// @param ids i64 [B]: the previous word of each row
  /// @param rows the sentence of `encoded` that each row reads; null: row i reads sentence i
  /// @return logits of the next word, and attention weights
  StepResult step(const Encoded& encoded, DecoderState& state, const Tensor& ids,
                  const SourceRows* rows = nullptr) const;

  /// The states of all steps of a target.
  struct States {
    Tensor embedded;  // [B, T, D]
    Tensor hidden;    // [B, T, H]
    Tensor context;   // [B, T, E]
    Tensor weights;   // [B, maps, T, S]; undefined without attention
  };
  /// Runs all steps on a given target, with the fused op if the kind of attention has one, else step by step.
  /// @param encoded the encoded sources
  /// @param target_in i64 [B, T]
  /// @param target_lengths i64 [B]
  /// @return the states; values past a target length are undefined
  States run(const Encoded& encoded, const Tensor& target_in, const Tensor& target_lengths) const;
  /// The same as run(), always step by step with public ops: the reference implementation.
  /// @param encoded the encoded sources
  /// @param target_in i64 [B, T]
  /// @return the states
  States run_stepwise(const Encoded& encoded, const Tensor& target_in) const;

  /// The readout layer, whose output is projected to the vocabulary: tanh(W [hidden; context; embedded]),
  /// with dropout.
  /// @param hidden,context,embedded rows [N, *]
  /// @return [N, readout]
  Tensor readout(const Tensor& hidden, const Tensor& context, const Tensor& embedded) const;
  /// The projection to the vocabulary.
  /// @return weight [V, readout] and bias [V]; with weight tying the word vectors and an undefined bias
  std::pair<Tensor, Tensor> projection() const;

 private:
  // run() by the fused op.
  States run_fused(const nn::Attention::Memory& memory, const DecoderState& first, const Tensor& embedded,
                   const Tensor& target_lengths, const nn::LSTMLayer& lstm,
                   const nn::Attention::Energy& energy) const;
  Tensor cell_input(const Tensor& embedded, const Tensor& context) const;
  LSTMResult advance(const Tensor& x, const Tensor& lengths, const Tensor& hidden, const Tensor& cell) const;

  bool fixed_context_, input_feeding_;
  int64_t maps_;
  nn::Embedding embedding_;
  nn::Dropout dropout_;
  std::variant<nn::LSTMLayer, nn::GRULayer> cell_;
  nn::Linear init_hidden_;
  std::unique_ptr<nn::Linear> init_cell_;
  nn::Linear readout_;
  std::unique_ptr<nn::Linear> projection_;  // null if the word vectors are the projection
  std::unique_ptr<nn::Attention> attention_;
};

/// The recurrent translator.
class Seq2Seq : public TranslationModel {
 public:
  /// @param options sizes and kinds
  /// @param source_vocabulary,target_vocabulary numbers of entries
  /// @throws ValueError for invalid options
  Seq2Seq(const RecurrentOptions& options, int64_t source_vocabulary, int64_t target_vocabulary,
          const nn::Scope& scope = {});

  /// Encodes the sources.
  /// @param source i64 [B, S]
  /// @param lengths i64 [B]
  /// @param seen bool [B, S], false where attention may not look; undefined: everywhere. The encoder reads
  ///   every unit all the same, so that the states beside such a one still know of it
  /// @return the encoded sources
  Encoded encode(const Tensor& source, const Tensor& lengths, const Tensor& seen = {}) const;
  std::unique_ptr<Decoding> begin(const Batch& batch, bool attention) const override;
  /// @return the decoder, for tests of its steps
  const Decoder& decoder() const { return decoder_; }
  /// @return "additive attention, LSTM 256"
  std::string describe() const override;

 private:
  Teacher teach(const Batch& batch, const Tensor& rows) const override;
  std::pair<Tensor, Tensor> vocabulary_weights() const override;
  RecurrentOptions options_;
  Encoder encoder_;
  Decoder decoder_;
};

}  // namespace heed::models
