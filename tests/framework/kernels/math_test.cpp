// The elementwise kernels against the C library: at every special value, and over their range within a stated
// bound. Vectors of 1..33 values, so that whole vectors and masked rests are both met. HEED_ISA runs the same
// under another instruction set.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>

#include "framework/core/random.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/plain_math.h"

namespace heed::kernels {
namespace {

template <class T>
T reference(const UnaryOp& op, T x) {
  return plain::value(op, x);
}

const char* name(const UnaryOp& op) {
  constexpr const char* kNames[] = {"neg",   "exp",        "log",      "tanh",  "sigmoid",   "relu",
                                    "sqrt",  "square",     "abs",      "sign",  "expm1",     "log1p",
                                    "rsqrt", "reciprocal", "sin",      "cos",   "erf",       "leaky_relu",
                                    "elu",   "silu",       "softplus", "gelu",  "gelu_tanh", "clamp",
                                    "pow",   "floor",      "ceil",     "round", "trunc"};
  return kNames[static_cast<size_t>(op.kind)];
}
const UnaryOp kAll[] = {Unary::neg,        Unary::exp,         Unary::log,
                        Unary::tanh,       Unary::sigmoid,     Unary::relu,
                        Unary::sqrt,       Unary::square,      Unary::abs,
                        Unary::sign,       Unary::expm1,       Unary::log1p,
                        Unary::rsqrt,      Unary::reciprocal,  Unary::sin,
                        Unary::cos,        Unary::erf,         {Unary::leaky_relu, 0.2},
                        {Unary::elu, 0.7}, Unary::silu,        Unary::softplus,
                        Unary::gelu,       Unary::gelu_tanh,   {Unary::clamp, -0.25, 3},
                        {Unary::pow, 0},   {Unary::pow, 1},    {Unary::pow, 2},
                        {Unary::pow, 3},   {Unary::pow, -1},   {Unary::pow, -2},
                        {Unary::pow, 0.5}, {Unary::pow, -0.5}, {Unary::pow, 1.5},
                        {Unary::pow, 2.5}, {Unary::pow, -1.5}, {Unary::pow, 5},
                        {Unary::pow, -3},  {Unary::pow, 4},    Unary::floor,
                        Unary::ceil,       Unary::round,       Unary::trunc};

template <class T>
class MathTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(MathTest, Types);

TYPED_TEST(MathTest, SpecialValues) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  const std::vector<T> specials = {Limits::quiet_NaN(),
                                   Limits::infinity(),
                                   -Limits::infinity(),
                                   T{0},
                                   -T{0},
                                   Limits::denorm_min(),
                                   -Limits::denorm_min(),
                                   Limits::min() / 4,
                                   -Limits::min() / 4,
                                   Limits::min(),
                                   Limits::max(),
                                   -Limits::max(),
                                   T(1e4),
                                   T(-1e4),
                                   T{1},
                                   T{-1}};
  for (const UnaryOp& op : kAll) {
    for (const T special : specials) {
      for (const size_t n : {size_t{1}, size_t{7}, size_t{16}, size_t{33}}) {
        for (const size_t at : {size_t{0}, n - 1}) {
          std::vector<T> x(n, T(0.5)), y(n, T(-77));
          x[at] = special;
          unary<T>(op, static_cast<int64_t>(n), x.data(), y.data());
          const T want = reference(op, special), got = y[at];
          if (std::isnan(want)) {
            EXPECT_TRUE(std::isnan(got)) << name(op) << "(" << special << ") = " << got;
          } else if (std::isinf(want) || want == 0) {
            EXPECT_EQ(got, want) << name(op) << "(" << special << ")";
            EXPECT_TRUE(op.kind == Unary::relu || std::signbit(got) == std::signbit(want))
                << name(op) << "(" << special << ")";
          } else {
            EXPECT_NEAR(static_cast<double>(got / want), 1, 8 * static_cast<double>(Limits::epsilon()))
                << name(op) << "(" << special << ") = " << got;
          }
          for (size_t i = 0; i < n; ++i) {
            ASSERT_TRUE(i == at || std::abs(y[i] - reference(op, T(0.5))) <= 4 * Limits::epsilon())
                << name(op) << ": a neighbour changed";
          }
        }
      }
    }
  }
}

// The largest |got - want| / |want| over many points, and for results below the smallest normal number the
// error in units of the smallest denormal one.
template <class T>
double largest_error(const UnaryOp& op, double low, double high, bool logarithmic) {
  constexpr int64_t kPoints = 400000;
  std::vector<T> x(kPoints), y(kPoints);
  for (int64_t i = 0; i < kPoints; ++i) {
    const double u = (static_cast<double>(i) + 0.5) / kPoints;
    x[static_cast<size_t>(i)] =
        static_cast<T>(logarithmic ? low * std::pow(high / low, u) : low + (high - low) * u);
  }
  unary<T>(op, kPoints, x.data(), y.data());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const long double exact = reference<long double>(op, static_cast<long double>(x[i]));
    const long double scale =
        std::max(std::abs(exact), static_cast<long double>(std::numeric_limits<T>::min()));
    worst = std::max(worst, static_cast<double>(std::abs(static_cast<long double>(y[i]) - exact) / scale));
  }
  return worst / static_cast<double>(std::numeric_limits<T>::epsilon());
}

