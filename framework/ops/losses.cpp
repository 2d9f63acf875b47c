// Losses that are compositions of other ops. cross_entropy and its fused form have files of their own.
#include <fmt/format.h>

#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/weighed.h"

namespace heed {
namespace {

using detail::weighed;

constexpr const char* kNoRows = "the mean over no rows is 0 in heed, NaN in PyTorch";

Tensor reduced(const Tensor& each, Reduction reduction) {
  if (reduction == Reduction::none) return each;
  return reduction == Reduction::sum ? sum(each) : mean(each);
}

void require_alike(const char* op, const Tensor& x, const Tensor& target) {
  detail::require_defined(op, x, target);
  if (x.shape() != target.shape())
    throw ShapeError(op, fmt::format("shapes differ: {} and {}", x.shape().str(), target.shape().str()));
  if (x.dtype() != target.dtype())
    throw DTypeError(op, fmt::format("dtypes differ: {} and {}", x.describe(), target.describe()));
  if (!is_floating(x.dtype()))
    throw DTypeError(op, fmt::format("takes f32 or f64, got {}", name_of(x.dtype())));
}

// A loss of two tensors of one shape: without reduction, and as mean and sum.
template <class Loss>
void add_loss(SampleList& s, const std::string& torch, const SampleInput& x, const SampleInput& target,
              const Loss& loss) {
  for (const auto& [name, reduction] :
       {std::pair{"none", Reduction::none}, {"mean", Reduction::mean}, {"sum", Reduction::sum}}) {
    s.add(
        fmt::format("torch.nn.functional.{}, reduction='{}')", torch, name), {x, target},
        [loss, reduction = reduction](const auto& in) { return std::vector{loss(in[0], in[1], reduction)}; });
  }
  s.again({{0, 4}, {0, 4}});  // the sum
}

struct MseLoss {
  static void samples(SampleList& s) { add_loss(s, "mse_loss(a, b", {3, 4}, {3, 4}, mse_loss); }
};
struct L1Loss {
  static void samples(SampleList& s) { add_loss(s, "l1_loss(a, b", {3, 4}, {3, 4}, l1_loss); }
};
struct SmoothL1Loss {
  static void samples(SampleList& s) {
    add_loss(s, "smooth_l1_loss(a, b, beta=0.8", {3, 4}, {3, 4},
             [](const Tensor& x, const Tensor& target, Reduction reduction) {
               return smooth_l1_loss(x, target, 0.8, reduction);
             });
  }
};
struct BceWithLogits {
  static void samples(SampleList& s) {
    add_loss(s, "binary_cross_entropy_with_logits(a, b", {3, 4}, positive({3, 4}), bce_with_logits);
  }
};
struct KlDiv {
  static void samples(SampleList& s) { add_loss(s, "kl_div(a, b", {3, 4}, positive({3, 4}), kl_div); }
};
struct NllLoss {
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.nll_loss(a, b)", {{4, 3}, integers({4}, {0, 2, 1, 2})},
          [](const auto& x) { return std::vector{nll_loss(x[0], x[1])}; });
    s.add("torch.nn.functional.nll_loss(a, b, ignore_index=2)", {{4, 3}, integers({4}, {0, 2, 1, 2})},
          [](const auto& x) { return std::vector{nll_loss(x[0], x[1], {}, 2)}; });
    s.add("-(torch.gather(a, 1, b[:, None])[:, 0] * c[b]).sum() / c[b].sum()",
          {{4, 3}, integers({4}, {0, 2, 1, 2}), positive({3})},
          [](const auto& x) { return std::vector{nll_loss(x[0], x[1], x[2])}; });
    s.add("", {{0, 3}, integers({0}, {})}, [](const auto& x) {
       return std::vector{nll_loss(x[0], x[1])};
     }).reason = kNoRows;
  }
};

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  require_alike("mse_loss", x, target);
  return detail::composed("mse_loss", [&] { return reduced(square(x - target), reduction); });
}

Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  require_alike("l1_loss", x, target);
  return detail::composed("l1_loss", [&] { return reduced(abs(x - target), reduction); });
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta, Reduction reduction) {
  require_alike("smooth_l1_loss", x, target);
  if (!(beta > 0)) throw ValueError("smooth_l1_loss", fmt::format("beta must be positive, got {}", beta));
  return detail::composed("smooth_l1_loss", [&] {
    const Tensor away = abs(x - target), near = lt(away, full({}, beta, away.dtype()));
    // 0 where it is not chosen: its slope could be infinite
    const Tensor squared = square(where(near, away, zeros({}, away.dtype())));
    return reduced(where(near, squared * (0.5 / beta), away - 0.5 * beta), reduction);
  });
}

