// Exercise 12: a trained model, opened. Read lesson.md first; ./run learn run checks this file.
#include "12_box/exercise.h"

/// logits [T, V], ids, integers [T] -> the sum over t of the log probability of ids[t] in row t.
double score(const Tensor& logits, const Tensor& ids) {
  return sum(gather(log_softmax(logits), 1, reshape(ids, {ids.size(0), 1}))).item();
}

/// W [D, D], the matrix that reads the merged heads: y = W x -> a copy that does not hear head `head`.
Tensor without_head(const Tensor& W, int64_t heads, int64_t head) {
  const int64_t D = W.size(1), d = D / heads;
  return concat({slice(W, 1, 0, head * d), zeros({D, d}), slice(W, 1, (head + 1) * d, D)}, 1);
}

/// weights [heads, T, S] -> the head with the smallest entropy, in the mean over the T rows.
int64_t sharpest_head(const Tensor& weights) {
  const Tensor entropy = -sum(weights * log(clamp(weights, 1e-30, 1)), {-1});  // [heads, T]
  return static_cast<int64_t>(argmin(mean(entropy, {1})).item());
}

/// Which of the 3 layers and 4 heads of the decoder will cost most when it is knocked out? Both count from 0.
Head my_prediction() { return {2, 3}; }
