#include "nn/attention/multi_head.h"

#include <fmt/format.h>

#include <cmath>

namespace heed::nn {
namespace {

int64_t checked_heads(int64_t attention_size, int64_t heads) {
  if (heads < 1 || attention_size % heads != 0) {
    throw ValueError(fmt::format("multi_head attention: {} heads do not divide the size {}", heads, attention_size));
  }
  return heads;
}

Tensor merge_batch(const Tensor& x) { return reshape(x, {x.size(0) * x.size(1), x.size(2), x.size(3)}); }  // [B, n, ..] -> [B n, ..]

}  // namespace

MultiHeadAttention::MultiHeadAttention(int64_t query_size, int64_t key_size, int64_t attention_size, int64_t heads, const Scope& scope)
    : Attention(scope),
      query_proj(query_size, attention_size, /*with_bias=*/false),
      key_proj(key_size, attention_size, /*with_bias=*/false),
      value_proj(key_size, attention_size, /*with_bias=*/false),
      out_proj(attention_size, key_size, /*with_bias=*/false),
      heads_(checked_heads(attention_size, heads)) {
  child("query_proj", query_proj);
  child("key_proj", key_proj);
  child("value_proj", value_proj);
  child("out_proj", out_proj);
}

Tensor MultiHeadAttention::split(const Tensor& x) const {
  return permute(reshape(x, {x.size(0), x.size(1), heads_, x.size(2) / heads_}), {0, 2, 1, 3}).contiguous();
}

Attention::Memory MultiHeadAttention::prepare(const Tensor& keys, const Tensor& lengths) const {
  return {keys, split(key_proj(keys)), lengths, split(value_proj(keys))};
}

Attention::Output MultiHeadAttention::answer(const Tensor& query, const Memory& memory, const State&) const {
  const int64_t B = query.size(0), T = query.size(1), S = memory.keys.size(1), A = query_proj.weight.size(0), d = A / heads_;
  const Tensor q = merge_batch(split(query_proj(query) / std::sqrt(static_cast<double>(d))));               // [B n, T, d]
  const Tensor scores = matmul(q, transpose(merge_batch(memory.projected)));                                // [B n, T, S]
  const Tensor weights = masked_softmax(reshape(scores, {B, heads_ * T, S}), memory.lengths);               // a length for each sentence
  const Tensor mixed = matmul(reshape(weights, {B * heads_, T, S}), merge_batch(memory.values));            // [B n, T, d]
  const Tensor joined = reshape(permute(reshape(mixed, {B, heads_, T, d}), {0, 2, 1, 3}), Shape{B, T, A});  // heads side by side
  const Tensor head_weights = reshape(weights, {B, heads_, T, S});
  return {out_proj(joined), mean(head_weights, {1}), head_weights};
}

}  // namespace heed::nn
