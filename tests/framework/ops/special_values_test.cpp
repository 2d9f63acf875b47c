// Functions of one and of two elements at NaN, infinities, signed zeros, denormals and large arguments: as
// the C library has them, in f32 and f64, with whole vectors and rests. CTest runs this on every instruction
// set.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "framework/framework.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using Unary = std::function<long double(long double)>;
struct UnaryCase {
  std::string name;
  Tensor (*op)(const Tensor&);
  Unary reference;
};

long double logistic(long double x) { return 1 / (1 + std::exp(-x)); }
long double relu_of(long double x) { return std::isnan(x) ? x : x > 0 ? x : 0; }
long double sign_of(long double x) { return std::isnan(x) ? x : static_cast<long double>((x > 0) - (x < 0)); }
// At minus infinity the formulas of silu and gelu are infinity times 0: their limit, 0, where PyTorch has
// NaN.
long double or_limit(long double x, long double y) { return std::isinf(x) && x < 0 ? 0 : y; }
long double silu_of(long double x) { return or_limit(x, x * logistic(x)); }
long double gelu_of(long double x) { return or_limit(x, 0.5L * x * std::erfc(-x / std::sqrt(2.0L))); }
long double gelu_tanh_of(long double x) {
  return or_limit(x, x * logistic(2 * std::sqrt(2 / std::acos(-1.0L)) * (x + 0.044715L * x * x * x)));
}

// Absolute errors that are the function's own way of computing, beside 8 units in the last place.
template <class T>
long double slack(const std::string& name, long double x, long double y) {
  using L = std::numeric_limits<T>;
  // 1 / (1 + e^-x): e^-x overflows before y underflows
  if (name == "sigmoid" || name == "silu") return static_cast<long double>(L::min());
  // erfc of an x that was rounded
  if (name == "gelu") return static_cast<long double>(L::epsilon()) * x * x * std::abs(y);
  // 1 + tanh cancels
  if (name == "gelu_tanh") return 4 * static_cast<long double>(L::epsilon()) * std::abs(x);
  return 0;
}

const std::vector<UnaryCase>& unary_cases() {
  static const std::vector<UnaryCase> cases = {
      {"neg", neg, [](long double x) { return -x; }},
      {"exp", exp, [](long double x) { return std::exp(x); }},
      {"log", log, [](long double x) { return std::log(x); }},
      {"tanh", tanh, [](long double x) { return std::tanh(x); }},
      {"sigmoid", sigmoid, logistic},
      {"relu", relu, relu_of},
      {"sqrt", sqrt, [](long double x) { return std::sqrt(x); }},
      {"square", square, [](long double x) { return x * x; }},
      {"abs", abs, [](long double x) { return std::abs(x); }},
      {"sign", sign, sign_of},
      {"expm1", expm1, [](long double x) { return std::expm1(x); }},
      {"log1p", log1p, [](long double x) { return std::log1p(x); }},
      {"rsqrt", rsqrt, [](long double x) { return 1 / std::sqrt(x); }},
      {"reciprocal", reciprocal, [](long double x) { return 1 / x; }},
      {"sin", sin, [](long double x) { return std::sin(x); }},
      {"cos", cos, [](long double x) { return std::cos(x); }},
      {"erf", erf, [](long double x) { return std::erf(x); }},
      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.25); },
       [](long double x) { return x > 0 ? x : 0.25L * x; }},
      {"elu", [](const Tensor& x) { return elu(x); },
       [](long double x) { return x > 0 ? x : std::expm1(x); }},
      {"silu", silu, silu_of},
      {"softplus", softplus,
       [](long double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }},
      {"gelu", [](const Tensor& x) { return gelu(x); }, gelu_of},
      {"gelu_tanh", [](const Tensor& x) { return gelu(x, GeluForm::tanh); }, gelu_tanh_of},
      {"clamp", [](const Tensor& x) { return clamp(x, -2, 3); },
       [](long double x) { return x < -2  ? -2
                                  : x > 3 ? 3
                                          : x; }},
      {"pow_scalar", [](const Tensor& x) { return pow(x, 3); },
       [](long double x) { return std::pow(x, 3.0L); }},
      {"affine", [](const Tensor& x) { return affine(x, 0.5, 0); },
       [](long double x) { return 0.5L * x + 0; }},
  };
  return cases;
}

template <class T>
std::vector<T> specials() {
  using L = std::numeric_limits<T>;
  return {L::quiet_NaN(),
          L::infinity(),
          -L::infinity(),
          T{0},
          -T{0},
          L::denorm_min(),
          -L::denorm_min(),
          L::min() / 4,
          -L::min() / 4,
          L::min(),
          -L::min(),
          L::max(),
          T{1},
          T{-1},
          L::lowest(),
          T(1e4),
          T(-1e4),
          T(80),
          T(-80),
          T(12.5),
          T(-12.5),
          T(3),
          T(-0.5),
          T(1e-20),
          T(-1e-20),
          T(100.25),
          T(-100.25)};
}

