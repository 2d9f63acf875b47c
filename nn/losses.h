// Losses as they are used on sequences.
#pragma once

#include "framework/ops/ops.h"

namespace heed::nn {

/// Cross-entropy with label smoothing that ignores padding, in nats a counted token.
class CrossEntropyLoss {
 public:
  /// @param label_smoothing in [0, 1): mass spread evenly over all classes
  /// @param padding_id rows with this target count nothing
  explicit CrossEntropyLoss(double label_smoothing = 0, int64_t padding_id = -100) : options_{label_smoothing, padding_id} {}
  /// @param logits [N, V]
  /// @param targets i64 [N]
  /// @return scalar, the mean over the rows that count; 0 when none does
  Tensor operator()(const Tensor& logits, const Tensor& targets) const { return cross_entropy(logits, targets, options_); }

 private:
  CrossEntropyOptions options_;
};

}  // namespace heed::nn
