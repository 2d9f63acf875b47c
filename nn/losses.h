// Losses as objects that hold their options; the equations are in framework/ops/ops.h.
#pragma once

#include "framework/ops/ops.h"

namespace heed::nn {

/// Cross-entropy with label smoothing that ignores padding, in nats a counted token. logits [N, V], targets i64 [N] -> scalar.
class CrossEntropyLoss {
 public:
  explicit CrossEntropyLoss(double label_smoothing = 0, int64_t padding_id = -100, const Tensor& class_weights = {})
      : options_{label_smoothing, padding_id, class_weights} {}
  Tensor operator()(const Tensor& logits, const Tensor& targets) const { return cross_entropy(logits, targets, options_); }

 private:
  CrossEntropyOptions options_;
};

/// log_probabilities [N, V], targets i64 [N] -> scalar.
class NLLLoss {
 public:
  explicit NLLLoss(const Tensor& class_weights = {}, int64_t ignore_id = -100) : class_weights_(class_weights), ignore_id_(ignore_id) {}
  Tensor operator()(const Tensor& log_probabilities, const Tensor& targets) const {
    return nll_loss(log_probabilities, targets, class_weights_, ignore_id_);
  }

 private:
  Tensor class_weights_;
  int64_t ignore_id_;
};

/// A loss of two tensors of one shape -> scalar, or their shape without reduction.
template <Tensor (*kLoss)(const Tensor&, const Tensor&, Reduction)>
class ElementwiseLoss {
 public:
  explicit ElementwiseLoss(Reduction reduction = Reduction::mean) : reduction_(reduction) {}
  Tensor operator()(const Tensor& x, const Tensor& target) const { return kLoss(x, target, reduction_); }

 private:
  Reduction reduction_;
};
using MSELoss = ElementwiseLoss<mse_loss>;
using L1Loss = ElementwiseLoss<l1_loss>;
using BCEWithLogitsLoss = ElementwiseLoss<bce_with_logits>;
using KLDivLoss = ElementwiseLoss<kl_div>;

class SmoothL1Loss {
 public:
  explicit SmoothL1Loss(double beta = 1, Reduction reduction = Reduction::mean) : beta_(beta), reduction_(reduction) {}
  Tensor operator()(const Tensor& x, const Tensor& target) const { return smooth_l1_loss(x, target, beta_, reduction_); }

 private:
  double beta_;
  Reduction reduction_;
};

}  // namespace heed::nn
