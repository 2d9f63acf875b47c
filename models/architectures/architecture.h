// The interface of all translation models, used by training and decoding.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/corpus/batches.h"
#include "models/options/option.h"
#include "nn/nn.h"

namespace heed::models {

/// Weight tying: which embedding tables are shared. none; output: the target embedding is also the projection
/// to the vocabulary (Press & Wolf 2017); all: the source embedding is the same table too.
enum class Tie : uint8_t { none, output, all };
/// The names of Tie.
template <>
inline constexpr std::array<std::string_view, 3> kNames<Tie>{"none", "output", "all"};

/// The layer and head that a map of attention weights belongs to.
struct AttentionMap {
  int layer = 0, head = 0;  // from 0
  bool operator==(const AttentionMap&) const = default;
};

/// What a model may write, beside its weights: search keeps to it. Of the special tokens <pad> and <s> are
/// never written.
struct OutputRules {
  std::vector<int> banned = {};  // further ids that are never written
  /// Whether an output that reaches its limit of length ends with </s>, at no cost in score.
  bool end_at_limit = false;
  /// Whether probabilities sum to one over what may be written; else over all ids, as in training.
  bool renormalise = false;
};

/// The state of translating a batch of sentences word by word. What is stored per row is up to the model.
class Decoding {
 public:
  virtual ~Decoding() = default;
  /// Result of a step.
  struct Step {
    Tensor logits;  // [B, V]: unnormalised scores of the next word
    /// [B, maps, S]: attention weights, maps in the order of attention_maps(); undefined without attention,
    /// and when begin() was told that nobody wants them.
    Tensor weights;
  };
  /// Advances every row by one word.
  /// @param ids i64 [B]: the previous word of each row; the begin mark at the first step
  /// @return logits of the next word, and attention weights
  virtual Step step(const Tensor& ids) = 0;
  /// Keeps some rows, in the given order.
  /// @param rows rows to keep; a row may occur several times (beam search) or not at all (finished)
  virtual void select(const std::vector<int64_t>& rows) = 0;
};

/// Base class of all translation models.
class TranslationModel : public nn::Module {
 public:
  /// Mean cross-entropy of the targets. Padding is removed before the projection to the vocabulary.
  /// @param batch batch of pairs
  /// @param label_smoothing in [0, 1)
  /// @return scalar, nats per token
  Tensor loss(const Batch& batch, double label_smoothing) const;
  /// What a guided training lowers.
  struct Losses {
    Tensor words;      // scalar, nats per token: as loss()
    Tensor alignment;  // scalar, nats per linked token: see guided_alignment_loss(); undefined without links
  };
  /// @param batch batch of pairs, with links
  /// @param label_smoothing in [0, 1)
  /// @param map the map of attention_maps() that is to follow the links
  /// @return both losses
  /// @throws ValueError when there is no such map
  Losses losses(const Batch& batch, double label_smoothing, AttentionMap map) const;
  /// @param batch batch of pairs
  /// @param layer from 0
  /// @return [B, T, S]: the mean of the layer's attention weights
  /// @throws ValueError when there is no such layer
  Tensor layer_attention(const Batch& batch, int layer) const;
  /// Result of forced decoding.
  struct Forced {
    Tensor log_probabilities;  // [B, T]: log probability of each target token, 0 on padding
    Tensor weights;            // [B, maps, T, S]; undefined without attention
  };
  /// Computes the log probabilities and attention of given targets.
  /// @param batch batch of pairs
  /// @return log probabilities and attention
  Forced forced(const Batch& batch) const;
  /// The self-attention of encoder and decoder for given pairs. In the decoder, row t belongs to the output
  /// target_out[t] and column u to the input target_in[u], so column 0 is the begin mark and everything above
  /// the diagonal is zero.
  struct SelfAttention {
    Tensor encoder;  // [B, maps, S, S], maps in the order of encoder_self_maps()
    Tensor decoder;  // [B, maps, T, T], maps in the order of decoder_self_maps()
  };
  /// @param batch batch of pairs
  /// @return the maps of both sides
  /// @throws ValueError for a model without self-attention
  virtual SelfAttention self_attention(const Batch& batch) const;
  /// What one layer of attention is computed from, all heads beside each other: of head h the elements h d to
  /// (h + 1) d - 1, and its weights are softmax(q k / sqrt(d)).
  struct LayerVectors {
    int kind = 0;              // 0: output to source; 1, 2: self-attention of encoder, of decoder
    int layer = 0;             // from 0
    Tensor query, key, value;  // [B, rows, D], [B, columns, D] twice
  };
  /// For given pairs, with rows and columns as in forced() and self_attention(). Not while another thread
  /// uses the model.
  /// @param batch batch of pairs
  /// @return the layers of each kind; none where the weights do not follow from such vectors alone
  virtual std::vector<LayerVectors> attention_vectors(const Batch& batch);
  /// Encodes the sources, to translate them word by word.
  /// @param batch batch whose sources are encoded
  /// @param attention whether steps give their weights; without, they are left undefined, which is faster
  /// @return the decoding state, with rows in the order of the batch
  virtual std::unique_ptr<Decoding> begin(const Batch& batch, bool attention = true) const = 0;

