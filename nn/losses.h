// Losses as they are used on sequences.
#pragma once

#include "framework/ops/ops.h"

namespace heed::nn {

/// Cross-entropy with label smoothing that ignores padding, in nats a counted token. logits [N, V], targets i64 [N] -> scalar.
class CrossEntropyLoss {
 public:
  explicit CrossEntropyLoss(double label_smoothing = 0, int64_t padding_id = -100) : options_{label_smoothing, padding_id} {}
  Tensor operator()(const Tensor& logits, const Tensor& targets) const { return cross_entropy(logits, targets, options_); }

 private:
  CrossEntropyOptions options_;
};

}  // namespace heed::nn
