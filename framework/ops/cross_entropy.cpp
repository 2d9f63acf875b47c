// cross_entropy(logits, targets): mean over counted rows of  log sum exp(x) - (1 - s) x_target - s/V sum x
// [Szegedy et al. 2016, sec. 7]
// vjp: dlogits = g (softmax(x) - (1 - s) onehot(target) - s/V) / rows
// With class weights w it is a composition:  - sum over rows of ((1 - s) w_target log p_target + s/V w . log
// p) / sum of w_target
#include "framework/ops/cross_entropy.h"

#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/registry.h"
#include "framework/ops/weighed.h"

namespace heed {
namespace {

struct CrossEntropy {
  static constexpr const char* kName = "cross_entropy";
  Tensor targets;  // the op's own: backward reads them again
  CrossEntropyOptions options;

  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor logits = input.contiguous();
    const int64_t rows = logits.shape()[0], n = logits.shape()[1];
    Tensor loss = zeros({}, logits.dtype());
    dispatch_floating(kName, logits.dtype(), [&](auto t) {
      using T = decltype(t);
      const auto total = kernels::cross_entropy<T>(rows, n, logits.data<T>(), targets.data<int64_t>(),
                                                   options.padding_id, options.label_smoothing, nullptr);
      if (total.rows > 0) *loss.data<T>() = static_cast<T>(total.loss / static_cast<double>(total.rows));
    });
    saved.input(input);
    return loss;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor input = saved[0];
    if (GradMode::enabled()) return d.add(0, composed_cross_entropy_gradient(input, targets, options) * g);
    const Tensor logits = input.contiguous(), dx = empty(logits.shape(), logits.dtype());
    dispatch_floating(kName, logits.dtype(), [&](auto t) {
      using T = decltype(t);
      const auto total = kernels::cross_entropy<T>(logits.shape()[0], logits.shape()[1], logits.data<T>(),
                                                   targets.data<int64_t>(), options.padding_id,
                                                   options.label_smoothing, dx.data<T>());
      const double scale = g.item() / static_cast<double>(std::max<int64_t>(total.rows, 1));
      kernels::affine<T>(dx.numel(), dx.data<T>(), static_cast<T>(scale), T{0}, dx.data<T>());
    });
    d.add(0, dx);
  }
  static void samples(SampleList& s) {
    const auto run = [](double smoothing, int64_t ignored) {
      return [=](const auto& x) { return std::vector{cross_entropy(x[0], x[1], {smoothing, ignored})}; };
    };
    s.add("torch.nn.functional.cross_entropy(a, b)", {{3, 5}, integers({3}, {4, 0, 2})}, run(0, -100));
    s.add("torch.nn.functional.cross_entropy(a, b, ignore_index=0, label_smoothing=0.1)",
          {{4, 6}, integers({4}, {5, 0, 2, 0})}, run(0.1, 0));
    s.add("torch.nn.functional.cross_entropy(a, b, label_smoothing=0.2)", {{2, 75}, integers({2}, {74, 3})},
          run(0.2, -100));
    const auto weighted = [](double smoothing, int64_t ignored) {
      return [=](const auto& x) {
        const Tensor weights = from_vector<double>({0.5, 1, 2, 0.75, 1.5, 0.25}, {6}).to(x[0].dtype());
        return std::vector{cross_entropy(x[0], x[1], {smoothing, ignored, weights})};
      };
    };
    const std::string torch =
        "torch.nn.functional.cross_entropy(a, b, torch.tensor([0.5, 1, 2, 0.75, 1.5, 0.25]).to(a.dtype)";
    s.add(torch + ")", {{4, 6}, integers({4}, {5, 0, 2, 0})}, weighted(0, -100));
    s.add(torch + ", ignore_index=0, label_smoothing=0.1)", {{4, 6}, integers({4}, {5, 0, 2, 0})},
          weighted(0.1, 0));
    s.add("", {{0, 6}, integers({0}, {})}, run(0.1, -100)).reason =
        "the mean over no rows is 0 in heed, NaN in PyTorch";
  }
};

Tensor weighted_cross_entropy(const Tensor& logits, const Tensor& targets,
                              const CrossEntropyOptions& options) {
  const Tensor& weights = options.class_weights;
  const int64_t classes = logits.shape()[1];
  for (const int64_t id : targets.to_vector<int64_t>()) {
    if (id != options.padding_id && (id < 0 || id >= classes)) {
      throw IndexError("cross_entropy", fmt::format("target {} out of range for {} classes", id, classes));
    }
  }
  if (weights.dtype() != logits.dtype()) {
    throw DTypeError("cross_entropy",
                     fmt::format("dtypes differ: {} and weights {}", logits.describe(), weights.describe()));
  }
  const Tensor log_p = log_softmax(logits),
               total = nll_loss(log_p, targets, weights, options.padding_id) * (1 - options.label_smoothing);
  if (options.label_smoothing == 0) return total;
  const Tensor ignored = eq(targets, full({}, options.padding_id, DType::i64));
  const Tensor ids = where(ignored, zeros({}, DType::i64), targets);
  const Tensor evenly = -sum(masked_fill(sum(detail::weighed(weights, log_p), {1}), ignored, 0));
  const Tensor mass = sum(masked_fill(index_select(weights, 0, ids), ignored, 0));
  const Tensor none = eq(mass, zeros({}, mass.dtype()));
  const double share = options.label_smoothing / static_cast<double>(classes);
  return total + evenly * share / where(none, ones({}, mass.dtype()), mass);
}

}  // namespace

