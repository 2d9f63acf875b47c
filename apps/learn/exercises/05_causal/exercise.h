#pragma once
#include <functional>

#include "apps/learn/learn.h"

using Attend = std::function<Tensor(const Tensor&)>;
Tensor causal_weights(const Tensor& scores);
double leak(const Attend& attend, const Tensor& x, int64_t t);

struct Answer {
  decltype(&::causal_weights) causal_weights;
  decltype(&::leak) leak;
};
#define ANSWER_OF(space) \
  Answer { space::causal_weights, space::leak }
