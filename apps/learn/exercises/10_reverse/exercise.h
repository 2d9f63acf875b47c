#pragma once
#include "apps/learn/check/reversing.h"

Attended attend(const Tensor& queries, const Tensor& memory, const Tensor& lengths);
Tensor decoder_inputs(const Tensor& target);

struct Answer {
  decltype(&::attend) attend;
  decltype(&::decoder_inputs) decoder_inputs;
};
#define ANSWER_OF(space) \
  Answer { space::attend, space::decoder_inputs }
