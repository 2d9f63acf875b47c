// Exercise 7: Bahdanau's and Luong's scores.
#include "07_scores/exercise.h"

/// query [Dq], keys [S, Dk], W [A, Dq], U [A, Dk], v [A] -> [S]: v . tanh(W q + U k_j).
Tensor additive_scores(const Tensor& query, const Tensor& keys, const Tensor& W, const Tensor& U,
                       const Tensor& v) {
  return matmul(tanh(matmul(W, query) + matmul(keys, transpose(U))), v);
}

/// query [D], keys [S, D] -> [S]: q . k_j.
Tensor dot_scores(const Tensor& query, const Tensor& keys) { return matmul(keys, query); }

/// query [Dq], keys [S, Dk], M [Dq, Dk] -> [S]: q . (M k_j).
Tensor general_scores(const Tensor& query, const Tensor& keys, const Tensor& M) {
  return matmul(matmul(keys, transpose(M)), query);
}
