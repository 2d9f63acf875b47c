// Shared by cross_entropy and linear_cross_entropy: argument checks and the composed gradient.
#pragma once

#include "framework/ops/ops.h"

namespace heed {

/// Throws ShapeError, DTypeError or ValueError naming `op`.
void check_cross_entropy(const char* op, const Shape& logits, const Tensor& targets, const CrossEntropyOptions& options);
/// d(mean loss)/d(logits) = (softmax(logits) - target distribution) / counted rows, in public ops: differentiable again.
Tensor composed_cross_entropy_gradient(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options);

}  // namespace heed
