#pragma once
#include "apps/learn/learn.h"

Tensor scaled_scores(const Tensor& queries, const Tensor& keys);
Tensor entropy(const Tensor& weights);

struct Answer {
  decltype(&::scaled_scores) scaled_scores;
  decltype(&::entropy) entropy;
};
#define ANSWER_OF(space) \
  Answer { space::scaled_scores, space::entropy }
