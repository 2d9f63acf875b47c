#pragma once
#include "apps/learn/check/reversing.h"

Tensor last_states(const Tensor& memory, const Tensor& lengths);
std::vector<double> accuracy_by_length(const Tensor& written, const Tensor& target, const Tensor& lengths,
                                       int64_t width, int64_t groups);

struct Answer {
  decltype(&::last_states) last_states;
  decltype(&::accuracy_by_length) accuracy_by_length;
};
#define ANSWER_OF(space) \
  Answer { space::last_states, space::accuracy_by_length }
