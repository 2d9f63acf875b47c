// What every translator offers to training and decoding, whatever it is made of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/data/batches.h"
#include "models/seq2seq/config.h"
#include "nn/nn.h"

namespace heed::models {

/// Which attention a map of weights belongs to.
struct AttentionMap {
  int layer = 0, head = 0;
  bool operator==(const AttentionMap&) const = default;
};

/// A batch of sentences while it is being translated word by word. What rows hold is the model's own affair.
class Decoding {
 public:
  virtual ~Decoding() = default;
  struct Step {
    Tensor logits;   // [B, V]
    Tensor weights;  // [B, maps, S], maps in the order of attention_maps(); undefined without attention
  };
  /// The next word of each row, given the last one `ids` i64 [B] (<s> at first).
  virtual Step step(const Tensor& ids) = 0;
  /// Keeps these rows, in this order; a row may stand several times (beams) or not at all (finished).
  virtual void select(const std::vector<int64_t>& rows) = 0;
};

class TranslationModel : public nn::Module {
 public:
  /// Mean cross-entropy of the targets in nats a token, padding left out before the vocabulary is scored.
  Tensor loss(const Batch& batch, double label_smoothing) const;
  /// Forced decoding: log probability of each target token [B, T] (0 on padding) and the attention [B, maps, T, S] (undefined without).
  struct Forced {
    Tensor log_probabilities, weights;
  };
  Forced forced(const Batch& batch) const;
  /// What the sides of given pairs attend to in themselves. Row t of the decoder puts out target_out[t]; column u stands where target_in[u]
  /// is read, so that column 0 is <s> and nothing lies above the diagonal.
  struct SelfAttention {
    Tensor encoder;  // [B, maps, S, S], maps in the order of encoder_self_maps()
    Tensor decoder;  // [B, maps, T, T], maps in the order of decoder_self_maps()
  };
  /// Throws ValueError for a model without self-attention.
  virtual SelfAttention self_attention(const Batch& batch) const;
  virtual std::unique_ptr<Decoding> begin(const Batch& batch) const = 0;

  const ModelConfig& config() const { return config_; }
  /// The attention maps of each target token; empty without attention.
  const std::vector<AttentionMap>& attention_maps() const { return maps_; }
  bool has_attention() const { return !maps_.empty(); }
  /// The self-attention maps of either side; empty for a recurrent model.
  const std::vector<AttentionMap>& encoder_self_maps() const { return encoder_self_maps_; }
  const std::vector<AttentionMap>& decoder_self_maps() const { return decoder_self_maps_; }
  bool has_self_attention() const { return !encoder_self_maps_.empty() && !decoder_self_maps_.empty(); }
  /// Units of the longest source, with </s>, and of the longest target without: bounded by learned positions alone.
  int64_t longest_source() const;
  int64_t longest_target() const { return longest_source() - 1; }
  /// "additive attention, LSTM 256": what a picture's title says.
  virtual std::string describe() const = 0;

 protected:
  explicit TranslationModel(ModelConfig config) : config_(std::move(config)) {}
  /// The decoder on a given target: what the vocabulary is scored from, for the positions `rows` (b * T + t) alone: [N, D].
  struct Teacher {
    Tensor rows;     // [N, D]
    Tensor weights;  // [B, maps, T, S]
  };
  virtual Teacher teach(const Batch& batch, const Tensor& rows) const = 0;
  /// The projection to the vocabulary: weight [V, D], bias [V] or undefined.
  virtual std::pair<Tensor, Tensor> vocabulary_weights() const = 0;

  ModelConfig config_;
  std::vector<AttentionMap> maps_, encoder_self_maps_, decoder_self_maps_;
};

/// Rows of x [B, *] by index, for Decoding::select; i64 as well. Undefined stays undefined.
Tensor take_rows(const Tensor& x, const std::vector<int64_t>& rows);

/// The model that `config` describes. Throws ValueError for a config that makes no sense.
std::unique_ptr<TranslationModel> make_model(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary);

}  // namespace heed::models
