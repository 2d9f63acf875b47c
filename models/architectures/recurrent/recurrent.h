// The recurrent translator: an encoder of LSTM or GRU layers and a decoder of one whose attention is an option.
//
// additive: the decoder looks at the encoder's states with its own state at every step (Bahdanau et al. 2015, A.1.2), and what it saw is
//   part of its next input (input feeding, Luong et al. 2015, sec. 3.3; theirs feeds tanh(W_c [c; h]), this one the context c itself).
// The other kinds take additive's place. Without input feeding the decoder runs by itself and looks afterwards (Luong et al. 2015,
// sec. 3.1). none: in place of what attention sees stands one vector, the encoder's final states, at every step (Cho et al. 2014,
// sec. 3.1): the same decoder with the same weights, so that the comparison is one of attention and nothing else.
#pragma once

#include <memory>

#include "models/architectures/recurrent/options.h"

namespace heed::models {

/// The encoder's result for a batch: everything that decoding needs to know of the sources.
struct Encoded {
  nn::Attention::Memory memory;  // keys [B, S, E]; projected is undefined without attention
  Tensor summary;                // [B, E]: final states of both directions
  Tensor cell;                   // [B, E]: final cells; undefined with GRU
};

/// The decoder between two steps.
struct DecoderState {
  Tensor hidden, cell;             // [B, H]; no cell with GRU
  Tensor context;                  // [B, E]: what attention saw last
  nn::Attention::State attention;  // what attention remembers
};

/// What a decoder's step gives.
struct StepResult {
  Tensor logits;   // [B, V]
  Tensor weights;  // [B, maps, S]; undefined without attention
};

/// Word vectors and LSTM or GRU layers.
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
  std::unique_ptr<nn::LSTM> lstm_;  // one of the two
  std::unique_ptr<nn::GRU> gru_;
};

/// One LSTM or GRU layer with attention, and the projection to the vocabulary.
class Decoder : public nn::Module {
 public:
  /// @param options cell, sizes, attention
  /// @param vocabulary V of the target
  /// @param table [V, embedding]: the encoder's word vectors, where both sides share them (tie = all)
  Decoder(const RecurrentOptions& options, int64_t vocabulary, const Tensor& table, const nn::Scope& scope = {});

  /// @return whether there is any
  bool has_attention() const { return static_cast<bool>(attention_); }
  /// @return maps of each target token; 0 without attention
  int64_t attention_maps() const { return attention_ ? maps_ : 0; }
  /// What attention makes of the keys, once a sentence.
  /// @param keys [B, S, E]
  /// @param lengths i64 [B]
  /// @return the keys alone without attention
  nn::Attention::Memory prepare(const Tensor& keys, const Tensor& lengths) const;
  /// The state before the first step.
  /// @param encoded the sources
  /// @return made of their summary
  DecoderState start(const Encoded& encoded) const;
  /// One step.
  /// @param encoded the sources
  /// @param state advances
  /// @param ids i64 [B]: the last words
  /// @return logits of the next, and the attention
  StepResult step(const Encoded& encoded, DecoderState& state, const Tensor& ids) const;

  /// All steps of a target.
  struct States {
    Tensor embedded;  // [B, T, D]
    Tensor hidden;    // [B, T, H]
    Tensor context;   // [B, T, E]
    Tensor weights;   // [B, maps, T, S]; undefined without attention
  };
  /// All steps on a given target: fused where the kind of attention has a fused form, step by step otherwise.
  /// @param encoded the sources
  /// @param target_in i64 [B, T]
  /// @param target_lengths i64 [B]
  /// @return the states; what lies past a target length has no meaning
  States run(const Encoded& encoded, const Tensor& target_in, const Tensor& target_lengths) const;
  /// The same, always step by step from public ops: the plain reference.
  /// @param encoded the sources
  /// @param target_in i64 [B, T]
  /// @return the states
  States run_stepwise(const Encoded& encoded, const Tensor& target_in) const;

  /// What the vocabulary is scored from: tanh(W [hidden; context; embedded]), with dropout.
  /// @param hidden,context,embedded rows [N, *]
  /// @return [N, readout]
  Tensor readout(const Tensor& hidden, const Tensor& context, const Tensor& embedded) const;
  /// The projection to the vocabulary.
  /// @return weight [V, readout] and bias [V], or the word vectors and undefined when they are tied
  std::pair<Tensor, Tensor> projection() const;

 private:
  Tensor cell_input(const Tensor& embedded, const Tensor& context) const;
  LSTMResult advance(const Tensor& x, const Tensor& lengths, const Tensor& hidden, const Tensor& cell) const;

  bool fixed_context_, input_feeding_;
  int64_t maps_;
  nn::Embedding embedding_;
  nn::Dropout dropout_;
  std::unique_ptr<nn::LSTMLayer> lstm_;  // one of the two
  std::unique_ptr<nn::GRULayer> gru_;
  nn::Linear init_hidden_;
  std::unique_ptr<nn::Linear> init_cell_;
  nn::Linear readout_;
  std::unique_ptr<nn::Linear> projection_;  // when it is not the word vectors
  std::unique_ptr<nn::Attention> attention_;
};

/// The recurrent translator.
class Seq2Seq : public TranslationModel {
 public:
  /// @param options what it is
  /// @param source_vocabulary,target_vocabulary entries
  /// @throws ValueError for options that make no sense
  Seq2Seq(const RecurrentOptions& options, int64_t source_vocabulary, int64_t target_vocabulary, const nn::Scope& scope = {});

  /// Reads the sources.
  /// @param source i64 [B, S]
  /// @param lengths i64 [B]
  /// @return what every step needs of them
  Encoded encode(const Tensor& source, const Tensor& lengths) const;
  std::unique_ptr<Decoding> begin(const Batch& batch) const override;
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
