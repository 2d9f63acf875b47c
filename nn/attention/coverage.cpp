#include "nn/attention/coverage.h"

#include <fmt/format.h>

namespace heed::nn {

Attention::Output attend_with_tanh_energy(const Tensor& query, const Attention::Memory& memory, const Tensor& energy,
                                          const Tensor& coverage_weight, const Attention::State& state) {
  if (!coverage_weight.defined()) {
    const Tensor scores = additive_energy(query, memory.projected, energy);  // no stored [B, T, S, A]
    const Tensor weights = masked_softmax(scores, memory.lengths);
    return {matmul(weights, memory.keys), weights};
  }
  const int64_t B = query.size(0), S = memory.projected.size(1);
  Tensor coverage = state.coverage.defined() ? state.coverage : zeros({B, S}, query.dtype());
  std::vector<Tensor> steps;
  for (int64_t t = 0; t < query.size(1); ++t) {
    const Tensor keys = memory.projected + unsqueeze(coverage, 2) * coverage_weight;  // [B, S, A]
    steps.push_back(masked_softmax(additive_energy(slice(query, 1, t, t + 1), keys, energy), memory.lengths));
    coverage = coverage + squeeze(steps.back(), 1);
  }
  const Tensor weights = steps.empty() ? zeros({B, 0, S}, query.dtype()) : concat(steps, 1);
  return {matmul(weights, memory.keys), weights, {}, {coverage}};
}

Tensor coverage_loss(const Tensor& weights, const Tensor& before) {
  if (weights.ndim() != 3 || (before.defined() && before.shape() != weights.shape().without(1))) {
    throw ShapeError(fmt::format("coverage_loss: coverage {} does not fit weights {}", before.defined() ? before.shape().str() : "[]",
                                 weights.shape().str()));
  }
  Tensor coverage = before.defined() ? before : zeros(weights.shape().without(1), weights.dtype());
  std::vector<Tensor> losses;
  for (int64_t t = 0; t < weights.size(1); ++t) {
    const Tensor a = select(weights, 1, t);
    losses.push_back(sum(a - relu(a - coverage), {1}));  // min(a, c)
    coverage = coverage + a;
  }
  return losses.empty() ? zeros({weights.size(0), 0}, weights.dtype()) : stack(losses, 1);
}

}  // namespace heed::nn
