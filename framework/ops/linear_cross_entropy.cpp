// linear_cross_entropy(x, W, b, targets) = cross_entropy(linear(x, W, b), targets), fused: rows of logits are
// made, scored and turned into their gradient a few at a time, while they are in cache, so neither
// probabilities nor a second [N, V] are ever stored.
// vjp, with G = dlogits of cross_entropy:  dx = g G W, dW = g G^T x, db = g sum of G over rows
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <variant>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/cross_entropy.h"
#include "framework/ops/naming.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// d(summed loss)/d(logits) and its sum over rows, for backward.
template <class T>
struct LogitGradient {
  LogitGradient(int64_t rows, int64_t classes) : logits(rows, classes), bias(static_cast<size_t>(classes)) {}
  kernels::StoredMatrix<T> logits;
  std::vector<double> bias;  // the sum over all rows
};

struct LinearCrossEntropy {
  static constexpr const char* kName = "linear_cross_entropy";
  static constexpr int kSaved = 3;
  Tensor targets;
  CrossEntropyOptions options;
  std::shared_ptr<std::variant<std::monostate, LogitGradient<float>, LogitGradient<double>>> kept;

  Tensor forward(const Tensor& x, const Tensor& weight, const Tensor& bias, Saved& saved) const {
    Tensor loss = zeros({}, x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const auto total = run<T>(x.contiguous(), weight.contiguous(),
                                bias.defined() ? bias.contiguous() : bias, saved.recording());
      if (total.rows > 0) *loss.data<T>() = static_cast<T>(total.loss / static_cast<double>(total.rows));
    });
    saved.input(x);
    saved.input(weight);
    saved.input(bias);
    return loss;
  }

  template <class T>
  kernels::CrossEntropySum run(const Tensor& x, const Tensor& weight, const Tensor& bias,
                               bool recording) const {
    const int64_t N = x.shape()[0], D = x.shape()[1], V = weight.shape()[0];
    // Rows of logits that a core's cache holds, about 2 MB.
    const int64_t piece = std::clamp<int64_t>(
        (int64_t{2} << 20) / (std::max<int64_t>(V, 1) * static_cast<int64_t>(sizeof(T))) / 16 * 16, 16, 64);
    const kernels::PackedMatrix<T> projection(D, V, weight.data<T>(), 1, D, piece);
    LogitGradient<T>* const gradient = recording ? &kept->emplace<LogitGradient<T>>(N, V) : nullptr;
    const Tensor logits = empty({std::min(N, piece), V}, x.dtype());
    kernels::CrossEntropySum total;
    for (int64_t row = 0; row < N; row += piece) {
      const int64_t count = std::min(piece, N - row);
      projection.multiply(count, x.data<T>() + row * D, D, T{0}, logits.data<T>(), V);
      const auto part = kernels::cross_entropy<T>(count, V, logits.data<T>(), targets.data<int64_t>() + row,
                                                  options.padding_id, options.label_smoothing,
                                                  recording ? logits.data<T>() : nullptr,
                                                  bias.defined() ? bias.data<T>() : nullptr);
      total.loss += part.loss;
      total.rows += part.rows;
      if (!recording) continue;
      gradient->logits.store(row, count, logits.data<T>());
      if (bias.defined()) kernels::add_rows_wide(count, V, logits.data<T>(), V, gradient->bias.data());
    }
    return total;
  }

  void release() { *kept = std::monostate{}; }

  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], weight = saved[1], bias = saved[2];
    if (GradMode::enabled()) {
      const Tensor dlogits = composed_cross_entropy_gradient(linear(x, weight, bias), targets, options) * g;
      if (d.wants(0)) d.add_matmul(0, dlogits, weight);
      if (d.wants(1)) d.add_matmul(1, transpose(dlogits), x);
      if (d.wants(2)) d.add(2, sum(dlogits, {0}));
      return;
    }
    const std::vector<int64_t> ids = targets.to_vector<int64_t>();
    const int64_t counted = targets.numel() - std::count(ids.begin(), ids.end(), options.padding_id);
    const double scale = g.item() / static_cast<double>(std::max<int64_t>(counted, 1));
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const auto& gradient = std::get<LogitGradient<T>>(*kept);
      const int64_t D = x.shape()[1];
      if (d.wants(0)) {
        const Tensor dx = empty(x.shape(), x.dtype());
        gradient.logits.multiply(D, weight.contiguous().template data<T>(), dx.data<T>());
        d.add(0, dx * scale);
      }
      if (d.wants(1)) {
        const Tensor dw = d.buffer(1, weight.shape(), weight.dtype());
        gradient.logits.add_transposed_product(D, (x * scale).contiguous().template data<T>(), dw.data<T>());
      }
      if (d.wants(2)) d.add(2, (from_vector(gradient.bias, bias.shape()) * scale).to(bias.dtype()));
    });
  }
  static void samples(SampleList& s) {
    const auto run = [](double smoothing, int64_t ignored) {
      return [=](const auto& x) {
        return std::vector{linear_cross_entropy(x[0], x[1], x[2], x[3], {smoothing, ignored})};
      };
    };
    s.add("torch.nn.functional.cross_entropy(torch.nn.functional.linear(a, b, c), d)",
          {{3, 4}, {5, 4}, {5}, integers({3}, {4, 0, 2})}, run(0, -100));
    s.add(
        "torch.nn.functional.cross_entropy(torch.nn.functional.linear(a, b, c), d, ignore_index=0, "
        "label_smoothing=0.1)",
        {{4, 3}, {6, 3}, {6}, integers({4}, {5, 0, 2, 0})}, run(0.1, 0));
    s.add("", {{0, 3}, {6, 3}, {6}, integers({0}, {})}, run(0, -100)).reason =
        "the mean over no rows is 0 in heed, NaN in PyTorch";
  }
};

}  // namespace

Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets,
                            CrossEntropyOptions options) {
  detail::require_defined("linear_cross_entropy", x, weight);
  if (x.ndim() != 2 || weight.ndim() != 2 || x.shape()[1] != weight.shape()[1]) {
    throw ShapeError("linear_cross_entropy",
                     fmt::format("input {} does not fit weight {}", x.shape().str(), weight.shape().str()));
  }
  if (bias.defined() && bias.shape() != Shape{weight.shape()[0]}) {
    throw ShapeError("linear_cross_entropy",
                     fmt::format("bias {} does not fit weight {}", bias.shape().str(), weight.shape().str()));
  }
  if (x.dtype() != weight.dtype() || (bias.defined() && bias.dtype() != x.dtype())) {
    throw DTypeError("linear_cross_entropy",
                     fmt::format("dtypes differ: {} and {}", x.describe(), weight.describe()));
  }
  check_cross_entropy("linear_cross_entropy", {x.shape()[0], weight.shape()[0]}, targets, options);
  if (options.class_weights.defined()) {
    return detail::composed("linear_cross_entropy",
                            [&] { return cross_entropy(linear(x, weight, bias), targets, options); });
  }
  return apply(LinearCrossEntropy{targets.contiguous(), options,
                                  std::make_shared<decltype(LinearCrossEntropy::kept)::element_type>()},
               x, weight, bias);
}

DEFINE_OP(linear_cross_entropy, LinearCrossEntropy)

}  // namespace heed
