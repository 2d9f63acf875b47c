#pragma once
#include "apps/learn/check/box.h"

/// A head of the decoder; both count from 0.
struct Head {
  int64_t layer, head;
};

double score(const Tensor& logits, const Tensor& ids);
Tensor without_head(const Tensor& W, int64_t heads, int64_t head);
int64_t sharpest_head(const Tensor& weights);
Head my_prediction();

struct Answer {
  decltype(&::score) score;
  decltype(&::without_head) without_head;
  decltype(&::sharpest_head) sharpest_head;
  decltype(&::my_prediction) my_prediction;
};
#define ANSWER_OF(space) \
  Answer { space::score, space::without_head, space::sharpest_head, space::my_prediction }
