// Shared by cross_entropy and linear_cross_entropy: argument checks and the composed gradient.
#pragma once

#include "framework/ops/ops.h"

namespace heed {

/// Checks the arguments of cross_entropy and linear_cross_entropy.
/// @param op name of the calling op, used in error messages
/// @param logits shape of the logits, which must be [N, V]
/// @param targets i64 [N]
/// @param options options given by the caller
/// @throws ShapeError, DTypeError or ValueError naming `op`
void check_cross_entropy(const char* op, const Shape& logits, const Tensor& targets,
                         const CrossEntropyOptions& options);
/// d(mean loss)/d(logits) = (softmax(logits) - target distribution) / counted rows, composed of public ops so
/// that it can be differentiated again.
/// @param logits [N, V]
/// @param targets i64 [N]
/// @param options options given by the caller
/// @return the gradient [N, V]
Tensor composed_cross_entropy_gradient(const Tensor& logits, const Tensor& targets,
                                       const CrossEntropyOptions& options);

}  // namespace heed
