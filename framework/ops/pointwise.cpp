// Functions of one tensor, element by element, with the C library's values: what is not on a translator's hot path. The others, with SIMD
// kernels, are in unary.cpp. A rule states its value, its slope (as a function of the one tensor that backward keeps) and its gradient
// in public ops; gradcheck at order 1 tests the slope, at order 2 the composed form.
#include <cmath>
#include <numbers>

#include "framework/ops/apply.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using detail::fill_each;

enum class Keeps : uint8_t { input, output };

// Rule: kName, kKeeps, value(x), slope(kept), composed(g, kept), samples.
template <class Rule>
struct Pointwise {
  static constexpr const char* kName = Rule::kName;
  Rule rule;
  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* const from = x.data<T>();
      fill_each<T>(y, [&](int64_t i) { return rule.value(from[i]); });
    });
    if (Rule::kKeeps == Keeps::input) {
      saved.input(input);
    } else {
      saved.output(y);
    }
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor kept = saved[0];
    if (GradMode::enabled()) return d.add(0, rule.composed(g, kept));
    const Tensor dense_g = g.contiguous(), dense = kept.contiguous(), dx = empty(g.shape(), g.dtype());
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      const T *const cotangent = dense_g.data<T>(), *const from = dense.data<T>();
      fill_each<T>(dx, [&](int64_t i) { return cotangent[i] * rule.slope(from[i]); });
    });
    d.add(0, dx);
  }
  static void samples(SampleList& s) { Rule::samples(s); }
};

template <class Function>
void add_samples(SampleList& s, const char* torch, SampleInput::Fill filled, const Function& f) {
  const auto run = [f](const std::vector<Tensor>& x) { return std::vector{f(x[0])}; };
  for (const Shape& shape : {Shape{3, 5}, Shape{2, 3, 17}, Shape{0, 3}}) s.add(torch, {SampleInput(shape, filled)}, run);
}
using enum SampleInput::Fill;

// sign(x): -1, 0 or 1; NaN stays.      dx = 0
struct Sign {
  static constexpr const char* kName = "sign";
  static constexpr Keeps kKeeps = Keeps::input;
  template <class T>
  T value(T x) const {
    return std::isnan(x) ? x : static_cast<T>((x > 0) - (x < 0));
  }
  template <class T>
  T slope(T) const {
    return 0;
  }
  Tensor composed(const Tensor& g, const Tensor&) const { return g * 0.0; }
  static void samples(SampleList& s) { add_samples(s, "torch.sign(a)", away_from_zero, sign); }
};

// expm1(x) = e^x - 1, exact near 0.      dx = g (y + 1)
struct Expm1 {
  static constexpr const char* kName = "expm1";
  static constexpr Keeps kKeeps = Keeps::output;
  template <class T>
  T value(T x) const {
    return std::expm1(x);
  }
  template <class T>
  T slope(T y) const {
    return y + 1;
  }
  Tensor composed(const Tensor& g, const Tensor& y) const { return g * (y + 1.0); }
  static void samples(SampleList& s) { add_samples(s, "torch.expm1(a)", normal, expm1); }
};

