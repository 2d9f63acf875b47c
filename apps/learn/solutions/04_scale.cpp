// Exercise 4: the scale, and entropy as a measure.
#include "04_scale/exercise.h"

/// queries [T, d], keys [S, d] -> scores [T, S]: the dot products over the square root of d.
Tensor scaled_scores(const Tensor& queries, const Tensor& keys) {
  return matmul(queries, transpose(keys)) / std::sqrt(static_cast<double>(queries.size(-1)));
}

/// weights [T, S] -> [T]: the entropy of each row in nats; 0 ln(0) is 0.
Tensor entropy(const Tensor& weights) { return -sum(weights * log(clamp(weights, 1e-30, 1)), {-1}); }
