// Elementwise functions of one tensor with SIMD kernels (kernels::unary, kernels::unary_backward), and
// affine.
#include "framework/ops/elementwise_op.h"

namespace heed {
namespace {

using detail::Keeps;
using kernels::Unary;

struct NegRule {
  static constexpr const char *kName = "neg", *kTorch = "-a";
  static constexpr Unary kOp = Unary::neg;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr auto kFill = SampleInput::Fill::normal;
  static Tensor composed(const Tensor& g, const Tensor&) { return neg(g); }
  static Tensor of_whole(const Tensor& x) { return 0 - x; }
};
struct ExpRule {
  static constexpr const char *kName = "exp", *kTorch = "torch.exp(a)";
  static constexpr Unary kOp = Unary::exp;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr auto kFill = SampleInput::Fill::normal;
  static Tensor composed(const Tensor& g, const Tensor& y) { return g * y; }
};
struct LogRule {
  static constexpr const char *kName = "log", *kTorch = "torch.log(a)";
  static constexpr Unary kOp = Unary::log;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr auto kFill = SampleInput::Fill::positive;
  static Tensor composed(const Tensor& g, const Tensor& x) { return g / x; }
};
struct TanhRule {
  static constexpr const char *kName = "tanh", *kTorch = "torch.tanh(a)";
  static constexpr Unary kOp = Unary::tanh;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr auto kFill = SampleInput::Fill::normal;
  static Tensor composed(const Tensor& g, const Tensor& y) { return g * (1.0 - y * y); }
};
struct SigmoidRule {
  static constexpr const char *kName = "sigmoid", *kTorch = "torch.sigmoid(a)";
  static constexpr Unary kOp = Unary::sigmoid;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr auto kFill = SampleInput::Fill::normal;
  static Tensor composed(const Tensor& g, const Tensor& y) { return g * y * (1.0 - y); }
};
struct ReluRule {
  static constexpr const char *kName = "relu", *kTorch = "torch.relu(a)";
  static constexpr Unary kOp = Unary::relu;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr auto kFill = SampleInput::Fill::away_from_zero;
  static Tensor composed(const Tensor& g, const Tensor& y) {  // the gradient at 0 is 0
    return g * detail::each(kName, y, [](auto v) { return v > 0; });
  }
  static Tensor of_whole(const Tensor& x) { return maximum(x, 0); }
};
struct SqrtRule {
  static constexpr const char *kName = "sqrt", *kTorch = "torch.sqrt(a)";
  static constexpr Unary kOp = Unary::sqrt;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr auto kFill = SampleInput::Fill::positive;
  static Tensor composed(const Tensor& g, const Tensor& y) { return g * 0.5 / y; }
};
struct SquareRule {
  static constexpr const char *kName = "square", *kTorch = "torch.square(a)";
  static constexpr Unary kOp = Unary::square;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr auto kFill = SampleInput::Fill::normal;
  static Tensor composed(const Tensor& g, const Tensor& x) { return g * x * 2.0; }
  static Tensor of_whole(const Tensor& x) { return x * x; }
};
struct AbsRule {
  static constexpr const char *kName = "abs", *kTorch = "torch.abs(a)";
  static constexpr Unary kOp = Unary::abs;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr auto kFill = SampleInput::Fill::away_from_zero;
  static Tensor composed(const Tensor& g, const Tensor& x) {  // the gradient at 0 is 0
    return g * detail::each(kName, x, [](auto v) { return (v > 0) - (v < 0); });
  }
  static Tensor of_whole(const Tensor& x) { return maximum(x, -x); }
};

// y = x * scale + shift
struct Affine {
  static constexpr const char* kName = "affine";
  double scale, shift;
  Tensor forward(const Tensor& input, Saved&) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::affine<T>(x.numel(), x.data<T>(), static_cast<T>(scale), static_cast<T>(shift), y.data<T>());
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, affine(g, scale, 0)); }
  static void samples(SampleList& s) {
    s.add("a * 2.5 - 1", {{3, 5}}, [](const auto& x) { return std::vector{affine(x[0], 2.5, -1)}; });
    s.add("a * -0.5", {{2, 0}}, [](const auto& x) { return std::vector{affine(x[0], -0.5, 0)}; });
  }
};

}  // namespace

Tensor affine(const Tensor& x, double scale, double shift) {
  detail::require_defined("affine", x);
  return apply(Affine{scale, shift}, x);
}
DEFINE_OP(affine, Affine)

HEED_ELEMENTWISE(neg, NegRule)
HEED_ELEMENTWISE(exp, ExpRule)
HEED_ELEMENTWISE(log, LogRule)
HEED_ELEMENTWISE(tanh, TanhRule)
HEED_ELEMENTWISE(sigmoid, SigmoidRule)
HEED_ELEMENTWISE(relu, ReluRule)
HEED_ELEMENTWISE(sqrt, SqrtRule)
HEED_ELEMENTWISE(square, SquareRule)
HEED_ELEMENTWISE(abs, AbsRule)

}  // namespace heed
