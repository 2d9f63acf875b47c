// Losses.
#pragma once

#include <cstdint>

#include "framework/core/tensor.h"

namespace heed {

/// What cross_entropy counts.
struct CrossEntropyOptions {
  double label_smoothing = 0;  // in [0, 1): mass spread evenly over all classes
  int64_t padding_id = -100;   // rows with this target count nothing
  Tensor class_weights{};      // [V]: a class's loss is multiplied by it, and the mean divided by the targets' weights; undefined: all 1
};
/// Mean over counted rows of -log softmax(logits)[target], natural log.
/// @param logits [N, V]
/// @param targets i64 [N], in 0 .. V - 1 or padding_id
/// @param options smoothing, ignored rows, weights
/// @return scalar; 0 when no row counts
/// @throws ShapeError, IndexError, ValueError, DTypeError
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, CrossEntropyOptions options = {});
/// cross_entropy(linear(x, weight, bias), targets) without stored probabilities: the logits turn into their gradient in place.
/// @param x [N, D]
/// @param weight [V, D]
/// @param bias [V] or undefined
/// @param targets i64 [N]
/// @param options as for cross_entropy
/// @return scalar
/// @throws as cross_entropy
Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets,
                            CrossEntropyOptions options = {});

/// What becomes of the elements' losses: their mean, their sum, or nothing.
enum class Reduction : uint8_t { mean, sum, none };
/// -log_probabilities[i, targets[i]], weighted by class and averaged by these weights over the rows that count.
/// @param log_probabilities [N, V]
/// @param targets i64 [N]
/// @param class_weights [V]; undefined: 1
/// @param padding_id rows with this target count nothing
/// @return scalar; 0 when no row counts
/// @throws ShapeError, IndexError
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& class_weights = {}, int64_t padding_id = -100);
/// @{
/// (x - target)^2; |x - target|.
/// @param x,target of one shape
/// @param reduction mean, sum or none
/// @return scalar, or x's shape
/// @throws ShapeError
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
/// @}
/// d^2 / (2 beta) where d = |x - target| < beta, else d - beta / 2 (Girshick 2015, eq. 3).
/// @param x,target of one shape
/// @param beta above 0
/// @param reduction mean, sum or none
/// @return scalar, or x's shape
/// @throws ShapeError, ValueError for beta <= 0
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta = 1, Reduction reduction = Reduction::mean);
/// -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), without overflow.
/// @param logits x
/// @param target t in [0, 1], of x's shape
/// @param reduction mean, sum or none
/// @return scalar, or x's shape
/// @throws ShapeError
Tensor bce_with_logits(const Tensor& logits, const Tensor& target, Reduction reduction = Reduction::mean);
/// t (log t - log p), elements where t = 0 being 0; its sum over a row is the divergence of p from t.
/// @param log_probabilities log p
/// @param target t, of p's shape
/// @param reduction mean, sum or none
/// @return scalar, or p's shape
/// @throws ShapeError
Tensor kl_div(const Tensor& log_probabilities, const Tensor& target, Reduction reduction = Reduction::mean);

}  // namespace heed