// log1p(x) = log(1 + x), exact near 0.      dx = g / (1 + x)
struct Log1p {
  static constexpr const char* kName = "log1p";
  static constexpr Keeps kKeeps = Keeps::input;
  template <class T>
  T value(T x) const {
    return std::log1p(x);
  }
  template <class T>
  T slope(T x) const {
    return 1 / (1 + x);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const { return g / (x + 1.0); }
  static void samples(SampleList& s) { add_samples(s, "torch.log1p(a)", positive, log1p); }
};

// rsqrt(x) = 1 / sqrt(x).      dx = -g y^3 / 2
struct Rsqrt {
  static constexpr const char* kName = "rsqrt";
  static constexpr Keeps kKeeps = Keeps::output;
  template <class T>
  T value(T x) const {
    return 1 / std::sqrt(x);
  }
  template <class T>
  T slope(T y) const {
    return y * y * y * T(-0.5);
  }
  Tensor composed(const Tensor& g, const Tensor& y) const { return g * y * square(y) * -0.5; }
  static void samples(SampleList& s) { add_samples(s, "torch.rsqrt(a)", positive, rsqrt); }
};

// reciprocal(x) = 1 / x.      dx = -g y^2
struct Reciprocal {
  static constexpr const char* kName = "reciprocal";
  static constexpr Keeps kKeeps = Keeps::output;
  template <class T>
  T value(T x) const {
    return 1 / x;
  }
  template <class T>
  T slope(T y) const {
    return -y * y;
  }
  Tensor composed(const Tensor& g, const Tensor& y) const { return -(g * square(y)); }
  static void samples(SampleList& s) { add_samples(s, "torch.reciprocal(a)", positive, reciprocal); }
};

// sin(x), x in radians.      dx = g cos(x)
struct Sin {
  static constexpr const char* kName = "sin";
  static constexpr Keeps kKeeps = Keeps::input;
  template <class T>
  T value(T x) const {
    return std::sin(x);
  }
  template <class T>
  T slope(T x) const {
    return std::cos(x);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const { return g * cos(x); }
  static void samples(SampleList& s) { add_samples(s, "torch.sin(a)", normal, sin); }
};

// cos(x), x in radians.      dx = -g sin(x)
struct Cos {
  static constexpr const char* kName = "cos";
  static constexpr Keeps kKeeps = Keeps::input;
  template <class T>
  T value(T x) const {
    return std::cos(x);
  }
  template <class T>
  T slope(T x) const {
    return -std::sin(x);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const { return -(g * sin(x)); }
  static void samples(SampleList& s) { add_samples(s, "torch.cos(a)", normal, cos); }
};

// erf(x) = 2 / sqrt(pi) int_0^x exp(-t^2) dt.      dx = g 2 / sqrt(pi) exp(-x^2)
struct Erf {
  static constexpr const char* kName = "erf";
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr double kFactor = 2 * std::numbers::inv_sqrtpi;
  template <class T>
  T value(T x) const {
    return std::erf(x);
  }
  template <class T>
  T slope(T x) const {
    return T(kFactor) * std::exp(-x * x);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const { return g * exp(-square(x)) * kFactor; }
  static void samples(SampleList& s) { add_samples(s, "torch.erf(a)", normal, erf); }
};

// leaky_relu(x) = x where x > 0, else slope x (Maas, Hannun & Ng 2013, sec. 2).
struct LeakyRelu {
  static constexpr const char* kName = "leaky_relu";
  static constexpr Keeps kKeeps = Keeps::input;
  double negative_slope;
  template <class T>
  T value(T x) const {
    return x > 0 ? x : x * static_cast<T>(negative_slope);
  }
  template <class T>
  T slope(T x) const {
    return x > 0 ? T(1) : static_cast<T>(negative_slope);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    return g * detail::each(kName, x, [this](auto v) { return slope(v); });
  }
  static void samples(SampleList& s) {
    add_samples(s, "torch.nn.functional.leaky_relu(a, 0.2)", away_from_zero, [](const Tensor& x) { return leaky_relu(x, 0.2); });
  }
};

// elu(x) = x where x > 0, else alpha (e^x - 1) (Clevert, Unterthiner & Hochreiter 2016, eq. 15).
struct Elu {
  static constexpr const char* kName = "elu";
  static constexpr Keeps kKeeps = Keeps::input;
  double alpha;
  template <class T>
  T value(T x) const {
    return x > 0 ? x : static_cast<T>(alpha) * std::expm1(x);
  }
  template <class T>
  T slope(T x) const {
    return x > 0 ? T(1) : static_cast<T>(alpha) * std::exp(x);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    const Tensor above = detail::each(kName, x, [](auto v) { return v > 0; });
    return g * (above + (1.0 - above) * exp(-relu(-x)) * alpha);  // exp(min(x, 0)): no infinity where it is not wanted
  }
  static void samples(SampleList& s) {
    add_samples(s, "torch.nn.functional.elu(a, 0.7)", away_from_zero, [](const Tensor& x) { return elu(x, 0.7); });
  }
};

// silu(x) = x sigmoid(x) (Elfwing, Uchibe & Doya 2018, eq. 6).      dx = g s (1 + x (1 - s)), s = sigmoid(x)
struct Silu {
  static constexpr const char* kName = "silu";
  static constexpr Keeps kKeeps = Keeps::input;
  template <class T>
  T value(T x) const {
    return x / (1 + std::exp(-x));
  }
  template <class T>
  T slope(T x) const {
    const T s = 1 / (1 + std::exp(-x));
    return s * (1 + x * (1 - s));
  }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    const Tensor s = sigmoid(x);
    return g * s * (x * (1.0 - s) + 1.0);
  }
  static void samples(SampleList& s) { add_samples(s, "torch.nn.functional.silu(a)", normal, silu); }
};

// softplus(x) = log(1 + e^x), without overflow.      dx = g sigmoid(x)
struct Softplus {
  static constexpr const char* kName = "softplus";
  static constexpr Keeps kKeeps = Keeps::input;
  template <class T>
  T value(T x) const {
    return (x > 0 ? x : T(0)) + std::log1p(std::exp(-std::abs(x)));
  }
  template <class T>
  T slope(T x) const {
    const T e = std::exp(-std::abs(x));
    return (x < 0 ? e : T(1)) / (1 + e);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const { return g * sigmoid(x); }
  static void samples(SampleList& s) { add_samples(s, "torch.nn.functional.softplus(a)", normal, softplus); }
};

// gelu(x) = x P(X <= x), X ~ N(0, 1) (Hendrycks & Gimpel 2016, sec. 2).      dx = g (P(x) + x p(x))
struct Gelu {
  static constexpr const char* kName = "gelu";
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr double kRootHalf = 1 / std::numbers::sqrt2, kDensity = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  template <class T>
  T value(T x) const {
    return x * (T(0.5) * std::erfc(-x * T(kRootHalf)));
  }
  template <class T>
  T slope(T x) const {
    return T(0.5) * std::erfc(-x * T(kRootHalf)) + x * T(kDensity) * std::exp(T(-0.5) * x * x);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    return g * ((erf(x * kRootHalf) + 1.0) * 0.5 + x * exp(square(x) * -0.5) * kDensity);
  }
  static void samples(SampleList& s) {
    add_samples(s, "torch.nn.functional.gelu(a)", normal, [](const Tensor& x) { return gelu(x); });
  }
};

// gelu by tanh (Hendrycks & Gimpel 2016, sec. 2): x / 2 (1 + tanh(u)), u = sqrt(2 / pi) (x + 0.044715 x^3).
struct GeluTanh {
  static constexpr const char* kName = "gelu_tanh";
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr double kScale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, kCubic = 0.044715;
  template <class T>
  static T tanh_of(T x) {
    return std::tanh(T(kScale) * (x + T(kCubic) * x * x * x));
  }
  template <class T>
  T value(T x) const {
    return T(0.5) * x * (1 + tanh_of(x));
  }
  template <class T>
  T slope(T x) const {
    const T t = tanh_of(x);
    return T(0.5) * (1 + t) + T(0.5) * x * (1 - t * t) * T(kScale) * (1 + 3 * T(kCubic) * x * x);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    const Tensor t = heed::tanh((x + x * square(x) * kCubic) * kScale);
    return g * ((t + 1.0) * 0.5 + x * (1.0 - square(t)) * (square(x) * (3 * kCubic) + 1.0) * (0.5 * kScale));
  }
  static void samples(SampleList& s) {
    add_samples(s, "torch.nn.functional.gelu(a, approximate='tanh')", normal, [](const Tensor& x) { return gelu(x, GeluForm::tanh); });
  }
};

// clamp(x, low, high): NaN stays.      dx = g where low <= x <= high, else 0
struct Clamp {
  static constexpr const char* kName = "clamp";
  static constexpr Keeps kKeeps = Keeps::input;
  double low, high;
  template <class T>
  T value(T x) const {
    return x < static_cast<T>(low) ? static_cast<T>(low) : x > static_cast<T>(high) ? static_cast<T>(high) : x;
  }
  template <class T>
  T slope(T x) const {
    return x >= static_cast<T>(low) && x <= static_cast<T>(high) ? T(1) : T(0);
  }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    return g * detail::each(kName, x, [this](auto v) { return slope(v); });
  }
  static void samples(SampleList& s) {
    add_samples(s, "torch.clamp(a, -0.05, 1.01)", away_from_zero, [](const Tensor& x) { return clamp(x, -0.05, 1.01); });
  }
};

// x^p for a number p.      dx = g p x^(p - 1)
struct PowScalar {
  static constexpr const char* kName = "pow_scalar";
  static constexpr Keeps kKeeps = Keeps::input;
  double exponent;
  template <class T>
  T value(T x) const {
    return std::pow(x, static_cast<T>(exponent));
  }
  template <class T>
  T slope(T x) const {
    return exponent == 0 ? T(0) : static_cast<T>(exponent) * std::pow(x, static_cast<T>(exponent - 1));
  }
  Tensor composed(const Tensor& g, const Tensor& x) const { return exponent == 0 ? g * 0.0 : g * pow(x, exponent - 1) * exponent; }
  static void samples(SampleList& s) {
    add_samples(s, "torch.pow(a, 2.5)", positive, [](const Tensor& x) { return pow(x, 2.5); });
    add_samples(s, "torch.pow(a, 3.0)", normal, [](const Tensor& x) { return pow(x, 3); });
    add_samples(s, "torch.pow(a, 0.0)", normal, [](const Tensor& x) { return pow(x, 0); });
    add_samples(s, "torch.pow(a, -1.5)", positive, [](const Tensor& x) { return pow(x, -1.5); });
  }
};

}  // namespace

#define HEED_POINTWISE(name, Rule)                                       \
  Tensor name(const Tensor& x) { return apply(Pointwise<Rule>{{}}, x); } \
  DEFINE_OP(name, Pointwise<Rule>)
HEED_POINTWISE(sign, Sign)
HEED_POINTWISE(expm1, Expm1)
HEED_POINTWISE(log1p, Log1p)
HEED_POINTWISE(rsqrt, Rsqrt)
HEED_POINTWISE(reciprocal, Reciprocal)
HEED_POINTWISE(sin, Sin)
HEED_POINTWISE(cos, Cos)
HEED_POINTWISE(erf, Erf)
HEED_POINTWISE(silu, Silu)
HEED_POINTWISE(softplus, Softplus)
#undef HEED_POINTWISE

Tensor leaky_relu(const Tensor& x, double negative_slope) { return apply(Pointwise<LeakyRelu>{{negative_slope}}, x); }
Tensor elu(const Tensor& x, double alpha) { return apply(Pointwise<Elu>{{alpha}}, x); }
Tensor gelu(const Tensor& x, GeluForm form) {
  return form == GeluForm::tanh ? apply(Pointwise<GeluTanh>{{}}, x) : apply(Pointwise<Gelu>{{}}, x);
}
Tensor clamp(const Tensor& x, double low, double high) {
  if (!(low <= high)) throw ValueError(fmt::format("clamp: {} to {} is no range", low, high));
  return apply(Pointwise<Clamp>{{low, high}}, x);
}
Tensor pow(const Tensor& x, double exponent) { return apply(Pointwise<PowScalar>{{exponent}}, x); }

DEFINE_OP(leaky_relu, Pointwise<LeakyRelu>)
DEFINE_OP(elu, Pointwise<Elu>)
DEFINE_OP(gelu, Pointwise<Gelu>)
DEFINE_OP(gelu_tanh, Pointwise<GeluTanh>)
DEFINE_OP(clamp, Pointwise<Clamp>)
DEFINE_OP(pow_scalar, Pointwise<PowScalar>)

}  // namespace heed
