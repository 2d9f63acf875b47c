// Losses of two tensors of one shape, in one pass (kernels::pair_loss); kl_div and nll_loss are compositions
// of other ops. cross_entropy and its fused form have files of their own.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/weighed.h"

namespace heed {
namespace {

using detail::weighed;
using kernels::PairLoss;

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

// vjp: dx = g slope(x, t), dt = -dx; for bce the slope is (1 - t) sigmoid(x) - t sigmoid(-x), and dt = -g x.
template <PairLoss kKind>
struct Paired {
  static constexpr const char* kName = kKind == PairLoss::mse         ? "mse_loss"
                                       : kKind == PairLoss::l1        ? "l1_loss"
                                       : kKind == PairLoss::smooth_l1 ? "smooth_l1_loss"
                                                                      : "bce_with_logits";
  Reduction reduction;
  double beta;
  Tensor forward(const Tensor& x, const Tensor& target, Saved& saved) const {
    saved.input(x);
    saved.input(target);
    const Tensor a = x.contiguous(), b = target.contiguous();
    const Tensor y = empty(reduction == Reduction::none ? x.shape() : Shape{}, x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const int64_t n = a.numel();
      if (reduction == Reduction::none)
        return kernels::pair_loss<T>(kKind, beta, n, a.data<T>(), b.data<T>(), y.data<T>());
      const double total = kernels::pair_loss_sum<T>(kKind, beta, n, a.data<T>(), b.data<T>());
      *y.data<T>() = static_cast<T>(reduction == Reduction::sum ? total : total / static_cast<double>(n));
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], target = saved[1];
    const double scale = reduction == Reduction::mean ? 1 / static_cast<double>(x.numel()) : 1;
    if (GradMode::enabled()) return composed(d, scale == 1 ? g : g * scale, x, target);
    const Tensor a = x.contiguous(), b = target.contiguous(), dense_g = g.contiguous();
    const Tensor dx = d.wants(0) ? empty(a.shape(), a.dtype()) : Tensor{},
                 dt = d.wants(1) ? empty(a.shape(), a.dtype()) : Tensor{};
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::pair_loss_backward<T>(kKind, beta, a.numel(), dense_g.data<T>(), reduction == Reduction::none,
                                     scale, a.data<T>(), b.data<T>(), dx.defined() ? dx.data<T>() : nullptr,
                                     dt.defined() ? dt.data<T>() : nullptr);
    });
    if (dx.defined()) d.add(0, dx);
    if (dt.defined()) d.add(1, dt);
  }
  void composed(Grads& d, const Tensor& g, const Tensor& x, const Tensor& target) const {
    const auto slope = [&] {
      const Tensor away = x - target;
      if constexpr (kKind == PairLoss::mse) return away * 2.0;
      if constexpr (kKind == PairLoss::l1) return sign(away);
      if constexpr (kKind == PairLoss::smooth_l1)
        return where(lt(abs(away), full({}, beta, away.dtype())), away * (1 / beta), sign(away));
      return (1.0 - target) * sigmoid(x) - target * sigmoid(-x);
    };
    if constexpr (kKind == PairLoss::bce) {
      if (d.wants(0)) d.add(0, g * slope());
      if (d.wants(1)) d.add(1, expand(g, x.shape()) * -x);
    } else {
      const Tensor dx = g * slope();
      if (d.wants(0)) d.add(0, dx);
      if (d.wants(1)) d.add(1, -dx);
    }
  }
};

template <PairLoss kKind>
Tensor paired(const Tensor& x, const Tensor& target, Reduction reduction, double beta = 0) {
  using Op = Paired<kKind>;
  require_alike(Op::kName, x, target);
  return apply(Op{reduction, beta}, x, target);
}

