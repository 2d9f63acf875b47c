#include "nn/attention/coverage.h"

#include <fmt/format.h>

namespace heed::nn {
namespace {

// The memory as query t may look at it.
Attention::Memory at_query(const Attention::Memory& memory, int64_t t) {
  Attention::Memory seen = memory;
  if (seen.mask.defined() && seen.mask.size(1) > 1) seen.mask = slice(seen.mask, 1, t, t + 1);
  return seen;
}

// One query after the other, each seeing what those before it gave. energies(q [B, 1, A], coverage [B, S]) ->
// [B, 1, S].
template <class Energies>
Attention::Output attend_with_coverage(const Tensor& query, const Attention::Memory& memory,
                                       const Attention::State& state, const Energies& energies) {
  const int64_t B = query.size(0), S = memory.projected.size(1);
  Tensor coverage = state.coverage.defined() ? state.coverage : zeros({B, S}, query.dtype());
  std::vector<Tensor> steps;
  for (int64_t t = 0; t < query.size(1); ++t) {
    const Attention::Memory seen = at_query(memory, t);
    steps.push_back(weights_of(energies(slice(query, 1, t, t + 1), coverage), seen, seen.lengths));
    coverage = coverage + squeeze(steps.back(), 1);
  }
  const Tensor weights = steps.empty() ? zeros({B, 0, S}, query.dtype()) : concat(steps, 1);
  return {matmul(weights, memory.values.defined() ? memory.values : memory.keys), weights, {}, {coverage}};
}

}  // namespace

Attention::Output attend_with_tanh_energy(const Tensor& query, const Attention::Memory& memory,
                                          const Tensor& energy, const Tensor& coverage_weight,
                                          const Attention::State& state) {
  if (!coverage_weight.defined()) {
    const Tensor scores = additive_energy(query, memory.projected, energy);  // no stored [B, T, S, A]
    const Tensor weights = weights_of(scores, memory, memory.lengths);
    return {matmul(weights, memory.keys), weights};
  }
  return attend_with_coverage(query, memory, state, [&](const Tensor& q, const Tensor& coverage) {
    return additive_energy(q, memory.projected + unsqueeze(coverage, 2) * coverage_weight, energy);
  });
}

Attention::Output attend_with_dot_energy(const Tensor& query, const Attention::Memory& memory,
                                         const Tensor& coverage_weight, const Attention::State& state) {
  const Tensor keys = transpose(memory.projected);
  if (!coverage_weight.defined()) {
    const Tensor weights = weights_of(matmul(query, keys), memory, memory.lengths);
    return {matmul(weights, memory.values.defined() ? memory.values : memory.keys), weights};
  }
  return attend_with_coverage(query, memory, state, [&](const Tensor& q, const Tensor& coverage) {
    return matmul(q, keys) + unsqueeze(coverage, 1) * coverage_weight;
  });
}

Tensor coverage_loss(const Tensor& weights, const Tensor& before) {
  if (weights.ndim() != 3 || (before.defined() && before.shape() != weights.shape().without(1))) {
    throw ShapeError("coverage_loss",
                     fmt::format("coverage {} does not fit weights {}",
                                 before.defined() ? before.shape().str() : "[]", weights.shape().str()));
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
