// Attention of one query a row to keys and values that lie anywhere in a pool: a step of decoding, without
// copies of what hypotheses share.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Result of indexed_attention().
struct IndexedAttentionResult {
  Tensor context;  // [B, E]
  Tensor weights;  // [B, heads, N], zeros behind the lengths
};
/// For each row b and head: softmax over j < lengths[b] of q . keys[index[b, j]] / sqrt(D / heads), and the
/// mean of values[index[b, j]] under it. No gradient.
/// @param query [B, D]
/// @param keys [P, D], dense in its last dimension
/// @param values [P, E], dense in its last dimension
/// @param index i64 [B, N], in 0..P - 1
/// @param lengths i64 [B], each in 0..N; undefined: all N
/// @param heads divides D and E
/// @return context and weights; a row of length 0 has zeros
/// @throws ShapeError, DTypeError, IndexError
IndexedAttentionResult indexed_attention(const Tensor& query, const Tensor& keys, const Tensor& values,
                                         const Tensor& index, const Tensor& lengths, int64_t heads);

}  // namespace heed
