#pragma once
#include "apps/learn/learn.h"

Tensor additive_scores(const Tensor& query, const Tensor& keys, const Tensor& W, const Tensor& U,
                       const Tensor& v);
Tensor dot_scores(const Tensor& query, const Tensor& keys);
Tensor general_scores(const Tensor& query, const Tensor& keys, const Tensor& M);

struct Answer {
  decltype(&::additive_scores) additive_scores;
  decltype(&::dot_scores) dot_scores;
  decltype(&::general_scores) general_scores;
};
#define ANSWER_OF(space) \
  Answer { space::additive_scores, space::dot_scores, space::general_scores }
