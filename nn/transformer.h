// Transformer layers (Vaswani et al. 2017): layer normalisation, multi-head self-attention and
// cross-attention, feed-forward, and the caches for decoding word by word.
#pragma once

#include <vector>

#include "nn/layers.h"

namespace heed::nn {

/// Layer normalisation: (x - mean) / sqrt(var + eps) * gain + bias over the last dimension (Ba, Kiros &
/// Hinton 2016).
class LayerNorm : public Module {
 public:
  /// @param size size D of each position's vector
  /// @param eps added under the square root so that it is not 0
  /// @param affine whether there are a gain, which starts at 1, and a bias, at 0
  /// @throws ValueError for a size below 1 and a negative eps
  explicit LayerNorm(int64_t size, double eps = 1e-5, bool affine = true, const Scope& scope = {})
      : Module(scope),
        gain((check_at_least("LayerNorm", "size", size, 1),
              check_number("LayerNorm", "eps", eps, Allowed::non_negative),
              affine ? param("gain", ones({size})) : Tensor{})),
        bias(affine ? param("bias", zeros({size})) : Tensor{}),
        size_(size),
        eps_(eps) {}
  /// @param x [*, size]
  /// @return a tensor of the same shape
  /// @throws ShapeError
  Tensor operator()(const Tensor& x) const {
    if (!gain.defined() && (x.ndim() == 0 || x.size(-1) != size_)) {
      throw ShapeError("layer_norm",
                       "vectors of " + std::to_string(size_) + " wanted, got " + x.shape().str());
    }
    return announce(layer_norm(x, gain, bias, eps_));
  }
  Tensor gain, bias;  // [size]; undefined when affine is false

 private:
  int64_t size_;
  double eps_;
};

/// Projected keys and values of one attention layer.
struct KeyValue {
  Tensor key, value;  // [B, S, D]
};

/// Keys and values of one layer while a decoder writes word by word: a row for each position of each
/// hypothesis, in the order in which they were computed. Nothing is moved when hypotheses end or branch.
struct KeyValuePool {
  Tensor rows;       // [capacity, 2 D]: key and value; grows by doubling
  int64_t used = 0;  // how many rows are filled
};

/// Which rows of the pools belong to each hypothesis, the same in all layers: what they share as prefixes is
/// there once.
class DecodingHistory {
 public:
  /// Each hypothesis gets one further position, whose row stands behind those in use.
  /// @param hypotheses B, as many as there are
  void advance(int64_t hypotheses);
  /// Keeps some hypotheses, in the given order.
  /// @param rows which; one may occur several times
  void select(const std::vector<int64_t>& rows);
  /// @return i64 [B, n]: the row of each of the n positions so far
  const Tensor& index() const { return index_; }
  /// @return n, the positions so far
  int64_t length() const { return length_; }

 private:
  Tensor index_;
  int64_t length_ = 0, used_ = 0;
};

/// Multi-head self-attention with one joint projection to queries, keys and values (Vaswani et al. 2017, sec.
/// 3.2.2); with causal = true, later positions are masked (sec. 3.2.3).
class SelfAttention : public Module {
 public:
  /// Result of attention.
  struct Output {
    Tensor output;   // [B, T, D]
    Tensor weights;  // [B, heads, T, S]: attention weights; undefined where they were not wanted
  };
  /// @param size size D of each position's vector
  /// @param heads number of heads; must divide `size`
  /// @param causal whether a position sees only itself and earlier positions
  /// @param rotary whether queries and keys are rotated by their positions in each head (rotary() in
  ///   nn/positional.h); the size of a head must then be even
  /// @throws ValueError when `heads` does not divide `size`
  SelfAttention(int64_t size, int64_t heads, bool causal, bool rotary = false, const Scope& scope = {});
  /// @param x [B, T, D]
  /// @param lengths i64 [B]; undefined: all T
  /// @param mask a mask as for scaled_dot_attention (framework/ops/recurrent.h), [T, T], [B, T, T] or [B,
  ///   heads, T, T], or undefined
  /// @param with_weights whether the weights are wanted. Without them long sequences take flash_attention
  ///   (framework/ops/recurrent.h), whose memory grows with T and not with T^2
  /// @return output [B, T, D], weights [B, heads, T, T], undefined where they are not wanted
  /// @throws ShapeError, DTypeError
  Output operator()(const Tensor& x, const Tensor& lengths, const Tensor& mask = {},
                    bool with_weights = true) const;
  /// Computes one further position, which sees the positions of its hypothesis and itself. No gradient.
  /// @param x [B, D]
  /// @param pool keys and values of the earlier positions; those of the new one are appended
  /// @param history advanced to the new position
  /// @return output [B, D], weights [B, heads, n] over the n positions
  Output step(const Tensor& x, KeyValuePool& pool, const DecodingHistory& history) const;

