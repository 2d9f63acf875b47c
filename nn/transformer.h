// Transformer layers (Vaswani et al. 2017): layer normalisation, self- and cross-attention of several heads, feed-forward, and the caches
// that decoding word by word needs.
#pragma once

#include <vector>

#include "nn/layers.h"

namespace heed::nn {

/// (x - mean) / sqrt(var + eps) * gain + bias over the last dimension (Ba, Kiros & Hinton 2016).  x [*, size] -> [*, size].
class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t size, double eps = 1e-5) : gain(param("gain", ones({size}))), bias(param("bias", zeros({size}))), eps_(eps) {}
  Tensor operator()(const Tensor& x) const { return announce(layer_norm(x, gain, bias, eps_)); }
  Tensor gain, bias;  // [size]

 private:
  double eps_;
};

/// Keys and values of one attention, [B, S, D] each.
struct KeyValue {
  Tensor key, value;
};

/// Multi-head self-attention with one joint projection (Vaswani et al. 2017, sec. 3.2.2); masked when causal (sec. 3.2.3).
/// Throws ValueError when `heads` does not divide `size`.
class SelfAttention : public Module {
 public:
  struct Output {
    Tensor output;   // [B, T, D]
    Tensor weights;  // [B, heads, T, S]
  };
  /// rotary: queries and keys turn by their positions, head by head (nn/positional.h, rotary); the size of a head must be even.
  SelfAttention(int64_t size, int64_t heads, bool causal, bool rotary = false);
  /// x [B, T, D], lengths i64 [B] or undefined.
  Output operator()(const Tensor& x, const Tensor& lengths) const;
  /// One further position x [B, 1, D] that sees all positions of `cache` and itself; the cache grows by it.
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
  CrossAttention(int64_t size, int64_t heads);
  /// memory [B, S, D]: computed once, used for every query.
  KeyValue prepare(const Tensor& memory) const;
  /// x [B, T, D] -> output [B, T, D], weights [B, heads, T, S].
  SelfAttention::Output operator()(const Tensor& x, const KeyValue& memory, const Tensor& lengths) const;

 private:
  int64_t size_, heads_;
  Linear query_, joint_, output_;  // joint [2 D, D]: key, value
};

struct TransformerOptions {
  int64_t size = 128, feed_forward = 256, heads = 4;
  double dropout = 0.1;
  bool pre_norm = true;  // x + f(norm(x)); else norm(x + f(x))
  bool rotary = false;   // self-attention knows positions by turning queries and keys
};

/// One sublayer: residual, dropout and normalisation around f (Vaswani et al. 2017, sec. 3.1; pre-norm: Xiong et al. 2020, fig. 1b).
class Sublayer : public Module {
 public:
  explicit Sublayer(const TransformerOptions& options) : pre_norm_(options.pre_norm), norm_(options.size), dropout_(options.dropout) {
    child("norm", norm_);
    child("dropout", dropout_);
  }
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
  FeedForward(int64_t size, int64_t hidden) : first_(size, hidden), second_(hidden, size) {
    child("first", first_);
    child("second", second_);
  }
  Tensor operator()(const Tensor& x) const { return announce(second_(relu(first_(x)))); }

 private:
  Linear first_, second_;
};

class TransformerEncoderLayer : public Module {
 public:
  explicit TransformerEncoderLayer(const TransformerOptions& options);
  /// x [B, S, D], lengths i64 [B] -> [B, S, D]. `weights` gets [B, heads, S, S] when given.
  Tensor operator()(const Tensor& x, const Tensor& lengths, Tensor* weights = nullptr) const;

 private:
  SelfAttention attention_;
  FeedForward feed_forward_;
  Sublayer first_, second_;
};

class TransformerDecoderLayer : public Module {
 public:
  explicit TransformerDecoderLayer(const TransformerOptions& options);
  struct Output {
    Tensor output;         // [B, T, D]
    Tensor self_weights;   // [B, heads, T, T]
    Tensor cross_weights;  // [B, heads, T, S]
  };
  KeyValue prepare(const Tensor& memory) const { return cross_attention_.prepare(memory); }
  /// All positions of a given target at once.
  Output operator()(const Tensor& x, const KeyValue& memory, const Tensor& lengths) const;
  /// One further position x [B, 1, D].
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
