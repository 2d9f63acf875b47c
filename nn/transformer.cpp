#include "nn/transformer.h"

#include <fmt/format.h>

#include <array>

#include "nn/attention/heads.h"
#include "nn/positional.h"

namespace heed::nn {
namespace {

Tensor append(const Tensor& before, const Tensor& next) {
  return before.defined() ? concat(std::array{before, next}, 1) : next;
}

}  // namespace

SelfAttention::SelfAttention(int64_t size, int64_t heads, bool causal, bool rotary, const Scope& scope)
    : Module(scope),
      size_(size),
      heads_(detail::checked_heads("attention", size, heads)),
      causal_(causal),
      rotary_(rotary),
      joint_(size, 3 * size),
      output_(size, size) {
  if (rotary && size / heads % 2 != 0)
    throw ValueError("attention", fmt::format("rotary needs heads of even size, got {}", size / heads));
  child("joint", joint_);
  child("output", output_);
}

// x [B, T, D] standing at first, first + 1, ...
Tensor SelfAttention::turned(const Tensor& x, int64_t first) const {
  if (!rotary_) return x;
  const int64_t B = x.size(0), T = x.size(1);
  const Tensor by_head = permute(reshape(x, {B, T, heads_, size_ / heads_}), {0, 2, 1, 3});
  return reshape(permute(rotary(by_head, first), {0, 2, 1, 3}), {B, T, size_});
}

SelfAttention::Output SelfAttention::operator()(const Tensor& x, const Tensor& lengths,
                                                const Tensor& mask) const {
  const Tensor joint = joint_(x);
  const auto part = [&](int64_t i) { return slice(joint, 2, i * size_, (i + 1) * size_); };
  const ScaledDotAttentionResult seen =
      scaled_dot_attention(turned(part(0), 0), turned(part(1), 0), part(2), lengths, heads_, causal_, mask);
  return {announce(output_(seen.context)), seen.weights};
}

SelfAttention::Output SelfAttention::step(const Tensor& x, KeyValue& cache) const {
  const Tensor joint = joint_(x);
  const auto part = [&](int64_t i) { return slice(joint, 2, i * size_, (i + 1) * size_); };
  const int64_t position = cache.key.defined() ? cache.key.size(1) : 0;
  cache = {append(cache.key, turned(part(1), position)), append(cache.value, part(2))};
  const ScaledDotAttentionResult seen =
      scaled_dot_attention(turned(part(0), position), cache.key, cache.value, {}, heads_);
  return {announce(output_(seen.context)), seen.weights};
}

CrossAttention::CrossAttention(int64_t size, int64_t heads, const Scope& scope)
    : Module(scope),
      size_(size),
      heads_(detail::checked_heads("attention", size, heads)),
      query_(size, size),
      joint_(size, 2 * size),
      output_(size, size) {
  child("query", query_);
  child("joint", joint_);
  child("output", output_);
}

KeyValue CrossAttention::prepare(const Tensor& memory) const {
  const Tensor joint = joint_(memory);
  return {slice(joint, 2, 0, size_), slice(joint, 2, size_, 2 * size_)};
}

SelfAttention::Output CrossAttention::operator()(const Tensor& x, const KeyValue& memory,
                                                 const Tensor& lengths, const Tensor& mask) const {
  const ScaledDotAttentionResult seen =
      scaled_dot_attention(query_(x), memory.key, memory.value, lengths, heads_, /*causal=*/false, mask);
  return {announce(output_(seen.context)), seen.weights};
}

TransformerEncoderLayer::TransformerEncoderLayer(const TransformerOptions& options, const Scope& scope)
    : Module(scope),
      attention_(options.size, options.heads, /*causal=*/false, options.rotary),
      feed_forward_(options.size, options.feed_forward, options.activation),
      first_(options),
      second_(options) {
  child("attention", attention_);
  child("feed_forward", feed_forward_);
  child("first", first_);
  child("second", second_);
}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, const Tensor& lengths, Tensor* weights,
                                           const Tensor& mask) const {
  const Tensor attended = first_(x, [&](const Tensor& input) {
    const SelfAttention::Output seen = attention_(input, lengths, mask);
    if (weights) *weights = seen.weights;
    return seen.output;
  });
  return announce(second_(attended, feed_forward_));
}

TransformerDecoderLayer::TransformerDecoderLayer(const TransformerOptions& options, const Scope& scope)
    : Module(scope),
      self_attention_(options.size, options.heads, /*causal=*/true, options.rotary),
      cross_attention_(options.size, options.heads),
      feed_forward_(options.size, options.feed_forward, options.activation),
      first_(options),
      second_(options),
      third_(options) {
  child("self_attention", self_attention_);
  child("cross_attention", cross_attention_);
  child("feed_forward", feed_forward_);
  child("first", first_);
  child("second", second_);
  child("third", third_);
}

template <class SelfAttend>
TransformerDecoderLayer::Output TransformerDecoderLayer::run(const Tensor& x, const KeyValue& memory,
                                                             const Tensor& lengths,
                                                             const SelfAttend& attend) const {
  Output result;
  const Tensor a = first_(x, [&](const Tensor& input) {
    const SelfAttention::Output seen = attend(input);
    result.self_weights = seen.weights;
    return seen.output;
  });
  const Tensor b = second_(a, [&](const Tensor& input) {
    const SelfAttention::Output seen = cross_attention_(input, memory, lengths);
    result.cross_weights = seen.weights;
    return seen.output;
  });
  result.output = announce(third_(b, feed_forward_));
  return result;
}

TransformerDecoderLayer::Output TransformerDecoderLayer::operator()(const Tensor& x, const KeyValue& memory,
                                                                    const Tensor& lengths) const {
  return run(x, memory, lengths, [&](const Tensor& input) { return self_attention_(input, {}); });
}

TransformerDecoderLayer::Output TransformerDecoderLayer::step(const Tensor& x, KeyValue& cache,
                                                              const KeyValue& memory,
                                                              const Tensor& lengths) const {
  return run(x, memory, lengths, [&](const Tensor& input) { return self_attention_.step(input, cache); });
}

}  // namespace heed::nn
