#pragma once
#include "apps/learn/learn.h"

Tensor visible(const Tensor& lengths, int64_t S);
Tensor masked_weights(const Tensor& scores, const Tensor& seen);

struct Answer {
  decltype(&::visible) visible;
  decltype(&::masked_weights) masked_weights;
};
#define ANSWER_OF(space) \
  Answer { space::visible, space::masked_weights }
