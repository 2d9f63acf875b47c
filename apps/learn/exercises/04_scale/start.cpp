// Exercise 4: the scale, and entropy as a measure. Read lesson.md first; ./run learn run checks this file.
#include "04_scale/exercise.h"

/// queries [T, d], keys [S, d] -> scores [T, S]: the dot products over the square root of d.
Tensor scaled_scores(const Tensor& queries, const Tensor& keys) { gap("scaled_scores"); }

/// weights [T, S] -> [T]: the entropy of each row in nats; 0 ln(0) is 0.
Tensor entropy(const Tensor& weights) { gap("entropy"); }
