// Checks gradients against central differences, in f64.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// Options of gradcheck().
struct GradcheckOptions {
  double step = 1e-6;  // h of the central difference
  double rtol = 1e-6;  // allowed error relative to the numeric gradient
  double atol = 1e-8;  // allowed absolute error, added to the relative one
  int order = 1;       // 2 also checks the gradient of the gradient
  /// Most elements checked per input; of a larger input this many, evenly spaced.
  int64_t max_elements = INT64_MAX;
};

/// Result of gradcheck().
struct GradcheckResult {
  bool passed = true;        // whether every checked element is within the tolerances
  double largest_error = 0;  // largest |analytic - numeric| / (1 + |numeric|)
  std::string message;       // on failure: the worst element and both values of its gradient
  /// @return `passed`
  explicit operator bool() const { return passed; }
};

/// Checks d(loss)/d(input) for every floating input of f against (loss(x + h) - loss(x - h)) / 2h, element by
/// element. The loss is a weighted sum of the outputs with a different weight for each element, because a
/// plain sum hides transposed gradients. Order 2 repeats the check for a weighted sum of the gradients;
/// squares are added to the loss so that the cotangents depend on the inputs. The numeric gradient has an
/// error of about step^2 + 1e-16 / step.
/// @param f any differentiable function of the inputs
/// @param inputs f64 tensors; integer tensors and masks are passed to f unchanged
/// @param options step, tolerances, order
/// @return whether the gradients agree, and the element where they differ most
GradcheckResult gradcheck(const std::function<std::vector<Tensor>(const std::vector<Tensor>&)>& f,
                          const std::vector<Tensor>& inputs, GradcheckOptions options = {});

}  // namespace heed
