// Exercise 8: attention's backward by hand.
#include "08_backward/exercise.h"

/// queries [T, d], keys [S, d], values [S, E], G [T, E] = dL/dC -> Gradients{dL/dQ, dL/dK, dL/dV}.
Gradients attention_backward(const Tensor& queries, const Tensor& keys, const Tensor& values,
                             const Tensor& G) {
  const double s = 1 / std::sqrt(static_cast<double>(queries.size(-1)));
  const Tensor W = softmax(matmul(queries, transpose(keys)) * s);  // forwards, once more
  const Tensor dV = matmul(transpose(W), G);
  const Tensor dW = matmul(G, transpose(values));
  const Tensor dS = W * (dW - sum(W * dW, {-1}, KeepDim::yes));
  const Tensor dQ = matmul(dS, keys) * s;
  const Tensor dK = matmul(transpose(dS), queries) * s;
  return {dQ, dK, dV};
}
