#pragma once
#include "apps/learn/learn.h"

Tensor positions(int64_t count, int64_t D);
Tensor with_positions(const Tensor& x);

struct Answer {
  decltype(&::positions) positions;
  decltype(&::with_positions) with_positions;
};
#define ANSWER_OF(space) \
  Answer { space::positions, space::with_positions }
