// Gradients against central differences, in f64.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// How closely gradcheck looks.
struct GradcheckOptions {
  double step = 1e-6;                // h of the central difference
  double rtol = 1e-6;                // allowed error relative to the numeric gradient
  double atol = 1e-8;                // allowed error beside that
  int order = 1;                     // 2 checks the gradient's own gradient as well
  int64_t max_elements = INT64_MAX;  // of each input; above, that many of them, evenly spread
};

/// What gradcheck found.
struct GradcheckResult {
  bool passed = true;        // every element within the tolerances
  double largest_error = 0;  // largest |analytic - numeric| / (1 + |numeric|)
  std::string message;       // on failure: the worst element, both values
  /// @return passed
  explicit operator bool() const { return passed; }
};

/// Checks d(loss)/d(input) for every floating input of f against (loss(x + h) - loss(x - h)) / 2h, element by element. The loss weighs
/// every output element differently, because a plain sum hides transposed gradients. At order 2 the same is done for the weighted sum of
/// the gradients, the loss having squares in it so that the cotangents vary too. Error in the numeric side: about step^2 + 1e-16 / step.
/// @param f any differentiable function of the inputs
/// @param inputs f64; integers and masks pass through
/// @param options step, tolerances, order
/// @return whether they agree, and where they agree least
GradcheckResult gradcheck(const std::function<std::vector<Tensor>(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
                          GradcheckOptions options = {});

}  // namespace heed
