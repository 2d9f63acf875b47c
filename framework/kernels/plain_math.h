// Functions of one element and their slopes in plain C++, with the C library's values: what the vector
// kernels (simd/functions-inl.h) are tested against, what they give single values outside of their range to,
// and what f64 runs where there is no vector form.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include "framework/kernels/kernels.h"

namespace heed::kernels::plain {

// The numbers of gelu(x) = x P(X <= x), X ~ N(0, 1), and of its form by tanh (Hendrycks & Gimpel 2016, sec.
// 2): x / 2 (1 + tanh(u)), u = kTanhScale (x + kTanhCubic x^3).
constexpr double kRootHalf = 1 / std::numbers::sqrt2,
                 kNormalDensity = std::numbers::inv_sqrtpi / std::numbers::sqrt2,
                 kTanhScale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, kTanhCubic = 0.044715,
                 kErfSlope = 2 * std::numbers::inv_sqrtpi;

// x / (1 + e^-x) and its like at an infinity, where the formula is inf times 0: 0 and x, with the slopes 0
// and 1.
template <class T>
T rectified(T x) {
  return x > 0 ? x : T(-0.0);
}
template <class T>
T gelu_tanh_of(T x) {
  return std::tanh(T(kTanhScale) * (x + T(kTanhCubic) * x * x * x));
}

template <class T>
T value(const UnaryOp& op, T x) {
  const T first = static_cast<T>(op.first), second = static_cast<T>(op.second);
  switch (op.kind) {
    case Unary::neg:
      return -x;
    case Unary::exp:
      return std::exp(x);
    case Unary::log:
      return std::log(x);
    case Unary::tanh:
      return std::tanh(x);
    case Unary::sigmoid:
      return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));  // neither overflows
    case Unary::relu:
      return x > 0 || std::isnan(x) ? x : T(0);
    case Unary::sqrt:
      return std::sqrt(x);
    case Unary::square:
      return x * x;
    case Unary::abs:
      return std::abs(x);
    case Unary::sign:
      return std::isnan(x) ? x : static_cast<T>((x > 0) - (x < 0));
    case Unary::expm1:
      return std::expm1(x);
    case Unary::log1p:
      return std::log1p(x);
    case Unary::rsqrt:
      return 1 / std::sqrt(x);
    case Unary::reciprocal:
      return 1 / x;
    case Unary::sin:
      return std::sin(x);
    case Unary::cos:
      return std::cos(x);
    case Unary::erf:
      return std::erf(x);
    case Unary::leaky_relu:
      return x > 0 ? x : x * first;
    case Unary::elu:
      return x > 0 ? x : first * std::expm1(x);
    case Unary::silu:
      return std::isinf(x) ? rectified(x) : x / (1 + std::exp(-x));
    case Unary::softplus:  // without overflow
      return (x > 0 ? x : T(0)) + std::log1p(std::exp(-std::abs(x)));
    case Unary::gelu:
      return std::isinf(x) ? rectified(x) : x * (T(0.5) * std::erfc(-x * T(kRootHalf)));
    case Unary::gelu_tanh:
      return std::isinf(x) ? rectified(x) : T(0.5) * x * (1 + gelu_tanh_of(x));
    case Unary::clamp:
      return x < first ? first : x > second ? second : x;
    case Unary::pow:
      return std::pow(x, first);
    case Unary::floor:
      return std::floor(x);
    case Unary::ceil:
      return std::ceil(x);
    case Unary::round:
      return std::nearbyint(x);
    case Unary::trunc:
      return std::trunc(x);
  }
  return x;
}

/// The derivative; from the input, or from the result where the rule keeps that (elementwise_op.h).
template <class T>
T slope(const UnaryOp& op, T kept) {
  const T x = kept, first = static_cast<T>(op.first), second = static_cast<T>(op.second);
  switch (op.kind) {
    case Unary::neg:
      return -1;
    case Unary::exp:
      return x;
    case Unary::log:
      return 1 / x;
    case Unary::tanh:
      return 1 - x * x;
    case Unary::sigmoid:
      return x * (1 - x);
    case Unary::relu:
      return x > 0 ? T(1) : T(0);
    case Unary::sqrt:
      return T(0.5) / x;
    case Unary::square:
      return x + x;
    case Unary::abs:
      return static_cast<T>((x > 0) - (x < 0));
    case Unary::sign:
    case Unary::floor:
    case Unary::ceil:
    case Unary::round:
    case Unary::trunc:
      return 0;
    case Unary::expm1:
      return x + 1;
    case Unary::log1p:
      return 1 / (1 + x);
    case Unary::rsqrt:
      return x * x * x * T(-0.5);
    case Unary::reciprocal:
      return -x * x;
    case Unary::sin:
      return std::cos(x);
    case Unary::cos:
      return -std::sin(x);
    case Unary::erf:
      return T(kErfSlope) * std::exp(-x * x);
    case Unary::leaky_relu:
      return x > 0 ? T(1) : first;
    case Unary::elu:
      return x > 0 ? T(1) : first * std::exp(x);
    case Unary::silu: {
      if (std::isinf(x)) return x > 0;
      const T s = 1 / (1 + std::exp(-x));
      return s * (1 + x * (1 - s));
    }
    case Unary::softplus: {
      const T e = std::exp(-std::abs(x));
      return (x < 0 ? e : T(1)) / (1 + e);
    }
    case Unary::gelu:
      if (std::isinf(x)) return x > 0;
      return T(0.5) * std::erfc(-x * T(kRootHalf)) + x * T(kNormalDensity) * std::exp(T(-0.5) * x * x);
    case Unary::gelu_tanh: {
      const T t = gelu_tanh_of(x);
      if (t == 1 || t == -1) return x > 0;  // and x^2 may be infinite
      return T(0.5) * (1 + t) + T(0.5) * x * (1 - t * t) * T(kTanhScale) * (1 + 3 * T(kTanhCubic) * x * x);
    }
    case Unary::clamp:
      return x >= first && x <= second ? T(1) : T(0);
    case Unary::pow:
      return op.first == 0 ? T(0) : first * std::pow(x, static_cast<T>(op.first - 1));
  }
  return 0;
}

/// The quotients in f64 whose whole part is exact for operands in f32: a / b differs from a whole number by
/// 2^-24 at least where it is none, and below 2^27 that is more than the rounding of a double.
constexpr double kExactQuotient = 1 << 27;

/// a - floor(a / b) b, exact but for one rounding where b is added; it has the sign of b, and of a where it
/// is 0.
template <class T>
T remainder(T a, T b) {
  const T rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
/// floor(a / b), of what is infinite as Python's; a division by 0 gives a / 0.
template <class T>
T floor_divide(T a, T b) {
  if (b == 0 || std::isnan(a)) return a / b;
  if (std::isinf(a)) return std::numeric_limits<T>::quiet_NaN();
  if (std::isinf(b)) return a != 0 && (a < 0) != (b < 0) ? T{-1} : a / b;
  const T whole = std::floor(a / b), rest = std::fma(-whole, b, a);
  return (b < 0 ? rest > 0 : rest < 0) ? whole - 1 : whole;  // a / b was rounded up to a whole number
}

/// Whether products, a quotient and a root give x^p.
inline bool is_simple_power(double p) {
  return p == 0 || p == 1 || p == 2 || p == 3 || p == -1 || p == -2 || p == 0.5 || p == -0.5 || p == 1.5;
}

}  // namespace heed::kernels::plain
