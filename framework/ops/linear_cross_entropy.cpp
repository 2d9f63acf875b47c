// linear_cross_entropy(x, W, b, targets) = cross_entropy(linear(x, W, b), targets), fused: forward turns the logits into their gradient
// where they lie, so neither probabilities nor a second [N, V] are ever stored, and adds the bias to a row when the row is in cache.
// vjp, with G = dlogits of cross_entropy:  dx = g G W, dW = g G^T x, db = g sum of G over rows
#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/cross_entropy.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct LinearCrossEntropy {
  static constexpr const char* kName = "linear_cross_entropy";
  static constexpr int kSaved = 4;
  Tensor targets;
  CrossEntropyOptions options;

  Tensor forward(const Tensor& x, const Tensor& weight, const Tensor& bias, Saved& saved) const {
    const Tensor logits = empty({x.shape()[0], weight.shape()[0]}, x.dtype()), dense_bias = bias.defined() ? bias.contiguous() : bias;
    kernels::matmul(x, transpose(weight), logits, 0.0);
    Tensor loss = zeros({}, x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      T* gradient = saved.recording() ? logits.data<T>() : nullptr;
      const auto total =
          kernels::cross_entropy<T>(logits.shape()[0], logits.shape()[1], logits.data<T>(), targets.data<int64_t>(), options.ignore_id,
                                    options.label_smoothing, gradient, dense_bias.defined() ? dense_bias.data<T>() : nullptr);
      if (total.rows > 0) *loss.data<T>() = static_cast<T>(total.loss / static_cast<double>(total.rows));
    });
    saved.input(x);
    saved.input(weight);
    saved.input(bias);
    saved.input(saved.recording() ? logits : Tensor{});  // now d(summed loss)/d(logits)
    return loss;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], weight = saved[1], bias = saved[2];
    Tensor dlogits;
    if (GradMode::enabled()) {
      dlogits = composed_cross_entropy_gradient(linear(x, weight, bias), targets, options) * g;
    } else {
      const std::vector<int64_t> ids = targets.to_vector<int64_t>();
      const int64_t counted = targets.numel() - std::count(ids.begin(), ids.end(), options.ignore_id);
      const double scale = g.item() / static_cast<double>(std::max<int64_t>(counted, 1));
      dlogits = saved[3];
      if (d.wants(0)) d.add(0, matmul(dlogits, weight) * scale);
      if (d.wants(1)) d.add_matmul(1, transpose(dlogits), x * scale);
      if (d.wants(2)) d.add(2, sum(dlogits, {0}) * scale);
      return;
    }
    if (d.wants(0)) d.add_matmul(0, dlogits, weight);
    if (d.wants(1)) d.add_matmul(1, transpose(dlogits), x);
    if (d.wants(2)) d.add(2, sum(dlogits, {0}));
  }
  static void samples(SampleList& s) {
    const auto run = [](double smoothing, int64_t ignored) {
      return [=](const auto& x) { return std::vector{linear_cross_entropy(x[0], x[1], x[2], x[3], {smoothing, ignored})}; };
    };
    s.add("torch.nn.functional.cross_entropy(torch.nn.functional.linear(a, b, c), d)", {{3, 4}, {5, 4}, {5}, integers({3}, {4, 0, 2})},
          run(0, -100));
    s.add("torch.nn.functional.cross_entropy(torch.nn.functional.linear(a, b, c), d, ignore_index=0, label_smoothing=0.1)",
          {{4, 3}, {6, 3}, {6}, integers({4}, {5, 0, 2, 0})}, run(0.1, 0));
  }
};

}  // namespace

Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets, CrossEntropyOptions options) {
  if (x.ndim() != 2 || weight.ndim() != 2 || x.shape()[1] != weight.shape()[1]) {
    throw ShapeError(fmt::format("linear_cross_entropy: input {} does not fit weight {}", x.shape().str(), weight.shape().str()));
  }
  if (bias.defined() && bias.shape() != Shape{weight.shape()[0]}) {
    throw ShapeError(fmt::format("linear_cross_entropy: bias {} does not fit weight {}", bias.shape().str(), weight.shape().str()));
  }
  if (x.dtype() != weight.dtype() || (bias.defined() && bias.dtype() != x.dtype())) {
    throw DTypeError(fmt::format("linear_cross_entropy: dtypes differ: {} and {}", x.describe(), weight.describe()));
  }
  check_cross_entropy("linear_cross_entropy", {x.shape()[0], weight.shape()[0]}, targets, options);
  return apply(LinearCrossEntropy{targets.contiguous(), options}, x, weight, bias);
}

DEFINE_OP(linear_cross_entropy, LinearCrossEntropy)

}  // namespace heed
