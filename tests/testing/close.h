// Comparison of tensors with the worst element named.
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "framework/core/tensor.h"

namespace heed {

/// |a - b| <= atol + rtol |b| for every element, NaN equal to NaN; shapes and dtypes equal.
inline testing::AssertionResult all_close(const Tensor& a, const Tensor& b, double rtol, double atol) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) {
    return testing::AssertionFailure() << a.describe() << " against " << b.describe();
  }
  const auto x = a.to(DType::f64).to_vector<double>(), y = b.to(DType::f64).to_vector<double>();
  double worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i]) && std::isnan(y[i])) continue;
    if (x[i] == y[i]) continue;
    const double excess = std::abs(x[i] - y[i]) / (atol + rtol * std::abs(y[i]));
    if (!(excess <= worst)) worst = excess, where = i;
  }
  if (worst <= 1) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "element " << where << ": " << x[where] << " against " << y[where];
}

}  // namespace heed
