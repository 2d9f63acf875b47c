// More functions of one tensor, element by element (those of a translator's hot path are in unary.cpp). What
// they are, and their slopes, is in kernels/plain_math.h in plain C++.
#include <fmt/format.h>

#include "framework/kernels/plain_math.h"
#include "framework/ops/elementwise_op.h"
#include "framework/ops/weighed.h"

namespace heed {
namespace {

using detail::Keeps;
using detail::weighed;
using kernels::Unary;
using kernels::UnaryOp;
namespace plain = kernels::plain;

// sign(x): -1, 0 or 1; NaN stays.      dx = 0
struct Sign {
  static constexpr const char *kName = "sign", *kTorch = "torch.sign(a)";
  static constexpr auto kFill = SampleInput::Fill::away_from_zero;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::sign;
  Tensor composed(const Tensor& g, const Tensor&) const { return g * 0.0; }
  static Tensor of_whole(const Tensor& x) { return gt(x, 0) - lt(x, 0); }
};

// expm1(x) = e^x - 1, exact near 0.      dx = g (y + 1)
struct Expm1 {
  static constexpr const char *kName = "expm1", *kTorch = "torch.expm1(a)";
  static constexpr auto kFill = SampleInput::Fill::normal;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr Unary kOp = Unary::expm1;
  Tensor composed(const Tensor& g, const Tensor& y) const { return g * (y + 1.0); }
};

// log1p(x) = log(1 + x), exact near 0.      dx = g / (1 + x)
struct Log1p {
  static constexpr const char *kName = "log1p", *kTorch = "torch.log1p(a)";
  static constexpr auto kFill = SampleInput::Fill::positive;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::log1p;
  Tensor composed(const Tensor& g, const Tensor& x) const { return g / (x + 1.0); }
};

// rsqrt(x) = 1 / sqrt(x).      dx = -g y^3 / 2
struct Rsqrt {
  static constexpr const char *kName = "rsqrt", *kTorch = "torch.rsqrt(a)";
  static constexpr auto kFill = SampleInput::Fill::positive;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr Unary kOp = Unary::rsqrt;
  Tensor composed(const Tensor& g, const Tensor& y) const { return g * y * square(y) * -0.5; }
};

// reciprocal(x) = 1 / x.      dx = -g y^2
struct Reciprocal {
  static constexpr const char *kName = "reciprocal", *kTorch = "torch.reciprocal(a)";
  static constexpr auto kFill = SampleInput::Fill::positive;
  static constexpr Keeps kKeeps = Keeps::output;
  static constexpr Unary kOp = Unary::reciprocal;
  Tensor composed(const Tensor& g, const Tensor& y) const { return -(g * square(y)); }
};

// sin(x), x in radians.      dx = g cos(x)
struct Sin {
  static constexpr const char *kName = "sin", *kTorch = "torch.sin(a)";
  static constexpr auto kFill = SampleInput::Fill::normal;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::sin;
  Tensor composed(const Tensor& g, const Tensor& x) const { return g * cos(x); }
};

// cos(x), x in radians.      dx = -g sin(x)
struct Cos {
  static constexpr const char *kName = "cos", *kTorch = "torch.cos(a)";
  static constexpr auto kFill = SampleInput::Fill::normal;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::cos;
  Tensor composed(const Tensor& g, const Tensor& x) const { return -(g * sin(x)); }
};

// erf(x) = 2 / sqrt(pi) int_0^x exp(-t^2) dt.      dx = g 2 / sqrt(pi) exp(-x^2)
struct Erf {
  static constexpr const char *kName = "erf", *kTorch = "torch.erf(a)";
  static constexpr auto kFill = SampleInput::Fill::normal;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::erf;
  Tensor composed(const Tensor& g, const Tensor& x) const { return g * exp(-square(x)) * plain::kErfSlope; }
};

// leaky_relu(x) = x where x > 0, else slope x (Maas, Hannun & Ng 2013, sec. 2).
struct LeakyRelu {
  static constexpr const char* kName = "leaky_relu";
  static constexpr Keeps kKeeps = Keeps::input;
  double negative_slope;
  UnaryOp op() const { return {Unary::leaky_relu, negative_slope}; }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    return g * detail::each(kName, x, [this](auto v) { return plain::slope(op(), v); });
  }
  static void samples(SampleList& s) {
    detail::add_elementwise_samples(s, "torch.nn.functional.leaky_relu(a, 0.2)",
                                    SampleInput::Fill::away_from_zero,
                                    [](const Tensor& x) { return leaky_relu(x, 0.2); });
  }
};

// elu(x) = x where x > 0, else alpha (e^x - 1) (Clevert, Unterthiner & Hochreiter 2016, eq. 15).
struct Elu {
  static constexpr const char* kName = "elu";
  static constexpr Keeps kKeeps = Keeps::input;
  double alpha;
  UnaryOp op() const { return {Unary::elu, alpha}; }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    const Tensor above = detail::each(kName, x, [](auto v) { return v > 0; });
    // exp(min(x, 0)): no infinity where it is not wanted
    return g * (above + (1.0 - above) * exp(-relu(-x)) * alpha);
  }
  static void samples(SampleList& s) {
    detail::add_elementwise_samples(s, "torch.nn.functional.elu(a, 0.7)", SampleInput::Fill::away_from_zero,
                                    [](const Tensor& x) { return elu(x, 0.7); });
  }
};

