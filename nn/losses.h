// Loss functions as objects that store their options; the equations are in framework/ops/losses.h.
#pragma once

#include "framework/core/check.h"
#include "framework/ops/ops.h"

namespace heed::nn {

/// Cross-entropy with label smoothing, ignoring padding, in nats per counted token.
class CrossEntropyLoss {
 public:
  /// @param label_smoothing in [0, 1): probability mass spread evenly over all classes
  /// @param padding_id rows with this target are ignored
  /// @param class_weights [V]; undefined: all 1
  /// @throws ValueError for a label_smoothing outside [0, 1)
  explicit CrossEntropyLoss(double label_smoothing = 0, int64_t padding_id = -100,
                            const Tensor& class_weights = {})
      : options_{label_smoothing, padding_id, class_weights} {
    check_number("CrossEntropyLoss", "label_smoothing", label_smoothing, Allowed::fraction);
  }
  /// @param logits [N, V]
  /// @param targets i64 [N]
  /// @return scalar, the mean over the rows that are not padding; 0 when all are
  Tensor operator()(const Tensor& logits, const Tensor& targets) const {
    return cross_entropy(logits, targets, options_);
  }

 private:
  CrossEntropyOptions options_;
};

/// Negative log-likelihood: mean of -log_probabilities[i, targets[i]], weighted by the target's class weight.
class NLLLoss {
 public:
  /// @param class_weights [V]; undefined: all 1
  /// @param padding_id rows with this target are ignored
  explicit NLLLoss(const Tensor& class_weights = {}, int64_t padding_id = -100)
      : class_weights_(class_weights), padding_id_(padding_id) {}
  /// @param log_probabilities [N, V]
  /// @param targets i64 [N]
  /// @return scalar; 0 when all rows are padding
  Tensor operator()(const Tensor& log_probabilities, const Tensor& targets) const {
    return nll_loss(log_probabilities, targets, class_weights_, padding_id_);
  }

 private:
  Tensor class_weights_;
  int64_t padding_id_;
};

/// A loss that compares two tensors of one shape element by element.
/// @tparam kLoss mse_loss, l1_loss, ...
template <Tensor (*kLoss)(const Tensor&, const Tensor&, Reduction)>
class ElementwiseLoss {
 public:
  /// @param reduction how the elements' losses are combined
  explicit ElementwiseLoss(Reduction reduction = Reduction::mean) : reduction_(reduction) {}
  /// @param x,target tensors of one shape
  /// @return scalar; for Reduction::none a tensor of their shape
  Tensor operator()(const Tensor& x, const Tensor& target) const { return kLoss(x, target, reduction_); }

 private:
  Reduction reduction_;
};
using MSELoss = ElementwiseLoss<mse_loss>;                   // (x - target)^2
using L1Loss = ElementwiseLoss<l1_loss>;                     // |x - target|
using BCEWithLogitsLoss = ElementwiseLoss<bce_with_logits>;  // x are logits, targets in [0, 1]
using KLDivLoss = ElementwiseLoss<kl_div>;                   // x are log probabilities, targets probabilities
using BCELoss = ElementwiseLoss<binary_cross_entropy>;       // x are probabilities, targets in [0, 1]

/// Smooth L1 loss: quadratic for differences below beta, linear above.
class SmoothL1Loss {
 public:
  /// @param beta above 0
  /// @throws ValueError for a beta that is not above 0
  /// @param reduction how the elements' losses are combined
  explicit SmoothL1Loss(double beta = 1, Reduction reduction = Reduction::mean)
      : beta_(beta), reduction_(reduction) {
    check_number("SmoothL1Loss", "beta", beta, Allowed::positive);
  }
  /// @param x,target tensors of one shape
  /// @return scalar; for Reduction::none a tensor of their shape
  Tensor operator()(const Tensor& x, const Tensor& target) const {
    return smooth_l1_loss(x, target, beta_, reduction_);
  }

 private:
  double beta_;
  Reduction reduction_;
};

/// Huber's loss: quadratic for differences up to delta, linear above.
class HuberLoss {
 public:
  /// @param delta above 0
  /// @param reduction how the elements' losses are combined
  /// @throws ValueError for a delta that is not above 0
  explicit HuberLoss(double delta = 1, Reduction reduction = Reduction::mean)
      : delta_(delta), reduction_(reduction) {
    check_number("HuberLoss", "delta", delta, Allowed::positive);
  }
  /// @param x,target tensors of one shape
  /// @return scalar; for Reduction::none a tensor of their shape
  Tensor operator()(const Tensor& x, const Tensor& target) const {
    return huber_loss(x, target, delta_, reduction_);
  }

 private:
  double delta_;
  Reduction reduction_;
};

}  // namespace heed::nn