Tensor bce_with_logits(const Tensor& logits, const Tensor& target, Reduction reduction) {
  require_alike("bce_with_logits", logits, target);
  return detail::composed("bce_with_logits", [&] {  // no difference of large numbers
    return reduced(weighed(target, softplus(-logits)) + weighed(1.0 - target, softplus(logits)), reduction);
  });
}

Tensor kl_div(const Tensor& log_probabilities, const Tensor& target, Reduction reduction) {
  require_alike("kl_div", log_probabilities, target);
  return detail::composed("kl_div", [&] {
    const Tensor zero = zeros({}, target.dtype()), one = ones({}, target.dtype());
    const Tensor log_target = log(where(eq(target, zero), one, target));  // 0 log 0 = 0
    return reduced(weighed(target, log_target - log_probabilities), reduction);
  });
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& class_weights,
                int64_t padding_id) {
  detail::require_defined("nll_loss", log_probabilities, targets);
  if (targets.dtype() != DType::i64)
    throw DTypeError("nll_loss", "targets must be i64, got " + targets.describe());
  if (!is_floating(log_probabilities.dtype()))
    throw DTypeError("nll_loss", fmt::format("takes f32 or f64, got {}", name_of(log_probabilities.dtype())));
  if (log_probabilities.ndim() != 2 || targets.shape() != Shape{log_probabilities.size(0)}) {
    throw ShapeError("nll_loss", fmt::format("{} with targets {}", log_probabilities.shape().str(),
                                             targets.shape().str()));
  }
  const int64_t classes = log_probabilities.size(1);
  if (class_weights.defined() && class_weights.shape() != Shape{classes}) {
    throw ShapeError("nll_loss",
                     fmt::format("weights {} for {} classes", class_weights.shape().str(), classes));
  }
  if (class_weights.defined() && class_weights.dtype() != log_probabilities.dtype()) {
    throw DTypeError("nll_loss", fmt::format("dtypes differ: {} and weights {}", log_probabilities.describe(),
                                             class_weights.describe()));
  }
  return detail::composed("nll_loss", [&] {
    const Tensor ignored = eq(targets, full({}, static_cast<double>(padding_id), DType::i64));
    const Tensor ids = where(ignored, zeros({}, DType::i64), targets);
    const Tensor counted = logical_not(ignored).to(log_probabilities.dtype());
    const Tensor weights = class_weights.defined() ? index_select(class_weights, 0, ids) * counted : counted;
    const Tensor chosen =
        masked_fill(reshape(gather(log_probabilities, 1, unsqueeze(ids, 1)), targets.shape()), ignored, 0);
    const Tensor total = sum(weights), none = eq(total, zeros({}, total.dtype()));
    return -sum(weighed(weights, chosen)) / where(none, ones({}, total.dtype()), total);
  });
}

DEFINE_OP(mse_loss, MseLoss)
DEFINE_OP(l1_loss, L1Loss)
DEFINE_OP(smooth_l1_loss, SmoothL1Loss)
DEFINE_OP(bce_with_logits, BceWithLogits)
DEFINE_OP(kl_div, KlDiv)
DEFINE_OP(nll_loss, NllLoss)

}  // namespace heed
