// Loss functions.
#pragma once

#include <cstdint>

#include "framework/core/tensor.h"

namespace heed {

/// Options of cross_entropy.
struct CrossEntropyOptions {
  double label_smoothing = 0;  // in [0, 1): probability mass spread evenly over all classes
  int64_t padding_id = -100;   // rows with this target are ignored
  /// [V]: factor of each class's loss; the mean divides by the sum of the targets' weights; undefined: all 1.
  Tensor class_weights{};
};
/// Mean of -log softmax(logits)[target] over the rows that are not padding, natural logarithm.
/// @param logits [N, V]
/// @param targets i64 [N], in 0 .. V - 1 or padding_id
/// @param options label smoothing, padding id, class weights
/// @return scalar, in nats; 0 when all rows are padding
/// @throws ShapeError, IndexError, ValueError, DTypeError
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, CrossEntropyOptions options = {});
/// cross_entropy(linear(x, weight, bias), targets) with less memory: probabilities are never stored, and the
/// logits are overwritten by their gradient.
/// @param x [N, D]
/// @param weight [V, D]
/// @param bias [V] or undefined
/// @param targets i64 [N]
/// @param options as for cross_entropy
/// @return scalar
/// @throws as cross_entropy
Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets,
                            CrossEntropyOptions options = {});

/// Negative log-likelihood: the mean of -log_probabilities[i, targets[i]] over the rows that are not padding,
/// weighted by the target's class weight.
/// @param log_probabilities [N, V]
/// @param targets i64 [N]
/// @param class_weights [V]; undefined: all 1
/// @param padding_id rows with this target are ignored
/// @return scalar, in nats; 0 when all rows are padding
/// @throws ShapeError, IndexError
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& class_weights = {},
                int64_t padding_id = -100);
/// @{
/// Squared error (x - target)^2; absolute error |x - target|.
/// @param x,target tensors of one shape
/// @param reduction how the elements' losses are combined
/// @return scalar, or x's shape
/// @throws ShapeError
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
/// @}
/// Smooth L1 loss: d^2 / (2 beta) where d = |x - target| < beta, else d - beta / 2 (Girshick 2015, eq. 3).
/// @param x,target tensors of one shape
/// @param beta above 0
/// @param reduction how the elements' losses are combined
/// @return scalar, or x's shape
/// @throws ShapeError, ValueError for beta <= 0
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta = 1,
                      Reduction reduction = Reduction::mean);
/// Binary cross-entropy of logits: -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), computed without
/// overflow.
/// @param logits the x of the equation
/// @param target the t of the equation, in [0, 1], of x's shape
/// @param reduction how the elements' losses are combined
/// @return scalar, or x's shape
/// @throws ShapeError
Tensor bce_with_logits(const Tensor& logits, const Tensor& target, Reduction reduction = Reduction::mean);
/// Kullback-Leibler divergence: t (log t - log p) for each element, 0 where t = 0. Its sum over a row is the
/// divergence of p from t.
/// @param log_probabilities the log p of the equation
/// @param target the t of the equation, of p's shape
/// @param reduction how the elements' losses are combined
/// @return scalar, or p's shape
/// @throws ShapeError
Tensor kl_div(const Tensor& log_probabilities, const Tensor& target, Reduction reduction = Reduction::mean);
/// Huber's loss: d^2 / 2 where d = |x - target| <= delta, else delta (d - delta / 2) (Huber 1964).
/// @param x,target tensors of one shape
/// @param delta above 0
/// @param reduction how the elements' losses are combined
/// @return scalar, or x's shape
/// @throws ShapeError, ValueError for delta <= 0
Tensor huber_loss(const Tensor& x, const Tensor& target, double delta = 1,
                  Reduction reduction = Reduction::mean);
/// Binary cross-entropy of probabilities: -t log p - (1 - t) log(1 - p), each logarithm at least -100.
/// bce_with_logits() of the logits is more exact.
/// @param probabilities the p of the equation, in [0, 1]
/// @param target the t of the equation, in [0, 1], of p's shape
/// @param reduction how the elements' losses are combined
/// @return scalar, or p's shape
/// @throws ShapeError, ValueError for a probability outside [0, 1]
Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target,
                            Reduction reduction = Reduction::mean);
/// max(0, margin + |anchor - positive| - |anchor - negative|) with pairwise_distance().
/// @param anchor,positive,negative [N, D] each
/// @param margin by how much the negative is to be farther away
/// @param reduction how the rows' losses are combined
/// @return scalar, or [N]
/// @throws ShapeError
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin = 1, Reduction reduction = Reduction::mean);
/// 1 - cos(a, b) of pairs that belong together, max(0, cos(a, b) - margin) of others.
/// @param a,b [N, D] each
/// @param target [N]: 1 for pairs that belong together, -1 for others
/// @param margin cosine that others may have
/// @param reduction how the pairs' losses are combined
/// @return scalar, or [N]
/// @throws ShapeError
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target, double margin = 0,
                             Reduction reduction = Reduction::mean);

}  // namespace heed
