#include "nn/transformer.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/autograd/grad_mode.h"
#include "nn/attention/heads.h"
#include "nn/positional.h"

namespace heed::nn {
namespace {

// Rows behind those in use, in a pool that doubles when it is full.
void append(KeyValuePool& pool, const Tensor& key, const Tensor& value) {
  const int64_t count = key.size(0), size = key.size(1), needed = pool.used + count;
  if (!pool.rows.defined() || pool.rows.size(0) < needed) {
    const int64_t before = pool.rows.defined() ? pool.rows.size(0) : 0;
    const Tensor larger = empty({std::max(needed, 2 * before), 2 * size}, key.dtype());
    if (pool.used > 0) slice(larger, 0, 0, pool.used).copy_(slice(pool.rows, 0, 0, pool.used));
    pool.rows = larger;
  }
  const Tensor free = slice(pool.rows, 0, pool.used, needed);
  slice(free, 1, 0, size).copy_(key);
  slice(free, 1, size, 2 * size).copy_(value);
  pool.used = needed;
}

// Keys from which on attention without stored weights is not slower: with a causal bound it leaves out half
// of the blocks (docs/results.md, Long sequences).
constexpr int64_t kLong = 4096, kLongCausal = 512;

// Context, and the weights where they are wanted.
ScaledDotAttentionResult attend(const Tensor& query, const Tensor& key, const Tensor& value,
                                const Tensor& lengths, int64_t heads, bool causal, const Tensor& mask,
                                bool with_weights) {
  if (!with_weights && query.size(1) > 1 && key.size(1) >= (causal ? kLongCausal : kLong))
    return {flash_attention(query, key, value, lengths, heads, causal, mask), {}};
  ScaledDotAttentionResult result = scaled_dot_attention(query, key, value, lengths, heads, causal, mask);
  if (!with_weights) result.weights = {};
  return result;
}

}  // namespace

void DecodingHistory::advance(int64_t hypotheses) {
  const Tensor longer = empty({hypotheses, length_ + 1}, DType::i64);
  int64_t* const into = longer.data<int64_t>();
  for (int64_t b = 0; b < hypotheses; ++b) {
    if (length_ > 0) std::copy_n(index_.data<int64_t>() + b * length_, length_, into + b * (length_ + 1));
    into[b * (length_ + 1) + length_] = used_ + b;
  }
  index_ = longer;
  ++length_;
  used_ += hypotheses;
}

void DecodingHistory::select(const std::vector<int64_t>& rows) {
  if (length_ == 0) return;
  index_ = index_select(index_, 0, from_vector(rows, {static_cast<int64_t>(rows.size())}));
}

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

SelfAttention::Output SelfAttention::operator()(const Tensor& x, const Tensor& lengths, const Tensor& mask,
                                                bool with_weights) const {
  const Tensor joint = joint_(x);
  const auto part = [&](int64_t i) { return slice(joint, 2, i * size_, (i + 1) * size_); };
  const ScaledDotAttentionResult seen =
      attend(turned(part(0), 0), turned(part(1), 0), part(2), lengths, heads_, causal_, mask, with_weights);
  return {announce(output_(seen.context)), seen.weights};
}

SelfAttention::Output SelfAttention::step(const Tensor& x, KeyValuePool& pool,
                                          const DecodingHistory& history) const {
  const NoGradGuard no_grad;
  const Tensor joint = joint_(x);
  const auto part = [&](int64_t i) { return slice(joint, 1, i * size_, (i + 1) * size_); };
  const auto here = [&](const Tensor& rows) {
    return rotary_ ? squeeze(turned(unsqueeze(rows, 1), history.length() - 1), 1) : rows;
  };
  append(pool, here(part(1)), part(2));
  const IndexedAttentionResult seen =
      indexed_attention(here(part(0)), slice(pool.rows, 1, 0, size_), slice(pool.rows, 1, size_, 2 * size_),
                        history.index(), {}, heads_);
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
                                                 const Tensor& lengths, const Tensor& mask,
                                                 bool with_weights) const {
  const ScaledDotAttentionResult seen =
      attend(query_(x), memory.key, memory.value, lengths, heads_, /*causal=*/false, mask, with_weights);
  return {announce(output_(seen.context)), seen.weights};
}

SelfAttention::Output CrossAttention::step(const Tensor& x, const KeyValue& memory, const Tensor& index,
                                           const Tensor& lengths) const {
  const NoGradGuard no_grad;
  const IndexedAttentionResult seen =
      indexed_attention(query_(x), memory.key, memory.value, index, lengths, heads_);
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
    const SelfAttention::Output seen = attention_(input, lengths, mask, weights != nullptr);
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

template <class SelfAttend, class CrossAttend>
TransformerDecoderLayer::Output TransformerDecoderLayer::run(const Tensor& x, const SelfAttend& self,
                                                             const CrossAttend& cross) const {
  Output result;
  const Tensor a = first_(x, [&](const Tensor& input) {
    const SelfAttention::Output seen = self(input);
    result.self_weights = seen.weights;
    return seen.output;
  });
  const Tensor b = second_(a, [&](const Tensor& input) {
    const SelfAttention::Output seen = cross(input);
    result.cross_weights = seen.weights;
    return seen.output;
  });
  result.output = announce(third_(b, feed_forward_));
  return result;
}

TransformerDecoderLayer::Output TransformerDecoderLayer::operator()(const Tensor& x, const KeyValue& memory,
                                                                    const Tensor& lengths, const Tensor& mask,
                                                                    bool with_weights) const {
  return run(
      x, [&](const Tensor& input) { return self_attention_(input, {}, {}, with_weights); },
      [&](const Tensor& input) { return cross_attention_(input, memory, lengths, mask, with_weights); });
}

TransformerDecoderLayer::Output TransformerDecoderLayer::step(const Tensor& x, KeyValuePool& pool,
                                                              const DecodingHistory& history,
                                                              const KeyValue& memory, const Tensor& index,
                                                              const Tensor& lengths) const {
  const NoGradGuard no_grad;
  return run(
      x, [&](const Tensor& input) { return self_attention_.step(input, pool, history); },
      [&](const Tensor& input) { return cross_attention_.step(input, memory, index, lengths); });
}

}  // namespace heed::nn
