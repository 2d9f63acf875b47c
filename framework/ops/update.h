// What optimisers compute, without gradients.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Sum of squares; the bits do not depend on the thread count.
/// @param x floating
/// @return summed in double
/// @throws DTypeError, ValueError for an undefined tensor
double sum_of_squares(const Tensor& x);

/// The numbers of one Adam update.
struct AdamUpdate {
  double lr = 1e-3;                   // learning rate
  double beta1 = 0.9, beta2 = 0.999;  // decay of the moments
  double eps = 1e-8;                  // added to the root
  double weight_decay = 0;            // L2, added to the gradient
  double bias1 = 1, bias2 = 1;        // 1 - beta^t
  double grad_scale = 1;              // multiplies the gradient on the way in (clipping)
};
/// One Adam update in place (Kingma & Ba 2015, algorithm 1) in one pass.
/// @param parameter,gradient f32 or f64, dense
/// @param first,second moments, of the parameter's shape
/// @param update rates and corrections
/// @throws ShapeError, GradError in grad mode
void adam_(const Tensor& parameter, const Tensor& gradient, const Tensor& first, const Tensor& second, const AdamUpdate& update);

}  // namespace heed
