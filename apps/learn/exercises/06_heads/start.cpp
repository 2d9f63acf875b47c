// Exercise 6: heads, split and merge. Read lesson.md first; ./run learn run checks this file.
#include "06_heads/exercise.h"

/// x [T, D] -> [heads, T, D / heads]: head h has the columns h d to (h + 1) d - 1.
Tensor split_heads(const Tensor& x, int64_t heads) { gap("split_heads"); }

/// x [heads, T, d] -> [T, heads d]: the heads side by side.
Tensor merge_heads(const Tensor& x) { gap("merge_heads"); }

/// queries [T, D], keys [S, D], values [S, D] -> [T, D]: scaled attention in each head, merged.
Tensor multi_head(const Tensor& queries, const Tensor& keys, const Tensor& values, int64_t heads) {
  gap("multi_head");
}