// Bounds in units of epsilon (1.2e-7 in f32, 2.2e-16 in f64).
TYPED_TEST(MathTest, AccuracyOverTheRange) {
  using T = TypeParam;
  constexpr bool kFloat = sizeof(T) == 4;
  const double exp_low = kFloat ? -87 : -708, exp_high = kFloat ? 88.7 : 709.7;
  struct Range {
    UnaryOp op;
    double low, high;
    bool logarithmic;
    double bound;
  };
  const Range ranges[] = {
      {Unary::exp, exp_low, exp_high, false, 2},
      {Unary::exp, 1e-30, 1, true, 2},
      {Unary::log, 1e-30, 1e30, true, 2},
      {Unary::log, 0.5, 2, false, 4},
      {Unary::log, 1e-300, 1e300, true, 2},
      {Unary::tanh, -20, 20, false, 4},
      {Unary::tanh, 1e-30, 1, true, 4},
      {Unary::sigmoid, -30, 30, false, 4},
      {Unary::sigmoid, exp_low, exp_high, false, 4},
      {Unary::sqrt, 1e-30, 1e30, true, 0.51},
  };
  for (const Range& r : ranges) {
    if (kFloat && r.high > 1e38) continue;
    const double worst = largest_error<T>(r.op, r.low, r.high, r.logarithmic);
    EXPECT_LE(worst, r.bound) << name(r.op) << " on " << r.low << ".." << r.high << ", " << simd_target();
    this->RecordProperty(std::string(name(r.op)) + "_eps", std::to_string(worst));
  }
}

TYPED_TEST(MathTest, ExpUnderflowsGradually) {
  using T = TypeParam;
  const double low = sizeof(T) == 4 ? -104 : -746, high = sizeof(T) == 4 ? -87 : -708;
  const double worst = largest_error<T>(Unary::exp, low, high,
                                        // in units of eps times the smallest normal: one denormal step
                                        false);
  EXPECT_LE(worst, 1.01) << simd_target();
}

TYPED_TEST(MathTest, BackwardRulesOverVectorsAndRests) {
  using T = TypeParam;
  for (const int64_t n : {1, 5, 16, 37}) {
    std::vector<T> x, g, y(static_cast<size_t>(n)), dx(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i)
      x.push_back(
          static_cast<T>(0.11 + 0.05 * static_cast<double>(i))),  // between the steps of floor and round
          g.push_back(static_cast<T>(1.5 - 0.1 * static_cast<double>(i)));
    for (const UnaryOp& op : kAll) {
      unary<T>(op, n, x.data(), y.data());
      unary_backward<T>(op, n, g.data(), x.data(), y.data(), dx.data());
      for (size_t i = 0; i < x.size(); ++i) {
        const double v = x[i], h = 1e-6;
        const double slope = (reference<double>(op, v + h) - reference<double>(op, v - h)) / (2 * h);
        EXPECT_NEAR(dx[i], slope * static_cast<double>(g[i]), 3e-6 * (1 + std::abs(slope))) << name(op);
      }
    }
  }
  const T zero[] = {T{0}, -T{0}}, one[] = {T{1}, T{1}};
  T dx[2];
  for (const UnaryOp op : {Unary::relu, Unary::abs}) {  // the gradient at the kink is 0
    unary_backward<T>(op, 2, one, zero, zero, dx);
    EXPECT_EQ(dx[0], 0) << name(op);
    EXPECT_EQ(dx[1], 0) << name(op);
  }
}

