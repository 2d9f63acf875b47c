#include "nn/attention/multi_head.h"

#include <cmath>

#include "nn/attention/heads.h"

namespace heed::nn {

MultiHeadAttention::MultiHeadAttention(int64_t query_size, int64_t key_size, int64_t attention_size,
                                       int64_t heads, const Scope& scope)
    : Attention(scope),
      query_proj(query_size, attention_size, /*with_bias=*/false),
      key_proj(key_size, attention_size, /*with_bias=*/false),
      value_proj(key_size, attention_size, /*with_bias=*/false),
      out_proj(attention_size, key_size, /*with_bias=*/false),
      heads_(detail::checked_heads("multi_head attention", attention_size, heads)) {
  child("query_proj", query_proj);
  child("key_proj", key_proj);
  child("value_proj", value_proj);
  child("out_proj", out_proj);
}

Attention::Memory MultiHeadAttention::prepare(const Tensor& keys, const Tensor& lengths) const {
  return {keys, key_proj(keys), lengths, value_proj(keys)};
}

std::optional<Attention::Energy> MultiHeadAttention::energy_form() const {
  const double scale = std::sqrt(static_cast<double>(query_proj.weight.size(0) / heads_));
  return Energy{query_proj.weight / scale, {}, heads_, out_proj.weight};
}

Attention::Output MultiHeadAttention::answer(const Tensor& query, const Memory& memory, const State&) const {
  const ScaledDotAttentionResult seen =
      scaled_dot_attention(query_proj(query), memory.projected, memory.values, memory.lengths, heads_,
                           /*causal=*/false, memory.mask);
  return {out_proj(seen.context), mean(seen.weights, {1}), seen.weights};
}

}  // namespace heed::nn
