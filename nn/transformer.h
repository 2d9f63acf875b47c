// Transformer layers (Vaswani et al. 2017): layer normalisation, self- and cross-attention of several heads, feed-forward, and the caches
// that decoding word by word needs.
#pragma once

#include <vector>

#include "nn/layers.h"

namespace heed::nn {

/// (x - mean) / sqrt(var + eps) * gain + bias over the last dimension (Ba, Kiros & Hinton 2016).
class LayerNorm : public Module {
 public:
  /// @param size D
  /// @param eps keeps the root away from 0
  /// @throws ValueError for a size below 1 and a negative eps
  explicit LayerNorm(int64_t size, double eps = 1e-5, const Scope& scope = {})
      : Module(scope),
        gain((check_at_least("LayerNorm", "size", size, 1), check_number("LayerNorm", "eps", eps, Allowed::non_negative),
              param("gain", ones({size})))),
        bias(param("bias", zeros({size}))),
        eps_(eps) {}
  /// @param x [*, size]
  /// @return the same shape
  Tensor operator()(const Tensor& x) const { return announce(layer_norm(x, gain, bias, eps_)); }
  Tensor gain, bias;  // [size]

 private:
  double eps_;
};

/// Keys and values of one attention.
struct KeyValue {
  Tensor key, value;  // [B, S, D]
};

/// Multi-head self-attention with one joint projection (Vaswani et al. 2017, sec. 3.2.2); masked when causal (sec. 3.2.3).
class SelfAttention : public Module {
 public:
  /// What attention gives.
  struct Output {
    Tensor output;   // [B, T, D]
    Tensor weights;  // [B, heads, T, S]
  };
  /// @param size D
  /// @param heads how many; divides `size`
  /// @param causal whether a position sees itself and earlier ones alone
  /// @param rotary queries and keys turn by their positions, head by head (nn/positional.h, rotary); the size of a head must be even
  /// @throws ValueError when `heads` does not divide `size`
  SelfAttention(int64_t size, int64_t heads, bool causal, bool rotary = false, const Scope& scope = {});
  /// @param x [B, T, D]
  /// @param lengths i64 [B] or undefined (all T)
  /// @param mask what scaled_dot_attention takes (framework/ops/recurrent.h), [T, T], [B, T, T] or [B, heads, T, T], or undefined
  /// @return output [B, T, D], weights [B, heads, T, T]
  /// @throws ShapeError, DTypeError
  Output operator()(const Tensor& x, const Tensor& lengths, const Tensor& mask = {}) const;
  /// One further position that sees all positions of `cache` and itself.
  /// @param x [B, 1, D]
  /// @param cache undefined members at first; grows by the position
  /// @return output [B, 1, D], weights [B, heads, 1, S] over the grown cache
  Output step(const Tensor& x, KeyValue& cache) const;

 private:
  Tensor turned(const Tensor& x, int64_t first) const;
  int64_t size_, heads_;
  bool causal_, rotary_;
  Linear joint_, output_;  // [3 D, D]: query, key, value
};

/// Multi-head attention on another sequence (Vaswani et al. 2017, sec. 3.2.3).
class CrossAttention : public Module {
 public:
  /// @param size D
  /// @param heads how many; divides `size`
  CrossAttention(int64_t size, int64_t heads, const Scope& scope = {});
  /// Keys and values, computed once, used for every query.
  /// @param memory [B, S, D]
  /// @return both [B, S, D]
  KeyValue prepare(const Tensor& memory) const;
  /// @param x [B, T, D]
  /// @param memory what prepare() gave
  /// @param lengths i64 [B] of the memory, or undefined (all S)
  /// @param mask as in SelfAttention, of the memory's S keys
  /// @return output [B, T, D], weights [B, heads, T, S]
  SelfAttention::Output operator()(const Tensor& x, const KeyValue& memory, const Tensor& lengths, const Tensor& mask = {}) const;

