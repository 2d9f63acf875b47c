// The computations of optimisers; they have no gradients.
#pragma once

#include "framework/core/tensor.h"

namespace heed {

/// Sum of the squares of all elements; the result does not depend on the number of threads, bit for bit.
/// @param x floating
/// @return the sum, accumulated in double
/// @throws DTypeError, ValueError for an undefined tensor
double sum_of_squares(const Tensor& x);

/// Parameters of one Adam update.
struct AdamUpdate {
  double lr = 1e-3;                   // learning rate
  double beta1 = 0.9, beta2 = 0.999;  // decay rates of the first and the second moment
  double eps = 1e-8;                  // added to the square root of the second moment
  double weight_decay = 0;            // L2, added to the gradient
  double bias1 = 1, bias2 = 1;        // bias corrections: 1 - beta1^t, 1 - beta2^t after t updates
  double grad_scale = 1;              // multiplies the gradient before it is used (clipping)
};
/// Performs one Adam update in place, in one pass over memory (Kingma & Ba 2015, algorithm 1).
/// @param parameter,gradient f32 or f64, dense
/// @param first,second first and second moment, of the parameter's shape; updated
/// @param update learning rate, decay rates and corrections
/// @throws ShapeError; GradError while grad mode is on
void adam_(const Tensor& parameter, const Tensor& gradient, const Tensor& first, const Tensor& second,
           const AdamUpdate& update);

}  // namespace heed
