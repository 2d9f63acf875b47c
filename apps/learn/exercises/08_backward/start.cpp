// Exercise 8: attention's backward by hand. Read lesson.md first; ./run learn run checks this file.
#include "08_backward/exercise.h"

/// queries [T, d], keys [S, d], values [S, E], G [T, E] = dL/dC -> Gradients{dL/dQ, dL/dK, dL/dV}.
Gradients attention_backward(const Tensor& queries, const Tensor& keys, const Tensor& values,
                             const Tensor& G) {
  const double s = 1 / std::sqrt(static_cast<double>(queries.size(-1)));
  const Tensor W = softmax(matmul(queries, transpose(keys)) * s);  // forwards, once more
  // Backwards: dV, dW, dS, then dQ and dK.
  gap("attention_backward");
}
