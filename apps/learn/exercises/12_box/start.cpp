// Exercise 12: a trained model, opened. Read lesson.md first; ./run learn run checks this file.
#include "12_box/exercise.h"

/// logits [T, V], ids, integers [T] -> the sum over t of the log probability of ids[t] in row t.
double score(const Tensor& logits, const Tensor& ids) { gap("score"); }

/// W [D, D], the matrix that reads the merged heads: y = W x -> a copy that does not hear head `head`.
Tensor without_head(const Tensor& W, int64_t heads, int64_t head) { gap("without_head"); }

/// weights [heads, T, S] -> the head with the smallest entropy, in the mean over the T rows.
int64_t sharpest_head(const Tensor& weights) { gap("sharpest_head"); }

/// Which of the 3 layers and 4 heads of the decoder will cost most when it is knocked out? Both count from 0.
Head my_prediction() { gap("my_prediction"); }