  /// @return the attention maps of each target token; empty without attention
  const std::vector<AttentionMap>& attention_maps() const { return maps_; }
  /// @return whether the model has attention
  bool has_attention() const { return !maps_.empty(); }
  /// @return the encoder's self-attention maps; empty if there is none
  const std::vector<AttentionMap>& encoder_self_maps() const { return encoder_self_maps_; }
  /// @return the decoder's self-attention maps; empty if there is none
  const std::vector<AttentionMap>& decoder_self_maps() const { return decoder_self_maps_; }
  /// @return whether the model has self-attention
  bool has_self_attention() const { return !encoder_self_maps_.empty() && !decoder_self_maps_.empty(); }
  /// @return largest number of source units, end mark included; INT64_MAX unless something limits it, such as
  ///   learned positions
  virtual int64_t longest_source() const { return INT64_MAX; }
  /// @return largest number of target units, without the end mark
  int64_t longest_target() const { return longest_source() - 1; }
  /// @return what the model may write
  const OutputRules& output_rules() const { return rules_; }
  /// @return how its products are computed while it decodes; f32 unless set
  ProductType products() const { return products_; }
  /// @param type of its products from now on
  void set_products(ProductType type) { products_ = type; }
  /// @return its weights in the layout for decoding, filled while it decodes
  PackedWeights& packed_weights() const { return packed_; }
  /// @param rules what it may write from now on
  void set_output_rules(OutputRules rules) { rules_ = std::move(rules); }
  /// @return a short description for titles of pictures: "additive attention, LSTM 256"
  virtual std::string describe() const = 0;

 protected:
  explicit TranslationModel(const nn::Scope& scope) : Module(scope) {}
  /// Result of running the decoder on a given target (teacher forcing).
  struct Teacher {
    Tensor rows;                  // [N, D]: the decoder's outputs, input of the projection to the vocabulary
    std::vector<Tensor> weights;  // by layer with attention: [B, heads, T, S]
  };
  /// @param batch batch of pairs
  /// @param rows i64 [N]: the positions b * T + t to return
  /// @return the decoder's outputs at these positions, and the weights of all attention layers
  virtual Teacher teach(const Batch& batch, const Tensor& rows) const = 0;
  /// The projection to the vocabulary.
  /// @return weight [V, D], bias [V] or undefined
  virtual std::pair<Tensor, Tensor> vocabulary_weights() const = 0;

  std::vector<AttentionMap> maps_, encoder_self_maps_, decoder_self_maps_;  // set by derived classes

 private:
  const Tensor& map_of(const Teacher& taught, int layer) const;

  OutputRules rules_;
  ProductType products_ = ProductType::f32;
  mutable PackedWeights packed_;
};

/// Selects rows by index, for Decoding::select.
/// @param x [B, *] of any dtype; an undefined tensor is returned as it is
/// @param rows in 0 .. B - 1
/// @return [N, *]
Tensor take_rows(const Tensor& x, const std::vector<int64_t>& rows);

/// How far attention is from given links: -1/N sum_t sum_s G[t,s] log A[t,s] over the N target tokens that
/// have links, with G[t,s] = 1 / (links of t) where t and s are linked, else 0 (Garg et al. 2019, eq. 7; Chen
/// et al. 2016). 1e-9 is added to A, so that a weight of 0 costs a finite amount.
/// @param weights f32 or f64 [B, T, S]: attention weights A
/// @param batch batch with links
/// @return scalar, nats per linked token
/// @throws ValueError for a batch without links
Tensor guided_alignment_loss(const Tensor& weights, const Batch& batch);

}  // namespace heed::models