// silu(x) = x sigmoid(x) (Elfwing, Uchibe & Doya 2018, eq. 6).      dx = g s (1 + x (1 - s)), s = sigmoid(x)
struct Silu {
  static constexpr const char *kName = "silu", *kTorch = "torch.nn.functional.silu(a)";
  static constexpr auto kFill = SampleInput::Fill::normal;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::silu;
  Tensor composed(const Tensor& g, const Tensor& x) const {
    const Tensor s = sigmoid(x);
    return g * weighed(s, weighed(1.0 - s, x) + 1.0);
  }
};

// softplus(x) = log(1 + e^x), without overflow.      dx = g sigmoid(x)
struct Softplus {
  static constexpr const char *kName = "softplus", *kTorch = "torch.nn.functional.softplus(a)";
  static constexpr auto kFill = SampleInput::Fill::normal;
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::softplus;
  Tensor composed(const Tensor& g, const Tensor& x) const { return g * sigmoid(x); }
};

// gelu(x) = x P(X <= x), X ~ N(0, 1) (Hendrycks & Gimpel 2016, sec. 2).      dx = g (P(x) + x p(x))
struct Gelu {
  static constexpr const char* kName = "gelu";
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::gelu;
  Tensor composed(const Tensor& g, const Tensor& x) const {
    return g * ((erf(x * plain::kRootHalf) + 1.0) * 0.5 +
                weighed(exp(square(x) * -0.5), x) * plain::kNormalDensity);
  }
  static void samples(SampleList& s) {
    detail::add_elementwise_samples(s, "torch.nn.functional.gelu(a)", SampleInput::Fill::normal,
                                    [](const Tensor& x) { return gelu(x); });
  }
};

// gelu by tanh (Hendrycks & Gimpel 2016, sec. 2): x / 2 (1 + tanh(u)), u = sqrt(2 / pi) (x + 0.044715 x^3).
struct GeluTanh {
  static constexpr const char* kName = "gelu_tanh";
  static constexpr Keeps kKeeps = Keeps::input;
  static constexpr Unary kOp = Unary::gelu_tanh;
  Tensor composed(const Tensor& g, const Tensor& x) const {
    const Tensor t = heed::tanh((x + x * square(x) * plain::kTanhCubic) * plain::kTanhScale);
    const Tensor inner = x * (square(x) * (3 * plain::kTanhCubic) + 1.0);
    return g * ((t + 1.0) * 0.5 + weighed(1.0 - square(t), inner) * (0.5 * plain::kTanhScale));
  }
  static void samples(SampleList& s) {
    detail::add_elementwise_samples(s, "torch.nn.functional.gelu(a, approximate='tanh')",
                                    SampleInput::Fill::normal,
                                    [](const Tensor& x) { return gelu(x, GeluForm::tanh); });
  }
};

// clamp(x, low, high): NaN stays.      dx = g where low <= x <= high, else 0
struct Clamp {
  static constexpr const char* kName = "clamp";
  static constexpr Keeps kKeeps = Keeps::input;
  double low, high;
  UnaryOp op() const { return {Unary::clamp, low, high}; }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    return g * detail::each(kName, x, [this](auto v) { return plain::slope(op(), v); });
  }
  static void samples(SampleList& s) {
    detail::add_elementwise_samples(s, "torch.clamp(a, -0.05, 1.01)", SampleInput::Fill::away_from_zero,
                                    [](const Tensor& x) { return clamp(x, -0.05, 1.01); });
  }
  Tensor of_whole(const Tensor& x) const {
    if (low != std::floor(low) || high != std::floor(high)) return clamp(x.to(DType::f32), low, high);
    const auto whole = [](double v) {
      return v <= -0x1p63 ? INT64_MIN : v >= 0x1p63 ? INT64_MAX : static_cast<int64_t>(v);
    };
    return minimum(maximum(x, whole(low)), whole(high));
  }
};

