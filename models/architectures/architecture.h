// What every translator offers to training and decoding, whatever it is made of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/corpus/batches.h"
#include "models/options/option.h"
#include "nn/nn.h"

namespace heed::models {

/// Which tables the vocabularies share: the target's word vectors with the projection to the vocabulary (Press & Wolf 2017), and with the
/// source's as well.
enum class Tie : uint8_t { none, output, all };
/// The names of Tie.
template <>
inline constexpr std::array<std::string_view, 3> kNames<Tie>{"none", "output", "all"};

/// Which attention a map of weights belongs to.
struct AttentionMap {
  int layer = 0, head = 0;  // from 0
  bool operator==(const AttentionMap&) const = default;
};

/// A batch of sentences while it is being translated word by word. What rows hold is the model's own affair.
class Decoding {
 public:
  virtual ~Decoding() = default;
  /// What a step gives.
  struct Step {
    Tensor logits;   // [B, V]
    Tensor weights;  // [B, maps, S], maps in the order of attention_maps(); undefined without attention
  };
  /// One word further.
  /// @param ids i64 [B]: the last word of each row, the begin mark at first
  /// @return logits of the next word, and the attention
  virtual Step step(const Tensor& ids) = 0;
  /// Keeps these rows, in this order.
  /// @param rows may stand several times (beams) or not at all (finished)
  virtual void select(const std::vector<int64_t>& rows) = 0;
};

/// Base of every translator.
class TranslationModel : public nn::Module {
 public:
  /// Mean cross-entropy of the targets, padding left out before the vocabulary is scored.
  /// @param batch pairs
  /// @param label_smoothing in [0, 1)
  /// @return scalar, nats a token
  Tensor loss(const Batch& batch, double label_smoothing) const;
  /// What forced decoding gives.
  struct Forced {
    Tensor log_probabilities;  // [B, T]: of each target token, 0 on padding
    Tensor weights;            // [B, maps, T, S]; undefined without attention
  };
  /// Forced decoding.
  /// @param batch pairs
  /// @return log probabilities and attention
  Forced forced(const Batch& batch) const;
  /// What the sides of given pairs attend to in themselves. Row t of the decoder puts out target_out[t]; column u stands where target_in[u]
  /// is read, so that column 0 is the begin mark and nothing lies above the diagonal.
  struct SelfAttention {
    Tensor encoder;  // [B, maps, S, S], maps in the order of encoder_self_maps()
    Tensor decoder;  // [B, maps, T, T], maps in the order of decoder_self_maps()
  };
  /// @param batch pairs
  /// @return the maps of both sides
  /// @throws ValueError for a model without self-attention
  virtual SelfAttention self_attention(const Batch& batch) const;
  /// Reads the sources, to translate them word by word.
  /// @param batch whose sources are read
  /// @return rows in the order of the batch
  virtual std::unique_ptr<Decoding> begin(const Batch& batch) const = 0;

  /// @return the attention maps of each target token; empty without attention
  const std::vector<AttentionMap>& attention_maps() const { return maps_; }
  /// @return whether there is any
  bool has_attention() const { return !maps_.empty(); }
  /// @return the encoder's self-attention maps; empty where there is none
  const std::vector<AttentionMap>& encoder_self_maps() const { return encoder_self_maps_; }
  /// @return the decoder's
  const std::vector<AttentionMap>& decoder_self_maps() const { return decoder_self_maps_; }
  /// @return whether there is any
  bool has_self_attention() const { return !encoder_self_maps_.empty() && !decoder_self_maps_.empty(); }
  /// @return units of the longest source, with the end mark; INT64_MAX unless something bounds it, such as learned positions
  virtual int64_t longest_source() const { return INT64_MAX; }
  /// @return units of the longest target, without the end mark
  int64_t longest_target() const { return longest_source() - 1; }
  /// @return "additive attention, LSTM 256": what a picture's title says
  virtual std::string describe() const = 0;

 protected:
  explicit TranslationModel(const nn::Scope& scope) : Module(scope) {}
  /// The decoder on a given target.
  struct Teacher {
    Tensor rows;     // [N, D]: what the vocabulary is scored from
    Tensor weights;  // [B, maps, T, S]
  };
  /// @param batch pairs
  /// @param rows i64 [N]: the positions b * T + t that are wanted
  /// @return the decoder's results there
  virtual Teacher teach(const Batch& batch, const Tensor& rows) const = 0;
  /// The projection to the vocabulary.
  /// @return weight [V, D], bias [V] or undefined
  virtual std::pair<Tensor, Tensor> vocabulary_weights() const = 0;

  std::vector<AttentionMap> maps_, encoder_self_maps_, decoder_self_maps_;  // set by the model's constructor
};

/// Rows by index, for Decoding::select.
/// @param x [B, *] of any dtype; undefined stays undefined
/// @param rows in 0 .. B - 1
/// @return [N, *]
Tensor take_rows(const Tensor& x, const std::vector<int64_t>& rows);

}  // namespace heed::models
