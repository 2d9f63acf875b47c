// Exercise 10: train, and see the diagonal. Read lesson.md first; ./run learn run checks this file and
// trains.
#include "10_reverse/exercise.h"

/// queries [B, T, H], memory [B, S, H], lengths, integers [B] -> Attended{contexts [B, T, H], weights [B, T,
/// S]}. Dot products without a scale; places from lengths[b] on have the weight 0.
Attended attend(const Tensor& queries, const Tensor& memory, const Tensor& lengths) { gap("attend"); }

/// target, integers [B, T] -> [B, T]: kBeginMark, then the target without its last column.
Tensor decoder_inputs(const Tensor& target) { gap("decoder_inputs"); }
