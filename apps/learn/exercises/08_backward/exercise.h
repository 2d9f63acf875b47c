#pragma once
#include "apps/learn/learn.h"

/// The gradients of the loss: how it grows with each element.
struct Gradients {
  Tensor queries, keys, values;
};
Gradients attention_backward(const Tensor& queries, const Tensor& keys, const Tensor& values,
                             const Tensor& G);

struct Answer {
  decltype(&::attention_backward) attention_backward;
};
#define ANSWER_OF(space) \
  Answer { space::attention_backward }
