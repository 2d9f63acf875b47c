// floor_divide and remainder, as Python's // and %: a = floor_divide(a, b) b + remainder(a, b), and a
// remainder has the sign of b. vjp: remainder: (g, -g floor(a / b)), each summed back to its input's shape;
// floor_divide has steps alone.
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "framework/ops/apply.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using detail::each_pair;

// The quotients whose whole part is exact in double: a / b differs from a whole number by 2^-24 at least
// where it is none, and below 2^27 that is more than the rounding of a double.
constexpr double kExactQuotient = 1 << 27;

// std::fmod, whose remainder is exact.
double rest_of(double a, double b) { return std::fmod(a, b); }
float rest_of(float a, float b) {
  const double quotient = static_cast<double>(a) / static_cast<double>(b);
  if (!(std::abs(quotient) < kExactQuotient)) return std::fmod(a, b);
  const double whole = static_cast<int32_t>(quotient);
  const auto rest = static_cast<float>(static_cast<double>(a) - whole * static_cast<double>(b));
  if (std::isnan(rest)) return std::fmod(a, b);  // b is infinite
  return std::copysign(rest, a);                 // the sign of a, where it is 0 too
}

// A remainder with the sign of b.
double with_sign_of(double b, double rest) { return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest; }
// The same without a branch, which signs make hard to foretell: -0 is added where nothing is.
float with_sign_of(float b, float rest) {
  const auto bits = std::bit_cast<uint32_t>(b);
  const uint32_t moves = (std::bit_cast<uint32_t>(rest) ^ bits) >> 31 & (rest != 0 ? 1U : 0U);
  return rest + std::bit_cast<float>((bits & (0U - moves)) | (0x80000000U & (moves - 1U)));
}

struct Division {
  template <class T>
  static T remainder(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      if (b == -1) return 0;  // which the processor cannot do for the lowest number
      const T rest = a % b;
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    } else {
      return with_sign_of(b, rest_of(a, b));
    }
  }
  template <class T>
  static T floor(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      if (b == -1) return static_cast<T>(-static_cast<uint64_t>(a));  // wraps around
      return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
    } else {
      if constexpr (sizeof(T) == 4) {
        const double quotient = static_cast<double>(a) / static_cast<double>(b);
        if (quotient != 0 && std::abs(quotient) < kExactQuotient) {
          const auto whole = static_cast<int32_t>(quotient);
          return static_cast<T>(whole - (quotient < whole ? 1 : 0));
        }
      }
      if (std::isinf(a)) return std::numeric_limits<T>::quiet_NaN();
      if (std::isinf(b)) return a != 0 && (a < 0) != (b < 0) ? T{-1} : a / b;
      const T whole = std::floor(a / b), rest = std::fma(-whole, b, a);
      return (b < 0 ? rest > 0 : rest < 0) ? whole - 1 : whole;  // a / b was rounded up to a whole number
    }
  }
};

struct Remainder {
  static constexpr const char* kName = "remainder";
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    saved.input(saved.wants(1) ? a : Tensor{});
    saved.input(b);
    return each_pair(kName, a, b, [](auto p, auto q) { return Division::remainder(p, q); });
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Shape& of_b = saved[1].shape();
    if (d.wants(0)) d.add(0, sum_to(g, shape));
    if (d.wants(1)) d.add(1, sum_to(-g * floor_divide(saved[0], saved[1]), of_b));
  }
  Shape shape;  // of a
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{remainder(x[0], x[1])}; };
    s.add("torch.remainder(a, b)", {{3, 4}, positive({3, 4})}, run);
    s.add("torch.remainder(a, b)", {{2, 3, 4}, positive({4})}, run);
    s.add("torch.remainder(a, -b)", {{3, 1}, positive({2, 1, 4})},
          [](const auto& x) { return std::vector{remainder(x[0], -x[1])}; });
    s.add("torch.remainder(a, b)", {{0, 4}, positive({4})}, run);
    s.add("torch.remainder(a, 0.3)", {{3, 4}}, [](const auto& x) { return std::vector{x[0] % 0.3}; });
  }
};

struct FloorDivide {
  static void samples(SampleList& s) {
    constexpr const char* kSteps = "its value is a whole number";
    const auto run = [](const auto& x) { return std::vector{floor_divide(x[0], x[1])}; };
    s.add("torch.floor_divide(a.detach(), b.detach())", {{3, 4}, positive({3, 4})}, run)
        .without_gradient(kSteps);
    s.add("torch.floor_divide(a.detach(), b.detach())", {{2, 3, 4}, positive({4})}, run)
        .without_gradient(kSteps);
    s.add("torch.floor_divide(a, b).double()", {integers({4, 1}, {9, -9, 6, 1}), integers({3}, {-2, 3, 7})},
          run)
        .without_gradient(kSteps);
    s.again({integers({0, 4}, {}), integers({4}, {1, 2, 3, 4})}).without_gradient(kSteps);
  }
};

// f(a, b) in the common type of the operands, masks as i64.
template <class F>
Tensor divided(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  detail::require_defined(op, a, b);
  return detail::in_common_type(op, a, b, /*fractions=*/false, [&](const Tensor& x, const Tensor& y) {
    if (!is_floating(y.dtype()) && y.numel() > 0 && any(eq(y, 0)).item() != 0)
      throw ValueError(op, "a whole number is divided by 0");
    return f(x, y);
  });
}
Tensor number_beside(const char* op, const Tensor& x, const Scalar& s) {
  detail::require_defined(op, x);
  return detail::scalar_operand(s, x.dtype());
}

}  // namespace

Tensor remainder(const Tensor& a, const Tensor& b) {
  return divided("remainder", a, b, [](const Tensor& x, const Tensor& y) {
    return is_floating(x.dtype())
               ? apply(Remainder{.shape = x.shape()}, x, y)
               : each_pair("remainder", x, y, [](auto p, auto q) { return Division::remainder(p, q); });
  });
}
Tensor floor_divide(const Tensor& a, const Tensor& b) {
  return divided("floor_divide", a, b, [](const Tensor& x, const Tensor& y) {
    return each_pair("floor_divide", x.detach(), y.detach(),
                     [](auto p, auto q) { return Division::floor(p, q); });
  });
}
Tensor remainder(const Tensor& a, Scalar b) { return remainder(a, number_beside("remainder", a, b)); }
Tensor remainder(Scalar a, const Tensor& b) { return remainder(number_beside("remainder", b, a), b); }
Tensor floor_divide(const Tensor& a, Scalar b) {
  return floor_divide(a, number_beside("floor_divide", a, b));
}
Tensor floor_divide(Scalar a, const Tensor& b) {
  return floor_divide(number_beside("floor_divide", b, a), b);
}

DEFINE_OP(remainder, Remainder)
DEFINE_OP(floor_divide, FloorDivide)

}  // namespace heed
