// Shared by cross_entropy and linear_cross_entropy: argument checks and the composed gradient.
#pragma once

#include "framework/ops/ops.h"

namespace heed {

/// What both accept.
/// @param op name of the calling op, used in error messages
/// @param logits the shape [N, V]
/// @param targets i64 [N]
/// @param options as the caller gave them
/// @throws ShapeError, DTypeError or ValueError naming `op`
void check_cross_entropy(const char* op, const Shape& logits, const Tensor& targets, const CrossEntropyOptions& options);
/// d(mean loss)/d(logits) = (softmax(logits) - target distribution) / counted rows, in public ops: differentiable again.
/// @param logits [N, V]
/// @param targets i64 [N]
/// @param options as the caller gave them
/// @return [N, V]
Tensor composed_cross_entropy_gradient(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options);

}  // namespace heed
