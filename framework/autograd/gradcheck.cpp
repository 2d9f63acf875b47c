#include "framework/autograd/gradcheck.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "framework/autograd/engine.h"
#include "framework/autograd/grad_mode.h"
#include "framework/core/error.h"
#include "framework/ops/ops.h"

namespace heed {
namespace {

using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

// The weighted sum over elements of w_i y_i with w_i = 0.5 + cos(1.7 i + phase), so that neighbouring weights
// differ.
Tensor weighted_loss(const std::vector<Tensor>& outputs, double phase) {
  Tensor loss;
  for (const Tensor& y : outputs) {
    if (!is_floating(y.dtype())) continue;
    Tensor w = empty(y.shape(), y.dtype());
    for (int64_t i = 0; i < w.numel(); ++i)
      w.data<double>()[i] = 0.5 + std::cos(1.7 * static_cast<double>(i) + phase);
    const Tensor term = sum(y * w);
    loss = loss.defined() ? loss + term : term;
    phase += 0.9;
  }
  return loss;
}

std::vector<Tensor> marked(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> leaves;
  for (const Tensor& x : inputs) {
    leaves.push_back(is_floating(x.dtype()) ? x.detach().clone().set_requires_grad(true) : x);
  }
  return leaves;
}

std::vector<Tensor> floating(const std::vector<Tensor>& all) {
  std::vector<Tensor> result;
  for (const Tensor& x : all) {
    if (is_floating(x.dtype())) result.push_back(x);
  }
  return result;
}

// Checks the first derivatives of `loss`, a scalar function of the inputs.
GradcheckResult check_scalar(const std::function<Tensor(const std::vector<Tensor>&)>& loss,
                             const std::vector<Tensor>& inputs, const GradcheckOptions& options, int order) {
  GradcheckResult result;
  const std::vector<Tensor> leaves = marked(inputs), wanted = floating(leaves);
  const Tensor value = loss(leaves);
  std::vector<Tensor> gradients(wanted.size());
  if (value.requires_grad()) gradients = grad(std::vector{value}, wanted, {}, {.allow_unused = true});
  double worst = 0;
  // The effect of rounding the two losses on their difference over 2 step: a few units in the last place of a
  // sum of many terms.
  const double rounding = 16 * std::numeric_limits<double>::epsilon() * std::abs(value.item()) / options.step;
  for (size_t k = 0; k < wanted.size(); ++k) {
    const Tensor& x = wanted[k];
    const Tensor analytic = gradients[k].defined() ? gradients[k].contiguous() : zeros(x.shape(), x.dtype());
    if (analytic.shape() != x.shape()) {
      return {false, INFINITY,
              fmt::format("gradient {} of input {} {}", analytic.describe(), k, x.describe())};
    }
    const int64_t stride = 1 + (x.numel() - 1) / std::max<int64_t>(options.max_elements, 1);
    for (int64_t i = 0; i < x.numel(); i += stride) {
      double& element = x.data<double>()[i];
      const double before = element;
      const auto at = [&](double point) {
        element = point;
        return loss(marked(leaves)).item();
      };
      const double numeric = (at(before + options.step) - at(before - options.step)) / (2 * options.step);
      element = before;
      const double found = analytic.data<double>()[i], error = std::abs(found - numeric);
      result.largest_error = std::max(result.largest_error, error / (1 + std::abs(numeric)));
      const double excess = error / (options.atol + options.rtol * std::abs(numeric) + rounding);
      if (!(excess <= 1) && !(excess <= worst)) {
        worst = excess;
        result.passed = false;
        result.message = fmt::format("order {}: input {} element {}: analytic {:.12g}, numeric {:.12g}",
                                     order, k, i, found, numeric);
      }
    }
  }
  return result;
}

}  // namespace

GradcheckResult gradcheck(const Function& f, const std::vector<Tensor>& inputs, GradcheckOptions options) {
  if (!f) throw ValueError("gradcheck", "there is no function");
  if (options.order < 1 || options.order > 2)
    throw ValueError("gradcheck", fmt::format("takes order 1 or 2, got {}", options.order));
  if (options.max_elements < 1)
    throw ValueError("gradcheck",
                     fmt::format("max_elements must be at least 1, got {}", options.max_elements));
  for (const Tensor& x : inputs) {
    if (x.dtype() == DType::f32) throw DTypeError("gradcheck", "inputs must be f64, got " + x.describe());
  }
  GradcheckResult first =
      check_scalar([&](const auto& x) { return weighted_loss(f(x), 0.3); }, inputs, options, 1);
  if (!first.passed || options.order < 2) return first;
  const GradcheckResult second = check_scalar(
      [&](const auto& x) {
        std::vector<Tensor> outputs = f(x);
        // so that cotangents depend on x
        for (Tensor& y : outputs) y = is_floating(y.dtype()) ? y + square(y) * 0.3 : y;
        const Tensor loss = weighted_loss(outputs, 0.3);
        std::vector<Tensor> gradients =
            grad(std::vector{loss}, floating(x), {}, {.create_graph = true, .allow_unused = true});
        std::erase_if(gradients, [](const Tensor& g) { return !g.defined(); });
        return weighted_loss(gradients, 1.1);
      },
      inputs, options, 2);
  return {second.passed, std::max(first.largest_error, second.largest_error), second.message};
}

}  // namespace heed
