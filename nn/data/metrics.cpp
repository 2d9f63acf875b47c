#include "nn/data/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "framework/core/check.h"
#include "framework/ops/ops.h"

namespace heed::nn {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// i64 [N]: what was predicted.
Tensor decided(const char* name, const Tensor& predicted, const Tensor& targets) {
  if (targets.dtype() != DType::i64 || targets.ndim() != 1)
    throw DTypeError(name, "targets must be i64 [N], got " + targets.describe());
  const Tensor classes = predicted.ndim() == 2 ? argmax(predicted, 1) : predicted;
  if (classes.dtype() != DType::i64)
    throw DTypeError(name, "predictions must be i64 [N] or scores [N, C], got " + predicted.describe());
  if (classes.shape() != targets.shape())
    throw ShapeError(name,
                     fmt::format("{} predictions for {}", predicted.shape().str(), targets.shape().str()));
  return classes;
}

}  // namespace

Tensor confusion_matrix(const Tensor& predicted, const Tensor& targets, int64_t classes) {
  check_at_least("confusion_matrix", "classes", classes, 1);
  const std::vector<int64_t> made = decided("confusion_matrix", predicted, targets).to_vector<int64_t>(),
                             right = targets.to_vector<int64_t>();
  const Tensor counts = zeros({classes, classes}, DType::i64);
  for (size_t i = 0; i < right.size(); ++i) {
    for (const int64_t one : {right[i], made[i]}) {
      if (one < 0 || one >= classes)
        throw IndexError("confusion_matrix", fmt::format("class {} of {}", one, classes));
    }
    ++counts.data<int64_t>()[right[i] * classes + made[i]];
  }
  return counts;
}

double accuracy(const Tensor& predicted, const Tensor& targets) {
  const Tensor made = decided("accuracy", predicted, targets);
  if (targets.numel() == 0) return kNone;
  return sum(eq(made, targets)).item() / static_cast<double>(targets.numel());
}

Tensor f1_scores(const Tensor& predicted, const Tensor& targets, int64_t classes) {
  const std::vector<int64_t> counts = confusion_matrix(predicted, targets, classes).to_vector<int64_t>();
  std::vector<double> scores;
  for (int64_t c = 0; c < classes; ++c) {
    int64_t both = 0;  // predictions and targets of this class
    for (int64_t other = 0; other < classes; ++other)
      both +=
          counts[static_cast<size_t>(c * classes + other)] + counts[static_cast<size_t>(other * classes + c)];
    const auto hits = static_cast<double>(counts[static_cast<size_t>(c * classes + c)]);
    scores.push_back(both == 0 ? 0 : 2 * hits / static_cast<double>(both));
  }
  return from_vector(scores, {classes});
}

double f1_score(const Tensor& predicted, const Tensor& targets, int64_t classes, Average average) {
  const Tensor scores = f1_scores(predicted, targets, classes);
  return average == Average::micro ? accuracy(predicted, targets) : mean(scores).item();
}

double auroc(const Tensor& scores, const Tensor& targets) {
  if (scores.ndim() != 1 || targets.shape() != scores.shape())
    throw ShapeError("auroc", fmt::format("{} scores for {}", scores.shape().str(), targets.shape().str()));
  if (is_floating(targets.dtype()))
    throw DTypeError("auroc", "targets must be a mask or i64, got " + targets.describe());
  const std::vector<double> value = scores.to(DType::f64).to_vector<double>();
  const std::vector<int64_t> positive = targets.to(DType::i64).to_vector<int64_t>();
  std::vector<size_t> order(value.size());
  std::iota(order.begin(), order.end(), 0);
  int64_t positives = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    if (std::isnan(value[i])) throw ValueError("auroc", fmt::format("score {} is NaN", i));
    if (positive[i] != 0 && positive[i] != 1)
      throw ValueError("auroc", fmt::format("target {} is neither 0 nor 1", positive[i]));
    positives += positive[i];
  }
  const int64_t negatives = static_cast<int64_t>(value.size()) - positives;
  if (positives == 0 || negatives == 0) return kNone;
  std::ranges::sort(order, [&](size_t i, size_t j) { return value[i] < value[j]; });
  double ranks = 0;  // of the positive samples, from 1 on; equal scores share the mean of theirs
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    int64_t hits = 0;
    for (; end < order.size() && value[order[end]] == value[order[begin]]; ++end)
      hits += positive[order[end]];
    ranks += static_cast<double>(hits) * (static_cast<double>(begin + end + 1) / 2);
    begin = end;
  }
  const auto n = static_cast<double>(positives);
  return (ranks - n * (n + 1) / 2) / (n * static_cast<double>(negatives));
}

}  // namespace heed::nn