// Floats of every size and sign, against the C library in double: errors in units in the last place of the
// result, and of x where `by_argument` (a factor that cancels is then as right as x is). Every 4999th of
// them; HEED_EVERY_FLOAT=1 walks all.
TEST(FloatMath, LargestErrorsOfAllFloats) {
  struct Bound {
    UnaryOp op;
    double ulps;
    bool by_argument = false;
    double denormal_ulps = ulps;  // of results below a denormal number times x
  };
  const Bound bounds[] = {
      {Unary::exp, 1.1},
      {Unary::log, 1.1},
      {Unary::tanh, 5.3},
      {Unary::sigmoid, 3},
      {Unary::sqrt, 0.51},
      {Unary::expm1, 2},
      {Unary::log1p, 2},
      {Unary::rsqrt, 1.6},
      {Unary::reciprocal, 0.51},
      {Unary::sin, 2},
      {Unary::cos, 2},
      {Unary::erf, 5.8},
      {{Unary::elu, 0.7}, 2.5},
      {Unary::silu, 4.1, false, 53},  // there e^x is denormal itself
      {Unary::softplus, 3},
      {Unary::gelu, 6.5, false, 10.7},
      {Unary::gelu_tanh, 6, true},
      {{Unary::pow, 3}, 1.6},
      {{Unary::pow, -2}, 2},
      {{Unary::pow, 0.5}, 0.51},
      {{Unary::pow, -0.5}, 1.6},
      {{Unary::pow, 1.5}, 1.6},
      {{Unary::pow, 2.5}, 0.53},
      {{Unary::pow, -1.75}, 0.53},
      {{Unary::pow, 7}, 0.53},
  };
  const auto ulp = [](double x) {
    return std::ldexp(1.0, std::max(x == 0 ? -126 : std::ilogb(x), -126) - 23);
  };
  const uint64_t stride = std::getenv("HEED_EVERY_FLOAT") ? 1 : 4999, piece = 1 << 16;
  std::vector<float> x(piece), y(piece);
  for (const Bound& bound : bounds) {
    double worst = 0;
    float at = 0;
    for (uint64_t start = 0; start < uint64_t{1} << 32; start += piece * stride) {
      for (uint64_t i = 0; i < piece; ++i)
        x[i] = std::bit_cast<float>(static_cast<uint32_t>(start + i * stride));  // beyond the last, the first
      unary<float>(bound.op, static_cast<int64_t>(piece), x.data(), y.data());
      for (size_t i = 0; i < piece; ++i) {
        const double exact = plain::value(bound.op, static_cast<double>(x[i]));
        const auto want = static_cast<float>(exact);
        if (!std::isfinite(want)) {
          ASSERT_TRUE(std::isnan(want) ? std::isnan(y[i]) : y[i] == want || std::abs(y[i]) > 3.4028228e38F)
              << name(bound.op) << "(" << x[i] << ") = " << y[i] << ", not " << want;
          continue;
        }
        // rounded on the way to a number that is just not too large
        if (std::isinf(y[i]) && std::signbit(y[i]) == std::signbit(want) &&
            std::abs(exact) > 3.4028228e38 * (1 - bound.ulps * 0x1p-23))
          continue;
        const double unit = std::max(ulp(exact), bound.by_argument ? ulp(x[i]) : 0);
        const bool normal = std::abs(exact) >= 0x1p-126 * std::max(1.0, std::abs(static_cast<double>(x[i])));
        const double error = std::abs(static_cast<double>(y[i]) - exact) / unit *
                             (normal ? 1 : bound.ulps / bound.denormal_ulps);
        if (!(error <= worst)) worst = error, at = x[i];
      }
    }
    EXPECT_LE(worst, bound.ulps) << name(bound.op) << ", " << bound.op.first << ", at " << at << ", "
                                 << simd_target();
    RecordProperty(std::string(name(bound.op)) + "_ulps", std::to_string(worst));
    if (std::getenv("HEED_EVERY_FLOAT")) {
      std::printf("%s %g: %.2f at %g\n", name(bound.op), bound.op.first, worst, static_cast<double>(at));
      std::fflush(stdout);
    }
  }
}

TYPED_TEST(MathTest, SumOfSquaresDoesNotDependOnTheSplit) {
  using T = TypeParam;
  std::vector<T> x(100003);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(std::sin(0.37 * static_cast<double>(i)));
  double plain = 0;
  for (const T v : x) plain += static_cast<double>(v) * static_cast<double>(v);
  EXPECT_NEAR(sum_of_squares<T>(static_cast<int64_t>(x.size()), x.data()) / plain, 1,
              sizeof(T) == 4 ? 1e-5 : 1e-13);
}

TYPED_TEST(MathTest, AdamIsTheTextbooks) {
  using T = TypeParam;
  for (const int64_t n : {1, 16, 21}) {
    std::vector<T> g, p, m, v;
    for (int64_t i = 0; i < n; ++i) {
      const auto k = static_cast<double>(i);
      g.push_back(static_cast<T>(std::cos(k))), p.push_back(static_cast<T>(k)),
          m.push_back(static_cast<T>(0.1 * k)), v.push_back(static_cast<T>(0.2 * k));
    }
    const AdamStep s{.lr = 0.01,
                     .beta1 = 0.9,
                     .beta2 = 0.99,
                     .eps = 1e-8,
                     .weight_decay = 0.1,
                     .bias1 = 0.19,
                     .bias2 = 0.0199,
                     .grad_scale = 0.5};
    auto p1 = p, m1 = m, v1 = v;
    adam<T>(n, s, g.data(), p1.data(), m1.data(), v1.data());
    for (size_t i = 0; i < g.size(); ++i) {
      const double grad = g[i] * 0.5 + 0.1 * p[i], first = 0.9 * m[i] + 0.1 * grad,
                   second = 0.99 * v[i] + 0.01 * grad * grad;
      const double wanted = p[i] - 0.01 * (first / 0.19) / (std::sqrt(second / 0.0199) + 1e-8);
      EXPECT_NEAR(p1[i], wanted, sizeof(T) == 4 ? 4e-6 : 1e-13);
      EXPECT_NEAR(m1[i], first, sizeof(T) == 4 ? 1e-6 : 1e-14);
      EXPECT_NEAR(v1[i], second, sizeof(T) == 4 ? 1e-6 : 1e-14);
    }
  }
}

}  // namespace
}  // namespace heed::kernels