 private:
  Tensor turned(const Tensor& x, int64_t first) const;
  int64_t size_, heads_;
  bool causal_, rotary_;
  Linear joint_, output_;  // joint_ has weight [3 D, D]: query, key, value
};

/// Multi-head attention to another sequence, the memory (Vaswani et al. 2017, sec. 3.2.3).
class CrossAttention : public Module {
 public:
  /// @param size size D of each position's vector
  /// @param heads number of heads; must divide `size`
  CrossAttention(int64_t size, int64_t heads, const Scope& scope = {});
  /// Projects the memory to keys and values, once for all queries.
  /// @param memory [B, S, D]
  /// @return key and value, [B, S, D] each
  KeyValue prepare(const Tensor& memory) const;
  /// @param x [B, T, D]
  /// @param memory result of prepare()
  /// @param lengths i64 [B], lengths of the memory; undefined: all S
  /// @param mask as in SelfAttention, over the memory's S keys
  /// @param with_weights as in SelfAttention
  /// @return output [B, T, D], weights [B, heads, T, S], undefined where they are not wanted
  SelfAttention::Output operator()(const Tensor& x, const KeyValue& memory, const Tensor& lengths,
                                   const Tensor& mask = {}, bool with_weights = true) const;
  /// One position of each hypothesis. No gradient.
  /// @param x [B, D]
  /// @param memory the positions of all sources one after the other: result of prepare(), as [P, D]
  /// @param index i64 [B, S]: the positions that each hypothesis reads
  /// @param lengths i64 [B]: how many of them
  /// @return output [B, D], weights [B, heads, S]
  SelfAttention::Output step(const Tensor& x, const KeyValue& memory, const Tensor& index,
                             const Tensor& lengths) const;

 private:
  int64_t size_, heads_;
  Linear query_, joint_, output_;  // joint_ has weight [2 D, D]: key, value
};

/// The function between the two projections of FeedForward: max(x, 0), x sigmoid(x), or x Phi(x) (exact).
enum class FeedForwardActivation : uint8_t { relu, swish, gelu };

/// Options of Transformer layers.
struct TransformerOptions {
  int64_t size = 128;          // D
  int64_t feed_forward = 256;  // inner size of the feed-forward sublayer
  int64_t heads = 4;           // number of heads of every attention; divides size
  double dropout = 0.1;        // probability of dropout on the result of each sublayer
  bool pre_norm = true;        // true: x + f(norm(x)); false: norm(x + f(x))
  bool rotary = false;         // whether self-attention encodes positions by rotating queries and keys
  FeedForwardActivation activation = FeedForwardActivation::relu;  // of the feed-forward sublayer
  double eps = 1e-5;                                               // of LayerNorm
};

/// Wraps a sublayer function f with the residual connection, dropout and layer normalisation (Vaswani et al.
/// 2017, sec. 3.1; pre-norm: Xiong et al. 2020, fig. 1b).
class Sublayer : public Module {
 public:
  /// @param options only size, dropout, pre_norm and eps are used
  explicit Sublayer(const TransformerOptions& options, const Scope& scope = {})
      : Module(scope),
        pre_norm_(options.pre_norm),
        norm_(options.size, options.eps),
        dropout_(options.dropout) {
    child("norm", norm_);
    child("dropout", dropout_);
  }
  /// @param x [B, T, D]
  /// @param f the function to wrap, Tensor(const Tensor&)
  /// @return [B, T, D]
  template <class F>
  Tensor operator()(const Tensor& x, const F& f) const {
    return announce(pre_norm_ ? x + dropout_(f(norm_(x))) : norm_(x + dropout_(f(x))));
  }