// x^p for a number p.      dx = g p x^(p - 1)
struct PowScalar {
  static constexpr const char* kName = "pow_scalar";
  static constexpr Keeps kKeeps = Keeps::input;
  double exponent;
  UnaryOp op() const { return {Unary::pow, exponent}; }
  Tensor composed(const Tensor& g, const Tensor& x) const {
    return exponent == 0 ? g * 0.0 : g * pow(x, exponent - 1) * exponent;
  }
  static void samples(SampleList& s) {
    detail::add_elementwise_samples(s, "torch.pow(a, 2.5)", SampleInput::Fill::positive,
                                    [](const Tensor& x) { return pow(x, 2.5); });
    detail::add_elementwise_samples(s, "torch.pow(a, 3.0)", SampleInput::Fill::normal,
                                    [](const Tensor& x) { return pow(x, 3); });
    detail::add_elementwise_samples(s, "torch.pow(a, 0.0)", SampleInput::Fill::normal,
                                    [](const Tensor& x) { return pow(x, 0); });
    detail::add_elementwise_samples(s, "torch.pow(a, -1.5)", SampleInput::Fill::positive,
                                    [](const Tensor& x) { return pow(x, -1.5); });
  }
  Tensor of_whole(const Tensor& x) const {
    if (exponent < 0 || exponent != std::floor(exponent)) return pow(x.to(DType::f32), exponent);
    Tensor y = ones(x.shape(), DType::i64), factor = x;  // by squaring; 2^63 and more wrap around
    for (auto rest = static_cast<uint64_t>(std::min(exponent, 0x1p53)); rest > 0; rest /= 2) {
      if (rest % 2 == 1) y = y * factor;
      factor = factor * factor;
    }
    return y;
  }
};

}  // namespace

HEED_ELEMENTWISE(sign, Sign)
HEED_ELEMENTWISE(expm1, Expm1)
HEED_ELEMENTWISE(log1p, Log1p)
HEED_ELEMENTWISE(rsqrt, Rsqrt)
HEED_ELEMENTWISE(reciprocal, Reciprocal)
HEED_ELEMENTWISE(sin, Sin)
HEED_ELEMENTWISE(cos, Cos)
HEED_ELEMENTWISE(erf, Erf)
HEED_ELEMENTWISE(silu, Silu)
HEED_ELEMENTWISE(softplus, Softplus)

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return detail::elementwise("leaky_relu", x, LeakyRelu{negative_slope});
}
Tensor elu(const Tensor& x, double alpha) { return detail::elementwise("elu", x, Elu{alpha}); }
Tensor gelu(const Tensor& x, GeluForm form) {
  if (form == GeluForm::exact) return detail::elementwise("gelu", x, Gelu{});
  return detail::composed("gelu", [&] { return detail::elementwise("gelu", x, GeluTanh{}); });
}
Tensor clamp(const Tensor& x, double low, double high) {
  if (!(low <= high)) throw ValueError("clamp", fmt::format("{} to {} is no range", low, high));
  return detail::elementwise("clamp", x, Clamp{low, high});
}
Tensor clamp(const Tensor& x, double low) { return clamp(x, low, INFINITY); }
Tensor clamp_max(const Tensor& x, double high) {
  return detail::composed("clamp_max", [&] { return clamp(x, -INFINITY, high); });
}
Tensor pow(const Tensor& x, double exponent) {
  return detail::composed("pow", [&] { return detail::elementwise("pow", x, PowScalar{exponent}); });
}

DEFINE_OP(leaky_relu, detail::Elementwise<LeakyRelu>)
DEFINE_OP(elu, detail::Elementwise<Elu>)
DEFINE_OP(gelu, detail::Elementwise<Gelu>)
DEFINE_OP(gelu_tanh, detail::Elementwise<GeluTanh>)
DEFINE_OP(clamp, detail::Elementwise<Clamp>)
DEFINE_OP(pow_scalar, detail::Elementwise<PowScalar>)

}  // namespace heed
