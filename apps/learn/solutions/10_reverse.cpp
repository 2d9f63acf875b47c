// Exercise 10: train, and see the diagonal. Read lesson.md first; ./run learn run checks this file and
// trains.
#include "10_reverse/exercise.h"

/// queries [B, T, H], memory [B, S, H], lengths, integers [B] -> Attended{contexts [B, T, H], weights [B, T,
/// S]}. Dot products without a scale; places from lengths[b] on have the weight 0.
Attended attend(const Tensor& queries, const Tensor& memory, const Tensor& lengths) {
  const Tensor scores = bmm(queries, transpose(memory));
  const Tensor padding = ge(arange(memory.size(1)), reshape(lengths, {lengths.size(0), 1, 1}));
  const Tensor weights = softmax(masked_fill(scores, padding, -INFINITY));
  return {bmm(weights, memory), weights};
}

/// target, integers [B, T] -> [B, T]: kBeginMark, then the target without its last column.
Tensor decoder_inputs(const Tensor& target) {
  const Tensor begin = full({target.size(0), 1}, kBeginMark, DType::i64);
  return concat({begin, slice(target, 1, 0, target.size(1) - 1)}, 1);
}