 private:
  int64_t size_, heads_;
  Linear query_, joint_, output_;  // joint [2 D, D]: key, value
};

/// The form of a Transformer's layers.
struct TransformerOptions {
  int64_t size = 128;          // D
  int64_t feed_forward = 256;  // inner size of the feed-forward sublayer
  int64_t heads = 4;           // of every attention; divides size
  double dropout = 0.1;        // on each sublayer's result
  bool pre_norm = true;        // x + f(norm(x)); else norm(x + f(x))
  bool rotary = false;         // self-attention knows positions by turning queries and keys
};

/// One sublayer: residual, dropout and normalisation around f (Vaswani et al. 2017, sec. 3.1; pre-norm: Xiong et al. 2020, fig. 1b).
class Sublayer : public Module {
 public:
  /// @param options size, dropout and pre_norm are read
  explicit Sublayer(const TransformerOptions& options, const Scope& scope = {})
      : Module(scope), pre_norm_(options.pre_norm), norm_(options.size), dropout_(options.dropout) {
    child("norm", norm_);
    child("dropout", dropout_);
  }
  /// @param x [B, T, D]
  /// @param f the sublayer's own function, Tensor(const Tensor&)
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

/// W_2 relu(W_1 x + b_1) + b_2 (Vaswani et al. 2017, eq. 2).
class FeedForward : public Module {
 public:
  /// @param size D
  /// @param hidden rows of W_1
  FeedForward(int64_t size, int64_t hidden, const Scope& scope = {}) : Module(scope), first_(size, hidden), second_(hidden, size) {
    child("first", first_);
    child("second", second_);
  }
  /// @param x [*, D]
  /// @return the same shape
  Tensor operator()(const Tensor& x) const { return announce(second_(relu(first_(x)))); }

 private:
  Linear first_, second_;
};

/// Self-attention and feed-forward (Vaswani et al. 2017, sec. 3.1).
class TransformerEncoderLayer : public Module {
 public:
  /// @param options sizes, dropout, the norm's place, rotary
  explicit TransformerEncoderLayer(const TransformerOptions& options, const Scope& scope = {});
  /// @param x [B, S, D]
  /// @param lengths i64 [B] or undefined (all S)
  /// @param weights gets [B, heads, S, S] when given
  /// @param mask as in SelfAttention
  /// @return [B, S, D]
  Tensor operator()(const Tensor& x, const Tensor& lengths, Tensor* weights = nullptr, const Tensor& mask = {}) const;

 private:
  SelfAttention attention_;
  FeedForward feed_forward_;
  Sublayer first_, second_;
};

/// Causal self-attention, attention on the memory, feed-forward (Vaswani et al. 2017, sec. 3.1).
class TransformerDecoderLayer : public Module {
 public:
  /// @param options sizes, dropout, the norm's place, rotary
  explicit TransformerDecoderLayer(const TransformerOptions& options, const Scope& scope = {});
  /// What the layer gives.
  struct Output {
    Tensor output;         // [B, T, D]
    Tensor self_weights;   // [B, heads, T, T]
    Tensor cross_weights;  // [B, heads, T, S]
  };
  /// Keys and values of the memory, computed once.
  /// @param memory [B, S, D]
  /// @return both [B, S, D]
  KeyValue prepare(const Tensor& memory) const { return cross_attention_.prepare(memory); }
  /// All positions of a given target at once.
  /// @param x [B, T, D]
  /// @param memory what prepare() gave
  /// @param lengths i64 [B] of the memory, or undefined
  /// @return output [B, T, D] and both weights
  Output operator()(const Tensor& x, const KeyValue& memory, const Tensor& lengths) const;
  /// One further position.
  /// @param x [B, 1, D]
  /// @param cache of the self-attention; undefined members at first; grows by the position
  /// @param memory what prepare() gave
  /// @param lengths i64 [B] of the memory, or undefined
  /// @return output [B, 1, D]; self_weights over the grown cache
  Output step(const Tensor& x, KeyValue& cache, const KeyValue& memory, const Tensor& lengths) const;

 private:
  template <class SelfAttend>
  Output run(const Tensor& x, const KeyValue& memory, const Tensor& lengths, const SelfAttend& attend) const;
  SelfAttention self_attention_;
  CrossAttention cross_attention_;
  FeedForward feed_forward_;
  Sublayer first_, second_, third_;
};

}  // namespace heed::nn
