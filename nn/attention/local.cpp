#include "nn/attention/local.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace heed::nn {
namespace {

constexpr double kFree = 0.5;  // share of the queries that train without the Gaussian of local-p

int64_t checked_window(int64_t window) {
  if (window < 1)
    throw ValueError("local attention", fmt::format("the window must be at least 1, got {}", window));
  return window;
}

// Weights of scores [B, T, S] over j < lengths[b] with |j - centres[b T + t]| <= window; 0 elsewhere. A
// centre is at most 1 from a position below the length, so that no row with a length is empty
// unless a mask hides all of its window.
Tensor window_softmax(const Tensor& scores, const Attention::Memory& memory,
                      const std::vector<double>& centres, int64_t window) {
  const int64_t S = scores.size(2);
  std::vector<double> outside(static_cast<size_t>(scores.numel()), 0.0);  // added to the scores
  for (size_t i = 0; i < outside.size(); ++i) {
    const auto row = i / static_cast<size_t>(S), j = i % static_cast<size_t>(S);
    if (std::abs(static_cast<double>(j) - centres[row]) > static_cast<double>(window))
      outside[i] = -std::numeric_limits<double>::infinity();
  }
  return weights_of(scores + from_vector(outside, scores.shape()).to(scores.dtype()), memory, memory.lengths);
}

Tensor general_scores(const Tensor& query, const Attention::Memory& memory) {
  return matmul(query, transpose(memory.projected));
}

}  // namespace

LocalPredictiveAttention::LocalPredictiveAttention(int64_t query_size, int64_t key_size,
                                                   int64_t attention_size, int64_t window, const Scope& scope)
    : Attention(scope),
      scaled_key_proj(key_size, query_size, /*with_bias=*/false),
      position_proj(query_size, attention_size, /*with_bias=*/false),
      position(param("position",
                     init::uniform({attention_size}, std::sqrt(3.0 / static_cast<double>(attention_size))))),
      window_(checked_window(window)) {
  child("scaled_key_proj", scaled_key_proj);
  child("position_proj", position_proj);
}

std::optional<Attention::Energy> LocalPredictiveAttention::energy_form() const {
  return Energy{.window = training() ? 0 : window_,
                .position = {position_proj.weight, position, sigma()},
                .free = training() ? kFree : 0};
}

Attention::Output LocalPredictiveAttention::answer(const Tensor& query, const Memory& memory,
                                                   const State&) const {
  const int64_t B = query.size(0), S = memory.keys.size(1);
  const Tensor length = reshape(memory.lengths.to(query.dtype()), {B, 1, 1});
  const Tensor p = length * sigmoid(linear(tanh(position_proj(query)), unsqueeze(position, 0)));  // [B, T, 1]
  const Tensor scores = general_scores(query, memory);
  const Tensor align =
      training() ? weights_of(scores, memory, memory.lengths)
                 : window_softmax(scores, memory, p.detach().to(DType::f64).to_vector<double>(), window_);
  // of the Gaussian, [B, T, S]
  Tensor exponent = square(arange(S, query.dtype()) - p) * (-1 / (2 * sigma() * sigma()));
  if (training()) {
    // 1 under the Gaussian, 0 free
    const Tensor bound = dropout(ones({B, query.size(1), 1}, query.dtype()), kFree) * (1 - kFree);
    exponent = exponent * bound;
  }
  const Tensor weights = align * exp(exponent);
  return {matmul(weights, memory.keys), weights};
}

LocalMonotonicAttention::LocalMonotonicAttention(int64_t query_size, int64_t key_size, int64_t window,
                                                 const Scope& scope)
    : Attention(scope),
      scaled_key_proj(key_size, query_size, /*with_bias=*/false),
      window_(checked_window(window)) {
  child("scaled_key_proj", scaled_key_proj);
}

Attention::Output LocalMonotonicAttention::answer(const Tensor& query, const Memory& memory,
                                                  const State& state) const {
  std::vector<double> centres;
  for (const int64_t length : memory.lengths.to_vector<int64_t>()) {
    for (int64_t t = 0; t < query.size(1); ++t)
      centres.push_back(static_cast<double>(std::min(state.step + t, length - 1)));
  }
  const Tensor weights = window_softmax(general_scores(query, memory), memory, centres, window_);
  return {matmul(weights, memory.keys), weights};
}

}  // namespace heed::nn
