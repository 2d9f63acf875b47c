// Gradients against central differences, in f64.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

struct GradcheckOptions {
  double step = 1e-6;
  double rtol = 1e-6;
  double atol = 1e-8;
  int order = 1;                     // 2 checks the gradient's own gradient as well
  int64_t max_elements = INT64_MAX;  // of each input; above, that many of them, evenly spread
};

struct GradcheckResult {
  bool passed = true;
  double largest_error = 0;  // largest |analytic - numeric| / (1 + |numeric|)
  std::string message;       // on failure: the worst element, both values
  explicit operator bool() const { return passed; }
};

/// Checks d(loss)/d(input) for every floating input of f against (loss(x + h) - loss(x - h)) / 2h, element by element. The loss weighs
/// every output element differently, because a plain sum hides transposed gradients. At order 2 the same is done for the sum of the
/// gradients under other weights. Inputs are f64 (integers pass through). Error in the numeric side: about step^2 + 1e-16 / step.
GradcheckResult gradcheck(const std::function<std::vector<Tensor>(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
                          GradcheckOptions options = {});

}  // namespace heed