 private:
  bool pre_norm_;
  LayerNorm norm_;
  Dropout dropout_;
};

/// Feed-forward network: W_2 f(W_1 x + b_1) + b_2, f = relu (Vaswani et al. 2017, eq. 2) or another
/// activation.
class FeedForward : public Module {
 public:
  /// @param size size D of each position's vector
  /// @param hidden inner size: the number of rows of W_1
  /// @param activation f
  FeedForward(int64_t size, int64_t hidden, FeedForwardActivation activation = FeedForwardActivation::relu,
              const Scope& scope = {})
      : Module(scope), activation_(activation), first_(size, hidden), second_(hidden, size) {
    child("first", first_);
    child("second", second_);
  }
  /// @param x [*, D]
  /// @return a tensor of the same shape
  Tensor operator()(const Tensor& x) const { return announce(second_(activated(first_(x)))); }

 private:
  Tensor activated(const Tensor& x) const {
    if (activation_ == FeedForwardActivation::swish) return silu(x);
    return activation_ == FeedForwardActivation::gelu ? gelu(x) : relu(x);
  }
  FeedForwardActivation activation_;
  Linear first_, second_;
};

/// One encoder layer: self-attention and feed-forward (Vaswani et al. 2017, sec. 3.1).
class TransformerEncoderLayer : public Module {
 public:
  /// @param options sizes, dropout, place of the normalisation, rotary
  explicit TransformerEncoderLayer(const TransformerOptions& options, const Scope& scope = {});
  /// @param x [B, S, D]
  /// @param lengths i64 [B]; undefined: all S
  /// @param weights if not null, receives the attention weights [B, heads, S, S]; null: they are not wanted,
  ///   as for SelfAttention
  /// @param mask as in SelfAttention
  /// @return [B, S, D]
  Tensor operator()(const Tensor& x, const Tensor& lengths, Tensor* weights = nullptr,
                    const Tensor& mask = {}) const;

 private:
  SelfAttention attention_;
  FeedForward feed_forward_;
  Sublayer first_, second_;
};

/// One decoder layer: causal self-attention, cross-attention to the memory, feed-forward (Vaswani et al.
/// 2017, sec. 3.1).
class TransformerDecoderLayer : public Module {
 public:
  /// @param options sizes, dropout, place of the normalisation, rotary
  explicit TransformerDecoderLayer(const TransformerOptions& options, const Scope& scope = {});
  /// Result of the layer.
  struct Output {
    Tensor output;         // [B, T, D]
    Tensor self_weights;   // [B, heads, T, T]
    Tensor cross_weights;  // [B, heads, T, S]: attention weights
  };
  /// Projects the memory to keys and values, once for all steps.
  /// @param memory [B, S, D]
  /// @return key and value, [B, S, D] each
  KeyValue prepare(const Tensor& memory) const { return cross_attention_.prepare(memory); }
  /// Computes all positions of a given target at once.
  /// @param x [B, T, D]
  /// @param memory result of prepare()
  /// @param lengths i64 [B], lengths of the memory; undefined: all S
  /// @param mask as in CrossAttention, of the memory
  /// @param with_weights whether the weights are wanted, as in SelfAttention
  /// @return output [B, T, D] and the weights of both attentions
  Output operator()(const Tensor& x, const KeyValue& memory, const Tensor& lengths, const Tensor& mask = {},
                    bool with_weights = true) const;
  /// Computes one further position of each hypothesis. No gradient.
  /// @param x [B, D]
  /// @param pool keys and values of the self-attention; those of the new position are appended
  /// @param history advanced to the new position
  /// @param memory,index,lengths as in CrossAttention::step
  /// @return output [B, D], self_weights [B, heads, n], cross_weights [B, heads, S]
  Output step(const Tensor& x, KeyValuePool& pool, const DecodingHistory& history, const KeyValue& memory,
              const Tensor& index, const Tensor& lengths) const;

 private:
  template <class SelfAttend, class CrossAttend>
  Output run(const Tensor& x, const SelfAttend& self, const CrossAttend& cross) const;
  SelfAttention self_attention_;
  CrossAttention cross_attention_;
  FeedForward feed_forward_;
  Sublayer first_, second_, third_;
};

}  // namespace heed::nn