// Equal as the C library's results are: NaN where NaN, the same infinity, the same zero, else close.
template <class T>
void expect_same(T got, long double wanted, const std::string& what, bool sign_of_zero,
                 long double slack = 0) {
  using L = std::numeric_limits<T>;
  const T rounded = static_cast<T>(wanted);
  if (std::isnan(rounded)) {
    EXPECT_TRUE(std::isnan(got)) << what << " = " << got;
  } else if (std::isinf(rounded) || (rounded == 0 && slack == 0)) {
    EXPECT_EQ(got, rounded) << what;
    EXPECT_TRUE(!sign_of_zero || std::signbit(got) == std::signbit(rounded)) << what << ": the zero's sign";
  } else {  // in units of the last place, and of the smallest denormal near zero
    const long double error = std::abs(static_cast<long double>(got) - wanted);
    EXPECT_LE(error, 8 * static_cast<long double>(L::epsilon()) * std::abs(wanted) +
                         static_cast<long double>(L::denorm_min()) + slack)
        << what << " = " << got << ", not " << rounded;
  }
}

template <class T>
void check_unary(const UnaryCase& tested) {
  // relu's and the gates' zeros carry no meaning in their sign: relu(-0) may be either, as in IEEE's own
  // maximum
  const std::set<std::string> any_zero = {"relu", "sign", "affine", "silu", "gelu", "gelu_tanh"};
  for (const size_t n : {size_t{1}, size_t{9}, size_t{16}, size_t{33}}) {
    for (const T special : specials<T>()) {
      for (const size_t at : {size_t{0}, n - 1}) {
        std::vector<T> x(n, T(0.5));
        x[at] = special;
        const Tensor y = tested.op(from_vector(x, {static_cast<int64_t>(n)}));
        const std::string what = tested.name + "(" + std::to_string(special) + "), " + name_of(dtype_of<T>());
        const long double wanted = tested.reference(special);
        const long double allowed = std::isfinite(special) ? slack<T>(tested.name, special, wanted) : 0;
        expect_same(y.data<T>()[at], wanted, what, !any_zero.contains(tested.name), allowed);
        for (size_t i = 0; i < n; ++i) {
          if (i != at)
            expect_same(y.data<T>()[i], tested.reference(T(0.5)), what + ": a neighbour changed", true);
        }
      }
    }
  }
}

TEST(SpecialValues, FunctionsOfOneElement) {
  for (const UnaryCase& tested : unary_cases()) {
    check_unary<float>(tested);
    check_unary<double>(tested);
  }
}

TEST(SpecialValues, NoFunctionOfOneElementIsLeftOut) {
  std::set<std::string> tested;
  for (const UnaryCase& c : unary_cases()) tested.insert(c.name);
  for (const OpInfo& op : op_registry()) {
    const std::string_view file = op.file;
    EXPECT_TRUE((file != "unary.cpp" && file != "pointwise.cpp") || tested.contains(op.name)) << op.name;
  }
}

struct BinaryCase {
  const char* name;
  Tensor (*op)(const Tensor&, const Tensor&);
  std::function<long double(long double, long double)> reference;
};

template <class T>
void check_binary(const BinaryCase& tested) {
  const std::vector<T> values = specials<T>();
  std::vector<T> a, b;
  for (const T x : values) {
    for (const T y : values) a.push_back(x), b.push_back(y);
  }
  const auto n = static_cast<int64_t>(a.size());
  const Tensor got = tested.op(from_vector(a, {n}), from_vector(b, {n}));
  for (size_t i = 0; i < a.size(); ++i) {
    const std::string what = std::string(tested.name) + "(" + std::to_string(a[i]) + ", " +
                             std::to_string(b[i]) + "), " + name_of(dtype_of<T>());
    expect_same(got.data<T>()[i], tested.reference(a[i], b[i]), what,
                std::string_view(tested.name) != "maximum" && std::string_view(tested.name) != "minimum");
  }
}

const std::vector<BinaryCase>& binary_cases() {
  static const std::vector<BinaryCase> cases = {
      {"add", add, [](long double a, long double b) { return a + b; }},
      {"sub", sub, [](long double a, long double b) { return a - b; }},
      {"mul", mul, [](long double a, long double b) { return a * b; }},
      {"div", div, [](long double a, long double b) { return a / b; }},
      {"pow", pow, [](long double a, long double b) { return std::pow(a, b); }},
      {"maximum", maximum,
       [](long double a, long double b) { return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b); }},
      {"minimum", minimum,
       [](long double a, long double b) { return std::isnan(a) || std::isnan(b) ? a + b : std::min(a, b); }},
  };
  return cases;
}

TEST(SpecialValues, FunctionsOfTwoElements) {
  for (const BinaryCase& tested : binary_cases()) {
    check_binary<float>(tested);
    check_binary<double>(tested);
  }
}

TEST(SpecialValues, NoFunctionOfTwoElementsIsLeftOut) {
  std::set<std::string> tested;
  for (const BinaryCase& c : binary_cases()) tested.insert(c.name);
  for (const OpInfo& op : op_registry()) {
    const std::string_view file = op.file;
    EXPECT_TRUE((file != "binary.cpp" && file != "pairwise.cpp") || tested.contains(op.name)) << op.name;
  }
}

}  // namespace
}  // namespace heed
