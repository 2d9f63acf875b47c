// floor, ceil, round and trunc, whose gradient is 0; and isnan, isinf, isfinite, which give masks.
#include <cmath>

#include "framework/ops/elementwise_op.h"

namespace heed {
namespace {

using kernels::Unary;

// What the four share.      dx = 0
struct Steps {
  static constexpr auto kFill = SampleInput::Fill::normal;
  static constexpr detail::Keeps kKeeps = detail::Keeps::output;
  static Tensor composed(const Tensor& g, const Tensor&) { return g * 0.0; }
  static Tensor of_whole(const Tensor& x) { return x.clone(); }
};
struct Floor : Steps {
  static constexpr const char *kName = "floor", *kTorch = "torch.floor(a)";
  static constexpr Unary kOp = Unary::floor;
};
struct Ceil : Steps {
  static constexpr const char *kName = "ceil", *kTorch = "torch.ceil(a)";
  static constexpr Unary kOp = Unary::ceil;
};
struct Round : Steps {
  static constexpr const char *kName = "round", *kTorch = "torch.round(a)";
  static constexpr Unary kOp = Unary::round;
};
struct Trunc : Steps {
  static constexpr const char *kName = "trunc", *kTorch = "torch.trunc(a)";
  static constexpr Unary kOp = Unary::trunc;
};

// The mask test(x); integers and masks are finite.
template <class F>
Tensor mask_of(const char* op, const Tensor& x, const F& test) {
  detail::require_defined(op, x);
  const Tensor dense = x.detach().contiguous(), y = detail::allocate(op, x.shape(), DType::boolean);
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    const T* const from = dense.data<T>();
    detail::fill_each<bool>(y, [&](int64_t i) {
      if constexpr (std::is_floating_point_v<T>) {
        return test(from[i]);
      } else {
        return test(0.0);
      }
    });
  });
  return y;
}

template <class F>
void add_masks(SampleList& s, const char* torch, const F& f) {
  const auto run = [f](const std::vector<Tensor>& x) { return std::vector{f(x[0])}; };
  s.add(torch, {{2, 3}}, run).without_gradient("a mask has no gradient");
  s.again({integers({2}, {0, -3})});
  s.again({{0, 3}});
}
struct IsNan {
  static void samples(SampleList& s) { add_masks(s, "torch.isnan(a)", heed::isnan); }
};
struct IsInf {
  static void samples(SampleList& s) { add_masks(s, "torch.isinf(a)", heed::isinf); }
};
struct IsFinite {
  static void samples(SampleList& s) { add_masks(s, "torch.isfinite(a)", heed::isfinite); }
};

}  // namespace

Tensor isnan(const Tensor& x) {
  return mask_of("isnan", x, [](auto v) { return std::isnan(v); });
}
Tensor isinf(const Tensor& x) {
  return mask_of("isinf", x, [](auto v) { return std::isinf(v); });
}
Tensor isfinite(const Tensor& x) {
  return mask_of("isfinite", x, [](auto v) { return std::isfinite(v); });
}

HEED_ELEMENTWISE(floor, Floor)
HEED_ELEMENTWISE(ceil, Ceil)
HEED_ELEMENTWISE(round, Round)
HEED_ELEMENTWISE(trunc, Trunc)
DEFINE_OP(isnan, IsNan)
DEFINE_OP(isinf, IsInf)
DEFINE_OP(isfinite, IsFinite)

}  // namespace heed
