// Elementwise functions of one tensor. Each rule is stated once as a fused kernel (kernels::unary_backward) and once in public ops,
// which any order of derivative goes through; gradcheck at order 1 tests the kernel, at order 2 the composed form.
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using kernels::Unary;

// Rule: { kName, kOp, kSavesInput, composed(g, saved), samples }.
template <class Rule>
struct UnaryOp {
  static constexpr const char* kName = Rule::kName;
  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::unary<T>(Rule::kOp, x.numel(), x.data<T>(), y.data<T>());
    });
    if (Rule::kSavesInput) {
      saved.input(input);
    } else {
      saved.output(y);
    }
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor kept = saved[0];
    if (GradMode::enabled()) return d.add(0, Rule::composed(g, kept));
    const Tensor dense_g = g.contiguous(), dense = kept.contiguous(), dx = empty(g.shape(), g.dtype());
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::unary_backward<T>(Rule::kOp, g.numel(), dense_g.data<T>(), dense.data<T>(), dense.data<T>(), dx.data<T>());
    });
    d.add(0, dx);
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{apply(UnaryOp{}, x[0])}; };
    s.add(Rule::kTorch, {Rule::input({3, 5})}, run);
    s.add(Rule::kTorch, {Rule::input({2, 3, 17})}, run);
    s.add(Rule::kTorch, {Rule::input({0, 3})}, run);
  }
};

struct AnyInput {
  static SampleInput input(const Shape& shape) { return {shape, SampleInput::Fill::normal}; }
};
struct PositiveInput {
  static SampleInput input(const Shape& shape) { return positive(shape); }
};
struct NonZeroInput {
  static SampleInput input(const Shape& shape) { return away_from_zero(shape); }
};

struct NegRule : AnyInput {
  static constexpr const char *kName = "neg", *kTorch = "-a";
  static constexpr Unary kOp = Unary::neg;
  static constexpr bool kSavesInput = false;
  static Tensor composed(const Tensor& g, const Tensor&) { return neg(g); }
};
struct ExpRule : AnyInput {
  static constexpr const char *kName = "exp", *kTorch = "torch.exp(a)";
  static constexpr Unary kOp = Unary::exp;
  static constexpr bool kSavesInput = false;
  static Tensor composed(const Tensor& g, const Tensor& y) { return g * y; }
};
struct LogRule : PositiveInput {
  static constexpr const char *kName = "log", *kTorch = "torch.log(a)";
  static constexpr Unary kOp = Unary::log;
  static constexpr bool kSavesInput = true;
  static Tensor composed(const Tensor& g, const Tensor& x) { return g / x; }
};
struct TanhRule : AnyInput {
  static constexpr const char *kName = "tanh", *kTorch = "torch.tanh(a)";
  static constexpr Unary kOp = Unary::tanh;
  static constexpr bool kSavesInput = false;
  static Tensor composed(const Tensor& g, const Tensor& y) { return g * (1.0 - y * y); }
};
struct SigmoidRule : AnyInput {
  static constexpr const char *kName = "sigmoid", *kTorch = "torch.sigmoid(a)";
  static constexpr Unary kOp = Unary::sigmoid;
  static constexpr bool kSavesInput = false;
  static Tensor composed(const Tensor& g, const Tensor& y) { return g * y * (1.0 - y); }
};
struct ReluRule : NonZeroInput {
  static constexpr const char *kName = "relu", *kTorch = "torch.relu(a)";
  static constexpr Unary kOp = Unary::relu;
  static constexpr bool kSavesInput = false;
  static Tensor composed(const Tensor& g, const Tensor& y) {  // the gradient at 0 is 0
    Tensor step = empty(y.shape(), y.dtype());
    dispatch_floating(kName, y.dtype(), [&](auto t) {
      using T = decltype(t);
      const Tensor dense = y.detach().contiguous();
      for (int64_t i = 0; i < y.numel(); ++i) step.data<T>()[i] = dense.data<T>()[i] > 0 ? T{1} : T{0};
    });
    return g * step;
  }
};
struct SqrtRule : PositiveInput {
  static constexpr const char *kName = "sqrt", *kTorch = "torch.sqrt(a)";
  static constexpr Unary kOp = Unary::sqrt;
  static constexpr bool kSavesInput = false;
  static Tensor composed(const Tensor& g, const Tensor& y) { return g * 0.5 / y; }
};
struct SquareRule : AnyInput {
  static constexpr const char *kName = "square", *kTorch = "torch.square(a)";
  static constexpr Unary kOp = Unary::square;
  static constexpr bool kSavesInput = true;
  static Tensor composed(const Tensor& g, const Tensor& x) { return g * x * 2.0; }
};
struct AbsRule : NonZeroInput {
  static constexpr const char *kName = "abs", *kTorch = "torch.abs(a)";
  static constexpr Unary kOp = Unary::abs;
  static constexpr bool kSavesInput = true;
  static Tensor composed(const Tensor& g, const Tensor& x) {  // the gradient at 0 is 0
    Tensor sign = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const Tensor dense = x.detach().contiguous();
      for (int64_t i = 0; i < x.numel(); ++i) {
        const T v = dense.data<T>()[i];
        sign.data<T>()[i] = static_cast<T>((v > 0) - (v < 0));
      }
    });
    return g * sign;
  }
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

Tensor affine(const Tensor& x, double scale, double shift) { return apply(Affine{scale, shift}, x); }
DEFINE_OP(affine, Affine)

#define HEED_UNARY(name, Rule)                                       \
  Tensor name(const Tensor& x) { return apply(UnaryOp<Rule>{}, x); } \
  DEFINE_OP(name, UnaryOp<Rule>)
HEED_UNARY(neg, NegRule)
HEED_UNARY(exp, ExpRule)
HEED_UNARY(log, LogRule)
HEED_UNARY(tanh, TanhRule)
HEED_UNARY(sigmoid, SigmoidRule)
HEED_UNARY(relu, ReluRule)
HEED_UNARY(sqrt, SqrtRule)
HEED_UNARY(square, SquareRule)
HEED_UNARY(abs, AbsRule)
#undef HEED_UNARY

}  // namespace heed
