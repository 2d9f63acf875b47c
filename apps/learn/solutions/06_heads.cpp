// Exercise 6: heads, split and merge.
#include "06_heads/exercise.h"

/// x [T, D] -> [heads, T, D / heads]: head h has the columns h d to (h + 1) d - 1.
Tensor split_heads(const Tensor& x, int64_t heads) {
  return transpose(reshape(x, {x.size(0), heads, x.size(1) / heads}), 0, 1);
}

/// x [heads, T, d] -> [T, heads d]: the heads side by side.
Tensor merge_heads(const Tensor& x) {
  return reshape(transpose(x, 0, 1), {x.size(1), x.size(0) * x.size(2)});
}

/// queries [T, D], keys [S, D], values [S, D] -> [T, D]: scaled attention in each head, merged.
Tensor multi_head(const Tensor& queries, const Tensor& keys, const Tensor& values, int64_t heads) {
  const Tensor q = split_heads(queries, heads), k = split_heads(keys, heads), v = split_heads(values, heads);
  const Tensor weights = softmax(matmul(q, transpose(k)) / std::sqrt(static_cast<double>(q.size(-1))));
  return merge_heads(matmul(weights, v));
}
