#include "nn/init.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "framework/autograd/grad_mode.h"
#include "framework/ops/ops.h"

namespace heed::nn::init {
namespace {
thread_local bool skipping = false;
}

Skip::Skip() : before_(std::exchange(skipping, true)) {}
Skip::~Skip() { skipping = before_; }

Tensor xavier_uniform(const Shape& shape) {
  return uniform(shape, std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1])));
}

Tensor he_uniform(const Shape& shape) {
  return uniform(shape, std::sqrt(6.0 / static_cast<double>(std::max<int64_t>(shape.without(0).numel(), 1))));
}

Tensor uniform(const Shape& shape, double a) { return skipping ? empty(shape) : heed::uniform(shape, -a, a); }

Tensor normal(const Shape& shape, double std) {
  if (skipping) return empty(shape);
  const NoGradGuard no_grad;
  return randn(shape) * std;
}

Tensor lstm_bias(int64_t hidden) {
  const Tensor bias = zeros({4 * hidden});
  slice(bias, 0, hidden, 2 * hidden).fill_(1);
  return bias;
}

}  // namespace heed::nn::init