void check_cross_entropy(const char* op, const Shape& logits, const Tensor& targets,
                         const CrossEntropyOptions& options) {
  detail::require_defined(op, targets);
  if (targets.dtype() != DType::i64)
    throw DTypeError(op, fmt::format("targets must be i64, got {}", targets.describe()));
  if (logits.ndim() != 2 || targets.shape() != Shape{logits[0]}) {
    throw ShapeError(op, fmt::format("targets {} do not fit logits {}", targets.shape().str(), logits.str()));
  }
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1)) {
    throw ValueError(op, fmt::format("label smoothing {} is outside [0, 1)", options.label_smoothing));
  }
  if (options.class_weights.defined() && options.class_weights.shape() != Shape{logits[1]}) {
    throw ShapeError(
        op, fmt::format("weights {} for {} classes", options.class_weights.shape().str(), logits[1]));
  }
}

Tensor composed_cross_entropy_gradient(const Tensor& logits, const Tensor& targets,
                                       const CrossEntropyOptions& options) {
  const int64_t rows = logits.shape()[0], n = logits.shape()[1];
  const std::vector<int64_t> ids = targets.to_vector<int64_t>();
  const auto counted = static_cast<double>(rows - std::count(ids.begin(), ids.end(), options.padding_id));
  Tensor wanted = full({rows, n}, options.label_smoothing / static_cast<double>(n), logits.dtype());
  Tensor used = full({rows, 1}, 1 / std::max(counted, 1.0), logits.dtype());
  dispatch_floating("cross_entropy", logits.dtype(), [&](auto t) {
    using T = decltype(t);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t id = ids[static_cast<size_t>(r)];
      if (id == options.padding_id) {
        used.data<T>()[r] = 0;
      } else {
        wanted.data<T>()[r * n + id] += static_cast<T>(1 - options.label_smoothing);
      }
    }
  });
  // whatever stands in a row that is ignored
  return (softmax(masked_fill(logits, eq(used, zeros({}, used.dtype())), 0)) - wanted) * used;
}

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, CrossEntropyOptions options) {
  detail::require_defined("cross_entropy", logits);
  check_cross_entropy("cross_entropy", logits.shape(), targets, options);
  if (options.class_weights.defined()) {
    return detail::composed("cross_entropy",
                            [&] { return weighted_cross_entropy(logits, targets, options); });
  }
  return apply(CrossEntropy{targets.clone(), options}, logits);
}

DEFINE_OP(cross_entropy, CrossEntropy)

}  // namespace heed
