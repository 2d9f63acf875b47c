#pragma once
#include "apps/learn/learn.h"

Tensor split_heads(const Tensor& x, int64_t heads);
Tensor merge_heads(const Tensor& x);
Tensor multi_head(const Tensor& queries, const Tensor& keys, const Tensor& values, int64_t heads);

struct Answer {
  decltype(&::split_heads) split_heads;
  decltype(&::merge_heads) merge_heads;
  decltype(&::multi_head) multi_head;
};
#define ANSWER_OF(space) \
  Answer { space::split_heads, space::merge_heads, space::multi_head }
