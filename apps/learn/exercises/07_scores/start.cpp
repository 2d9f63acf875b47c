// Exercise 7: Bahdanau's and Luong's scores. Read lesson.md first; ./run learn run checks this file.
#include "07_scores/exercise.h"

/// query [Dq], keys [S, Dk], W [A, Dq], U [A, Dk], v [A] -> [S]: v . tanh(W q + U k_j).
Tensor additive_scores(const Tensor& query, const Tensor& keys, const Tensor& W, const Tensor& U,
                       const Tensor& v) {
  gap("additive_scores");
}

/// query [D], keys [S, D] -> [S]: q . k_j.
Tensor dot_scores(const Tensor& query, const Tensor& keys) { gap("dot_scores"); }

/// query [Dq], keys [S, Dk], M [Dq, Dk] -> [S]: q . (M k_j).
Tensor general_scores(const Tensor& query, const Tensor& keys, const Tensor& M) { gap("general_scores"); }