// Without class weights: y = -sum of x[r, t_r] / n over the n rows that count (0 of none).      dx = -g / n
// at the targets
struct PlainNll {
  static constexpr const char* kName = "nll_loss";
  int64_t padding_id;
  Shape shape;
  int64_t counted(const int64_t* id) const { return shape[0] - std::count(id, id + shape[0], padding_id); }
  Tensor forward(const Tensor& input, const Tensor& targets, Saved& saved) const {
    saved.input(targets);
    const Tensor x = input.contiguous(), ids = targets.contiguous(), y = empty({}, x.dtype());
    const int64_t* const id = ids.data<int64_t>();
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* row = x.data<T>();
      std::array<double, 4> totals = {};  // that do not wait for each other
      int64_t n = 0;
      for (int64_t r = 0; r < shape[0]; ++r, row += shape[1]) {
        if (id[r] == padding_id) continue;
        totals[static_cast<size_t>(n++ % 4)] += static_cast<double>(row[id[r]]);
      }
      const double total = (totals[0] + totals[1]) + (totals[2] + totals[3]);
      *y.data<T>() = n == 0 ? T{0} : static_cast<T>(-total / static_cast<double>(n));
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor ids = saved[0].contiguous();
    const int64_t* const id = ids.data<int64_t>();
    const double scale = -1 / static_cast<double>(std::max<int64_t>(counted(id), 1));
    if (!GradMode::enabled()) {
      const Tensor dx = empty(shape, g.dtype());
      const int64_t V = shape[1];
      dispatch_floating(kName, g.dtype(), [&](auto t) {
        using T = decltype(t);
        const T each = *g.data<T>() * static_cast<T>(scale);
        parallel_for(shape[0], std::max<int64_t>(1, (1 << 18) / std::max<int64_t>(V, 1)),
                     [&](int64_t begin, int64_t end) {
                       for (int64_t r = begin; r < end; ++r) {
                         T* const row = dx.data<T>() + r * V;
                         std::fill_n(row, V, T{0});
                         if (id[r] != padding_id) row[id[r]] = each;
                       }
                     });
      });
      return d.add(0, dx);
    }
    const Tensor counts = ne(ids, padding_id), at = unsqueeze(where(counts, ids, 0), 1),
                 weight = unsqueeze(counts.to(g.dtype()), 1) * scale, none = zeros(shape, g.dtype());
    d.add(0, shape[1] == 0 ? none : scatter_add(none, 1, at, weight * g));
  }
};

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
struct HuberLoss {
  static void samples(SampleList& s) {
    add_loss(s, "huber_loss(a, b, delta=0.8", {3, 4}, {3, 4},
             [](const Tensor& x, const Tensor& target, Reduction reduction) {
               return huber_loss(x, target, 0.8, reduction);
             });
  }
};
struct BinaryCrossEntropy {
  static void samples(SampleList& s) {
    add_loss(s, "binary_cross_entropy(torch.sigmoid(a), b", {3, 4}, positive({3, 4}),
             [](const Tensor& x, const Tensor& target, Reduction reduction) {
               return binary_cross_entropy(sigmoid(x), target, reduction);
             });
    for (OpSample& sample : s.samples) sample.finite_only = true;  // NaN is no probability
  }
};
struct TripletMarginLoss {
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.triplet_margin_loss(a, b, c)", {{3, 4}, {3, 4}, {3, 4}},
          [](const auto& x) { return std::vector{triplet_margin_loss(x[0], x[1], x[2])}; });
    s.add("torch.nn.functional.triplet_margin_loss(a, b, c, margin=0.5, reduction='none')",
          {{3, 4}, {3, 4}, {3, 4}}, [](const auto& x) {
            return std::vector{triplet_margin_loss(x[0], x[1], x[2], 0.5, Reduction::none)};
          });
    s.again({{0, 4}, {0, 4}, {0, 4}});
  }
};
struct CosineEmbeddingLoss {
  static void samples(SampleList& s) {
    const auto run = [](Reduction reduction) {
      return [reduction](const auto& x) {
        return std::vector{cosine_embedding_loss(x[0], x[1], x[2], 0.1, reduction)};
      };
    };
    s.add("torch.nn.functional.cosine_embedding_loss(a, b, c, margin=0.1)",
          {{3, 4}, {3, 4}, integers({3}, {1, -1, -1})}, run(Reduction::mean));
    s.add("torch.nn.functional.cosine_embedding_loss(a, b, c, margin=0.1, reduction='none')",
          {{3, 4}, {3, 4}, integers({3}, {1, -1, -1})}, run(Reduction::none));
    s.again({{0, 4}, {0, 4}, integers({0}, {})});
  }
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
  return paired<PairLoss::mse>(x, target, reduction);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  return paired<PairLoss::l1>(x, target, reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta, Reduction reduction) {
  require_alike("smooth_l1_loss", x, target);
  if (!(beta > 0)) throw ValueError("smooth_l1_loss", fmt::format("beta must be positive, got {}", beta));
  return paired<PairLoss::smooth_l1>(x, target, reduction, beta);
}

Tensor bce_with_logits(const Tensor& logits, const Tensor& target, Reduction reduction) {
  return paired<PairLoss::bce>(logits, target, reduction);
}

Tensor kl_div(const Tensor& log_probabilities, const Tensor& target, Reduction reduction) {
  require_alike("kl_div", log_probabilities, target);
  return detail::composed("kl_div", [&] {
    const Tensor zero = zeros({}, target.dtype()), one = ones({}, target.dtype());
    const Tensor log_target = log(where(eq(target, zero), one, target));  // 0 log 0 = 0
    return reduced(weighed(target, log_target - log_probabilities), reduction);
  });
}

Tensor huber_loss(const Tensor& x, const Tensor& target, double delta, Reduction reduction) {
  require_alike("huber_loss", x, target);
  if (!(delta > 0)) throw ValueError("huber_loss", fmt::format("delta must be positive, got {}", delta));
  return detail::composed("huber_loss", [&] {
    const Tensor away = x - target, near = clamp(away, -delta, delta);
    return reduced(near * (away - near * 0.5), reduction);
  });
}

Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target, Reduction reduction) {
  require_alike("binary_cross_entropy", probabilities, target);
  return detail::composed("binary_cross_entropy", [&] {
    if (!all((probabilities >= 0) & (probabilities <= 1)).item<bool>())
      throw ValueError("binary_cross_entropy", "a probability is outside [0, 1]");
    const auto log_of = [](const Tensor& p) { return log(clamp_min(p, std::exp(-100.0))); };
    return reduced(-(target * log_of(probabilities) + (1 - target) * log_of(1 - probabilities)), reduction);
  });
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin, Reduction reduction) {
  require_alike("triplet_margin_loss", anchor, positive);
  require_alike("triplet_margin_loss", anchor, negative);
  return detail::composed("triplet_margin_loss", [&] {
    return reduced(relu(pairwise_distance(anchor, positive) - pairwise_distance(anchor, negative) + margin),
                   reduction);
  });
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target, double margin,
                             Reduction reduction) {
  require_alike("cosine_embedding_loss", a, b);
  detail::require_defined("cosine_embedding_loss", target);
  if (a.ndim() != 2 || target.shape() != Shape{a.size(0)})
    throw ShapeError("cosine_embedding_loss", fmt::format("takes [N, D] and a target [N], got {} and {}",
                                                          a.shape().str(), target.shape().str()));
  return detail::composed("cosine_embedding_loss", [&] {
    const Tensor cosine = cosine_similarity(a, b);
    return reduced(where(target > 0, 1 - cosine, relu(cosine - margin)), reduction);
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
  if (!class_weights.defined()) {
    const Tensor dense = targets.contiguous();
    const std::span<const int64_t> ids(dense.data<int64_t>(), static_cast<size_t>(dense.numel()));
    const auto outside = [&](int64_t id) { return id != padding_id && (id < 0 || id >= classes); };
    bool any = false;
    for (const int64_t id : ids) any |= outside(id);
    if (any) {
      throw IndexError("nll_loss", fmt::format("index {} is outside 0..{} of dimension 1 of {}",
                                               *std::ranges::find_if(ids, outside), classes - 1,
                                               log_probabilities.shape().str()));
    }
    return apply(PlainNll{padding_id, log_probabilities.shape()}, log_probabilities, targets);
  }
  return detail::composed("nll_loss", [&] {
    const Tensor ignored = eq(targets, full({}, padding_id, DType::i64));
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
DEFINE_OP(huber_loss, HuberLoss)
DEFINE_OP(binary_cross_entropy, BinaryCrossEntropy)
DEFINE_OP(triplet_margin_loss, TripletMarginLoss)
DEFINE_OP(cosine_embedding_loss, CosineEmbeddingLoss)
DEFINE_OP(nll_loss, NllLoss)

}  // namespace heed
