// The recurrent translator: an encoder of LSTM or GRU layers and a decoder of one whose attention is an option.
//
// additive: the decoder looks at the encoder's states with its own state at every step (Bahdanau et al. 2015, A.1.2), and what it saw is
//   part of its next input (input feeding, Luong et al. 2015, sec. 3.3; theirs feeds tanh(W_c [c; h]), this one the context c itself).
// The other kinds take additive's place. Without input feeding the decoder runs by itself and looks afterwards (Luong et al. 2015,
// sec. 3.1). none: in place of what attention sees stands one vector, the encoder's final states, at every step (Cho et al. 2014,
// sec. 3.1): the same decoder with the same weights, so that the comparison is one of attention and nothing else.
#pragma once

#include <memory>

#include "models/seq2seq/model.h"

namespace heed::models {

/// The encoder's result for a batch: everything that decoding needs to know of the sources.
struct Encoded {
  nn::Attention::Memory memory;  // keys [B, S, E]; projected is undefined without attention
  Tensor summary;                // [B, E]: final states of both directions
  Tensor cell;                   // [B, E]: final cells; undefined with GRU
};

/// The decoder between two steps.
struct DecoderState {
  Tensor hidden, cell;  // [B, H]; no cell with GRU
  Tensor context;       // [B, E]: what attention saw last
  nn::Attention::State attention;
};

struct StepResult {
  Tensor logits;   // [B, V]
  Tensor weights;  // [B, maps, S]; undefined without attention
};

class Encoder : public nn::Module {
 public:
  Encoder(const ModelConfig& config, int64_t vocabulary);
  /// source i64 [B, S] -> keys [B, S, E], summary [B, E], cell [B, E] (undefined with GRU).
  LstmResult operator()(const Tensor& source, const Tensor& lengths) const;
  const Tensor& table() const { return embedding_.weight; }

 private:
  nn::Embedding embedding_;
  nn::Dropout dropout_;
  std::unique_ptr<nn::LSTM> lstm_;  // one of the two
  std::unique_ptr<nn::GRU> gru_;
};

class Decoder : public nn::Module {
 public:
  /// `table` [V, embedding]: the encoder's word vectors, where both sides share them (tie = all).
  Decoder(const ModelConfig& config, int64_t vocabulary, const Tensor& table);

  bool has_attention() const { return static_cast<bool>(attention_); }
  int64_t attention_maps() const { return attention_ ? maps_ : 0; }
  nn::Attention::Memory prepare(const Tensor& keys, const Tensor& lengths) const;
  DecoderState start(const Encoded& encoded) const;
  /// One step on the words `ids` i64 [B]; advances `state`.
  StepResult step(const Encoded& encoded, DecoderState& state, const Tensor& ids) const;

  struct States {
    Tensor embedded, hidden, context;  // [B, T, D], [B, T, H], [B, T, E]
    Tensor weights;                    // [B, maps, T, S]; undefined without attention
  };
  /// All steps on a given target: fused where the kind of attention has a fused form, step by step otherwise.
  States run(const Encoded& encoded, const Tensor& target_in, const Tensor& target_lengths) const;
  /// The same, always step by step from public ops: the plain reference.
  States run_stepwise(const Encoded& encoded, const Tensor& target_in) const;

  /// What the vocabulary is scored from: tanh(W [hidden; context; embedded]), rows [N, *] -> [N, readout], with dropout.
  Tensor readout(const Tensor& hidden, const Tensor& context, const Tensor& embedded) const;
  /// The projection to the vocabulary: weight [V, readout] and bias [V], or the word vectors and undefined when they are tied.
  std::pair<Tensor, Tensor> projection() const;

 private:
  Tensor cell_input(const Tensor& embedded, const Tensor& context) const;
  LstmResult advance(const Tensor& x, const Tensor& lengths, const Tensor& hidden, const Tensor& cell) const;

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

class Seq2Seq : public TranslationModel {
 public:
  /// Throws ValueError for a config that makes no sense.
  Seq2Seq(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary);

  Encoded encode(const Tensor& source, const Tensor& lengths) const;
  std::unique_ptr<Decoding> begin(const Batch& batch) const override;
  const Decoder& decoder() const { return decoder_; }
  /// "additive attention, LSTM 256".
  std::string describe() const override;

 private:
  Teacher teach(const Batch& batch, const Tensor& rows) const override;
  std::pair<Tensor, Tensor> vocabulary_weights() const override;
  Encoder encoder_;
  Decoder decoder_;
};

}  // namespace heed::models
