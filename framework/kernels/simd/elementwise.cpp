// Elementwise kernels, row reductions' building blocks and optimiser passes, for float and double.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/elementwise.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>

#include "framework/core/distributions.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/plain_math.h"
#include "framework/kernels/simd/functions-inl.h"
#include "framework/kernels/simd/math-inl.h"
#include "framework/kernels/simd/philox-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

// The functions that have a vector form in f32 alone, or none.
inline void FloatKernel(const UnaryOp& op, int64_t n, const float* x, float* y) {
  const hn::ScalableTag<float> d;
  const auto plain_value = [&op](float v) { return plain::value(op, v); };
  switch (op.kind) {
    case Unary::expm1:
      return MapWithin(
          -kExpRange, kExpRange, n, x, y, [d](auto v) { return Expm1Inside(d, v); }, plain_value);
    case Unary::log1p:
      return MapWithin(
          -0.99999994F, 1e37F, n, x, y, [d](auto v) { return Log1pInside(d, v); }, plain_value);
    case Unary::sin:
      return MapWithin(
          -kSineRange, kSineRange, n, x, y, [d](auto v) { return SinInside(d, v); }, plain_value);
    case Unary::cos:
      return MapWithin(
          -kSineRange, kSineRange, n, x, y, [d](auto v) { return CosInside(d, v); }, plain_value);
    case Unary::erf:
      return Map(n, x, y, [d](auto v) { return ErfAnywhere(d, v); });
    case Unary::elu: {
      const auto alpha = hn::Set(d, static_cast<float>(op.first)), zero = hn::Zero(d);
      return MapWithin(
          -kExpRange, std::numeric_limits<float>::infinity(), n, x, y,
          [=](auto v) {
            const auto below = hn::Mul(alpha, hn::CopySign(Expm1Inside(d, hn::Min(v, zero)), v));
            return hn::IfThenElse(hn::Gt(v, zero), v, below);
          },
          plain_value);
    }
    case Unary::silu:
      return Map(n, x, y, [d](auto v) { return SiluAnywhere(d, v); });
    case Unary::softplus:
      return Map(n, x, y, [d](auto v) { return SoftplusAnywhere(d, v); });
    case Unary::gelu:
      return Map(n, x, y, [d](auto v) { return GeluAnywhere(d, v); });
    case Unary::gelu_tanh:
      return Map(n, x, y, [d](auto v) { return GeluTanhAnywhere(d, v); });
    case Unary::pow: {
      const auto exponent = static_cast<double>(static_cast<float>(op.first));
      if (!std::isfinite(exponent)) break;
      return Map(n, x, y, [=](auto v) { return PowerAnywhere(d, v, exponent); });
    }
    default:
      break;
  }
  for (int64_t i = 0; i < n; ++i) y[i] = plain_value(x[i]);
}

inline void FloatBackwardKernel(const UnaryOp& op, int64_t n, const float* g, const float* x, float* dx) {
  const hn::ScalableTag<float> d;
  const auto plain_product = [&op](float a, float b) { return a * plain::slope(op, b); };
  switch (op.kind) {
    case Unary::sin:
      return Map2Within(
          -kSineRange, kSineRange, n, g, x, dx, [d](auto a, auto b) { return hn::Mul(a, CosInside(d, b)); },
          plain_product);
    case Unary::cos:
      return Map2Within(
          -kSineRange, kSineRange, n, g, x, dx,
          [d](auto a, auto b) { return hn::Neg(hn::Mul(a, SinInside(d, b))); }, plain_product);
    case Unary::erf: {
      const auto factor = hn::Set(d, static_cast<float>(plain::kErfSlope));
      return Map2(n, g, x, dx, [=](auto a, auto b) {
        return hn::Mul(a, hn::Mul(factor, SafeExp(d, hn::Neg(hn::Mul(b, b)))));
      });
    }
    case Unary::elu: {
      const auto alpha = hn::Set(d, static_cast<float>(op.first)), zero = hn::Zero(d);
      return Map2(n, g, x, dx, [=](auto a, auto b) {
        const auto below = hn::Mul(alpha, SafeExp(d, b));
        return hn::IfThenElse(hn::Gt(b, zero), a, hn::Mul(a, below));
      });
    }
    case Unary::silu:
      return Map2(n, g, x, dx, [d](auto a, auto b) { return hn::Mul(a, SiluSlope(d, b)); });
    case Unary::softplus:
      return Map2(n, g, x, dx, [d](auto a, auto b) { return hn::Mul(a, SoftplusSlope(d, b)); });
    case Unary::gelu:
      return Map2(n, g, x, dx, [d](auto a, auto b) { return hn::Mul(a, GeluSlope(d, b)); });
    case Unary::gelu_tanh:
      return Map2(n, g, x, dx, [d](auto a, auto b) { return hn::Mul(a, GeluTanhSlope(d, b)); });
    case Unary::pow: {
      const auto less = static_cast<double>(static_cast<float>(op.first - 1));
      if (!std::isfinite(less)) break;
      const auto factor = hn::Set(d, static_cast<float>(op.first));
      return Map2(n, g, x, dx,
                  [=](auto a, auto b) { return hn::Mul(a, hn::Mul(factor, PowerAnywhere(d, b, less))); });
    }
    default:
      break;
  }
  for (int64_t i = 0; i < n; ++i) dx[i] = plain_product(g[i], x[i]);
}

template <class T>
void UnaryKernel(const UnaryOp& op, int64_t n, const T* x, T* y) {
  const hn::ScalableTag<T> d;
  const auto first = hn::Set(d, static_cast<T>(op.first)), second = hn::Set(d, static_cast<T>(op.second));
  switch (op.kind) {
    case Unary::neg:
      return Map(n, x, y, [](auto v) { return hn::Neg(v); });
    case Unary::exp:
      return Map(n, x, y, [d](auto v) { return SafeExp(d, v); });
    case Unary::log:
      return Map(n, x, y, [d](auto v) { return SafeLog(d, v); });
    case Unary::tanh:
      return Map(n, x, y, [d](auto v) { return SafeTanh(d, v); });
    case Unary::sigmoid:
      return Map(n, x, y, [d](auto v) { return SafeSigmoid(d, v); });
    case Unary::relu:
      return Map(n, x, y,
                 [d](auto v) { return KeepNaN(d, v, hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), v)); });
    case Unary::sqrt:
      return Map(n, x, y, [](auto v) { return hn::Sqrt(v); });
    case Unary::square:
      return Map(n, x, y, [](auto v) { return hn::Mul(v, v); });
    case Unary::abs:
      return Map(n, x, y, [](auto v) { return hn::Abs(v); });
    case Unary::sign:
      return Map(n, x, y, [d](auto v) {
        const auto one = hn::Set(d, T{1}), zero = hn::Zero(d);
        const auto above = hn::IfThenElseZero(hn::Gt(v, zero), one);
        return KeepNaN(d, v, hn::IfThenElse(hn::Lt(v, zero), hn::Neg(one), above));
      });
    case Unary::floor:
      return Map(n, x, y,
                 [](auto v) { return hn::CopySign(hn::Floor(v), v); });  // Highway's for SSE2 lose a -0
    case Unary::ceil:
      return Map(n, x, y, [](auto v) { return hn::CopySign(hn::Ceil(v), v); });
    case Unary::round:
      return Map(n, x, y, [](auto v) { return hn::CopySign(hn::Round(v), v); });
    case Unary::trunc:
      return Map(n, x, y, [](auto v) { return hn::CopySign(hn::Trunc(v), v); });
    case Unary::rsqrt:
      return Map(n, x, y, [d](auto v) { return hn::Div(hn::Set(d, T{1}), hn::Sqrt(v)); });
    case Unary::reciprocal:
      return Map(n, x, y, [d](auto v) { return hn::Div(hn::Set(d, T{1}), v); });
    case Unary::leaky_relu:
      return Map(n, x, y,
                 [d, first](auto v) { return hn::IfThenElse(hn::Gt(v, hn::Zero(d)), v, hn::Mul(v, first)); });
    case Unary::clamp:
      return Map(n, x, y, [first, second](auto v) {
        return hn::IfThenElse(hn::Lt(v, first), first, hn::IfThenElse(hn::Gt(v, second), second, v));
      });
    default:
      if (op.kind == Unary::pow && plain::is_simple_power(op.first))
        return WithSimplePower<T>(op.first, [&](const auto& power) { Map(n, x, y, power); });
      if constexpr (sizeof(T) == 4) {
        FloatKernel(op, n, x, y);
      } else {
        for (int64_t i = 0; i < n; ++i) y[i] = plain::value(op, x[i]);
      }
  }
}

template <class T>
void UnaryBackwardKernel(const UnaryOp& op, int64_t n, const T* g, const T* x, const T* y, T* dx) {
  const hn::ScalableTag<T> d;
  const auto one = hn::Set(d, T{1});
  const auto first = hn::Set(d, static_cast<T>(op.first)), second = hn::Set(d, static_cast<T>(op.second));
  switch (op.kind) {
    case Unary::neg:
      return Map(n, g, dx, [](auto v) { return hn::Neg(v); });
    case Unary::exp:
      return Map2(n, g, y, dx, [](auto a, auto b) { return hn::Mul(a, b); });
    case Unary::log:
      return Map2(n, g, x, dx, [](auto a, auto b) { return hn::Div(a, b); });
    case Unary::tanh:
      return Map2(n, g, y, dx, [one](auto a, auto b) { return hn::Mul(a, hn::NegMulAdd(b, b, one)); });
    case Unary::sigmoid:
      return Map2(n, g, y, dx, [one](auto a, auto b) { return hn::Mul(a, hn::Mul(b, hn::Sub(one, b))); });
    case Unary::relu:
      return Map2(n, g, y, dx, [d](auto a, auto b) { return hn::IfThenElseZero(hn::Gt(b, hn::Zero(d)), a); });
    case Unary::sqrt:
      return Map2(n, g, y, dx, [d](auto a, auto b) { return hn::Div(hn::Mul(a, hn::Set(d, T(0.5))), b); });
    case Unary::square:
      return Map2(n, g, x, dx, [](auto a, auto b) { return hn::Mul(a, hn::Add(b, b)); });
    case Unary::abs:
      return Map2(n, g, x, dx, [d](auto a, auto b) {
        const auto zero = hn::Zero(d);
        return hn::IfThenElse(hn::Gt(b, zero), a, hn::IfThenElse(hn::Lt(b, zero), hn::Neg(a), zero));
      });
    case Unary::sign:
    case Unary::floor:
    case Unary::ceil:
    case Unary::round:
    case Unary::trunc:
      return Map(n, g, dx, [d](auto a) { return hn::Mul(a, hn::Zero(d)); });
    case Unary::expm1:
      return Map2(n, g, y, dx, [one](auto a, auto b) { return hn::Mul(a, hn::Add(b, one)); });
    case Unary::log1p:
      return Map2(n, g, x, dx, [one](auto a, auto b) { return hn::Div(a, hn::Add(one, b)); });
    case Unary::rsqrt:
      return Map2(n, g, y, dx, [d](auto a, auto b) {
        return hn::Mul(a, hn::Mul(hn::Mul(hn::Mul(b, b), b), hn::Set(d, T(-0.5))));
      });
    case Unary::reciprocal:
      return Map2(n, g, y, dx, [](auto a, auto b) { return hn::Neg(hn::Mul(a, hn::Mul(b, b))); });
    case Unary::leaky_relu:
      return Map2(n, g, x, dx, [d, first](auto a, auto b) {
        return hn::IfThenElse(hn::Gt(b, hn::Zero(d)), a, hn::Mul(a, first));
      });
    case Unary::clamp:
      return Map2(n, g, x, dx, [first, second](auto a, auto b) {
        return hn::IfThenElseZero(hn::And(hn::Ge(b, first), hn::Le(b, second)), a);
      });
    default:
      if (op.kind == Unary::pow && op.first == 0)
        return Map(n, g, dx, [d](auto a) { return hn::Mul(a, hn::Zero(d)); });
      if (op.kind == Unary::pow && plain::is_simple_power(op.first - 1)) {
        return WithSimplePower<T>(op.first - 1, [&](const auto& power) {
          Map2(n, g, x, dx, [&](auto a, auto b) { return hn::Mul(a, hn::Mul(first, power(b))); });
        });
      }
      if constexpr (sizeof(T) == 4) {
        FloatBackwardKernel(op, n, g, x, dx);
      } else {
        for (int64_t i = 0; i < n; ++i) dx[i] = g[i] * plain::slope(op, x[i]);
      }
  }
}

// One dense output row from operands that advance by 0 or 1.
template <class T, class F>
void BinaryRow(int64_t n, const T* a, bool a_moves, const T* b, bool b_moves, T* y, const F& f) {
  const hn::ScalableTag<T> d;
  if (a_moves && b_moves) return Map2(n, a, b, y, f);
  if (a_moves) {
    const auto vb = hn::Set(d, *b);
    return Map(n, a, y, [&](auto v) { return f(v, vb); });
  }
  const auto va = hn::Set(d, *a);
  if (b_moves) return Map(n, b, y, [&](auto v) { return f(va, v); });
  const auto value = hn::GetLane(f(va, hn::Set(d, *b)));
  for (int64_t i = 0; i < n; ++i) y[i] = value;
}

// a^b for finite a > 0 and finite b by logarithm and exponential in f64; others, and f64, by the C library.
inline void PowerRow(int64_t n, const float* a, bool a_moves, const float* b, bool b_moves, float* y) {
  const hn::ScalableTag<float> d;
  constexpr float kMost = std::numeric_limits<float>::max();
  const auto zero = hn::Zero(d), most = hn::Set(d, kMost);
  auto inside = hn::Eq(zero, zero);
  BinaryRow(n, a, a_moves, b, b_moves, y, [&](auto p, auto q) {
    inside = hn::And(inside, hn::And(hn::And(hn::Gt(p, zero), hn::Le(p, most)), hn::Le(hn::Abs(q), most)));
    return InDouble(
        d, [](auto wide, auto v, auto w) { return PowerInDouble(wide, v, w); }, p, q);
  });
  if (hn::AllTrue(d, inside)) return;
  for (int64_t i = 0; i < n; ++i) {
    const float p = a[a_moves ? i : 0], q = b[b_moves ? i : 0];
    if (!(p > 0 && p <= kMost && std::abs(q) <= kMost)) y[i] = std::pow(p, q);
  }
}
inline void PowerRow(int64_t n, const double* a, bool a_moves, const double* b, bool b_moves, double* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::pow(a[a_moves ? i : 0], b[b_moves ? i : 0]);
}

// rule(tag, a, b, quotient) in f64 where the quotient is below kExactQuotient; plain_rule(a, b) elsewhere.
template <class Rule, class Plain>
void QuotientRow(int64_t n, const float* a, bool a_moves, const float* b, bool b_moves, float* y,
                 const Rule& rule, const Plain& plain_rule) {
  constexpr int64_t kPiece = 1024;
  const hn::ScalableTag<float> d;
  for (int64_t start = 0; start < n; start += kPiece) {
    const int64_t count = std::min(kPiece, n - start);
    const float *const p = a + (a_moves ? start : 0), *const q = b + (b_moves ? start : 0);
    const auto bound = hn::Set(d, static_cast<float>(plain::kExactQuotient)),
               most = hn::Set(d, std::numeric_limits<float>::max());
    auto inside = hn::Eq(bound, bound);
    BinaryRow(count, p, a_moves, q, b_moves, y + start, [&](auto v, auto w) {
      // by the quotient in f32, as the plain rule is chosen below
      inside = hn::And(inside, hn::And(hn::Lt(hn::Abs(hn::Div(v, w)), bound), hn::Le(hn::Abs(w), most)));
      return InDouble(
          d, [&](auto wide, auto x, auto z) { return rule(wide, x, z, hn::Div(x, z)); }, v, w);
    });
    if (hn::AllTrue(d, inside)) continue;
    for (int64_t i = 0; i < count; ++i) {
      const float v = p[a_moves ? i : 0], w = q[b_moves ? i : 0];
      if (!(std::abs(v / w) < static_cast<float>(plain::kExactQuotient)) || std::isinf(w))
        y[start + i] = plain_rule(v, w);
    }
  }
}

inline void RemainderRow(int64_t n, const float* a, bool a_moves, const float* b, bool b_moves, float* y) {
  QuotientRow(
      n, a, a_moves, b, b_moves, y,
      [](auto d, auto v, auto w, auto quotient) {
        const auto rest = hn::CopySign(hn::Sub(v, hn::Mul(hn::Trunc(quotient), w)), v);  // exact
        return hn::IfThenElse(hn::Lt(hn::Mul(rest, w), hn::Zero(d)), hn::Add(rest, w), rest);
      },
      plain::remainder<float>);
}
inline void FloorDivideRow(int64_t n, const float* a, bool a_moves, const float* b, bool b_moves, float* y) {
  QuotientRow(
      n, a, a_moves, b, b_moves, y,
      [](auto, auto, auto, auto quotient) { return hn::CopySign(hn::Floor(quotient), quotient); },
      plain::floor_divide<float>);
}
inline void RemainderRow(int64_t n, const double* a, bool a_moves, const double* b, bool b_moves, double* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = plain::remainder(a[a_moves ? i : 0], b[b_moves ? i : 0]);
}
inline void FloorDivideRow(int64_t n, const double* a, bool a_moves, const double* b, bool b_moves,
                           double* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = plain::floor_divide(a[a_moves ? i : 0], b[b_moves ? i : 0]);
}

template <class T>
void BinaryKernel(Binary op, int64_t n, const T* a, bool a_moves, const T* b, bool b_moves, T* y) {
  switch (op) {
    case Binary::add:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) { return hn::Add(p, q); });
    case Binary::sub:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) { return hn::Sub(p, q); });
    case Binary::mul:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) { return hn::Mul(p, q); });
    case Binary::div:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) { return hn::Div(p, q); });
    case Binary::maximum:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) {
        return hn::IfThenElse(hn::Or(hn::Gt(q, p), hn::IsNaN(q)), q, p);
      });
    case Binary::minimum:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) {
        return hn::IfThenElse(hn::Or(hn::Lt(q, p), hn::IsNaN(q)), q, p);
      });
    case Binary::pow:
      return PowerRow(n, a, a_moves, b, b_moves, y);
    case Binary::remainder:
      return RemainderRow(n, a, a_moves, b, b_moves, y);
    case Binary::floor_divide:
      return FloorDivideRow(n, a, a_moves, b, b_moves, y);
  }
}

template <class D, class V>
hn::Vec<D> WidenBytes(D bits, V bytes) {
  const hn::Rebind<uint32_t, D> words;
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return hn::PromoteTo(bits, bytes);
  } else {
    return hn::PromoteTo(bits, hn::PromoteTo(words, bytes));
  }
}

template <class T>
void ChooseKernel(int64_t n, const bool* condition, const T* a, bool a_moves, const T* b, bool b_moves,
                  T* y) {
  const hn::ScalableTag<T> d;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const hn::Rebind<uint8_t, decltype(d)> bytes;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto* const holds = reinterpret_cast<const uint8_t*>(condition);
  const auto only_a = hn::Set(d, *a), only_b = hn::Set(d, *b);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto mask =
        hn::RebindMask(d, hn::Ne(WidenBytes(bits, hn::LoadU(bytes, holds + i)), hn::Zero(bits)));
    const auto from_a = a_moves ? hn::LoadU(d, a + i) : only_a,
               from_b = b_moves ? hn::LoadU(d, b + i) : only_b;
    hn::StoreU(hn::IfThenElse(mask, from_a, from_b), d, y + i);
  }
  for (; i < n; ++i) y[i] = holds[i] ? a[a_moves ? i : 0] : b[b_moves ? i : 0];
}

template <class T>
void AffineKernel(int64_t n, const T* x, T scale, T shift, T* y) {
  const hn::ScalableTag<T> d;
  const auto a = hn::Set(d, scale), b = hn::Set(d, shift);
  Map(n, x, y, [=](auto v) { return hn::MulAdd(v, a, b); });
}

template <class T>
void MultiplyAddKernel(int64_t n, const T* a, const T* b, T* y) {
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
    store(hn::MulAdd(load(a), load(b), load(y)), y);
  });
}

template <class T>
void AddIntoKernel(int64_t n, const T* x, T* y) {
  Map2(n, x, y, y, [](auto a, auto b) { return hn::Add(a, b); });
}

void RoundToBf16Kernel(int64_t n, const float* x, uint16_t* y) {
  const hn::ScalableTag<uint32_t> d;
  const hn::Rebind<uint16_t, decltype(d)> d16;
  const hn::RebindToFloat<decltype(d)> df;
  const auto half = hn::Set(d, 0x7FFFU), one = hn::Set(d, 1U), quiet = hn::Set(d, 0x40U);
  const auto round = [&](auto v) {
    const auto bits = hn::BitCast(d, v), high = hn::ShiftRight<16>(bits);
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(half, hn::And(high, one))));
    return hn::TruncateTo(d16, hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(v)), hn::Or(high, quiet), rounded));
  };
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(round(hn::LoadU(df, x + i)), d16, y + i);
  for (; i < n; ++i) y[i] = hn::GetLane(round(hn::Set(df, x[i])));
}

// Widen, and what is read 4 KB later is asked for: a sum of numbers that lie in a far cache waits for each
// line.
template <class D, class T>
HWY_INLINE hn::Vec<D> WidenAhead(D d, const T* p) {
  hwy::Prefetch(reinterpret_cast<const char*>(p) + 4096);
  return Widen(d, p);
}

template <class T>
double SumKernel(int64_t n, const T* x) {
  return WideSum(n, [x](auto d, int64_t i) { return WidenAhead(d, x + i); });
}

template <class T>
double SumOfSquaresKernel(int64_t n, const T* x) {
  return WideSum(n, [x](auto d, int64_t i) {
    const auto v = WidenAhead(d, x + i);
    return hn::Mul(v, v);
  });
}

template <class T>
void AdamKernel(int64_t n, const AdamStep& s, const T* g, T* p, T* m, T* v) {
  const hn::ScalableTag<T> d;
  const auto scale = hn::Set(d, static_cast<T>(s.grad_scale)),
             decay = hn::Set(d, static_cast<T>(s.weight_decay));
  const auto beta1 = hn::Set(d, static_cast<T>(s.beta1)), rest1 = hn::Set(d, static_cast<T>(1 - s.beta1));
  const auto beta2 = hn::Set(d, static_cast<T>(s.beta2)), rest2 = hn::Set(d, static_cast<T>(1 - s.beta2));
  const auto step = hn::Set(d, static_cast<T>(s.lr / s.bias1)), eps = hn::Set(d, static_cast<T>(s.eps));
  const auto root = hn::Set(d, static_cast<T>(1 / std::sqrt(s.bias2)));
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
    const auto value = load(p);
    const auto gradient = hn::MulAdd(load(g), scale, hn::Mul(decay, value));
    const auto first = hn::MulAdd(beta1, load(m), hn::Mul(rest1, gradient));
    const auto second = hn::MulAdd(beta2, load(v), hn::Mul(rest2, hn::Mul(gradient, gradient)));
    store(first, m);
    store(second, v);
    store(hn::Sub(value, hn::Div(hn::Mul(step, first), hn::MulAdd(hn::Sqrt(second), root, eps))), p);
  });
}

template <class T>
void DropoutKernel(int64_t first_chunk, int64_t n, double p, uint64_t seed, uint64_t stream, const T* x,
                   T* y) {
  const detail::DropoutRule rule(p);
  const T keep = static_cast<T>(rule.scale);
  uint32_t words[4 * kBlocks];
  T scale[kChunk];
  for (int64_t start = 0; start < n; start += kChunk) {
    PhiloxBlocks(seed, stream, static_cast<uint64_t>(first_chunk + start / kChunk), words);
    for (int64_t w = 0; w < 4; ++w) {
      for (int64_t b = 0; b < kBlocks; ++b) {
        const uint32_t word = words[w * kBlocks + b];
        scale[2 * w * kBlocks + b] = rule.keeps(word & 0xFFFF) ? keep : T{0};
        scale[(2 * w + 1) * kBlocks + b] = rule.keeps(word >> 16) ? keep : T{0};
      }
    }
    Map2(std::min(kChunk, n - start), x + start, scale, y + start,
         [](auto a, auto b) { return hn::Mul(a, b); });
  }
}

HEED_TYPED(UnaryKernel)
HEED_TYPED(UnaryBackwardKernel)
HEED_TYPED(BinaryKernel)
HEED_TYPED(ChooseKernel)
HEED_TYPED(AffineKernel)
HEED_TYPED(MultiplyAddKernel)
HEED_TYPED(AddIntoKernel)
HEED_TYPED(SumKernel)
HEED_TYPED(SumOfSquaresKernel)
HEED_TYPED(AdamKernel)
HEED_TYPED(DropoutKernel)

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <numeric>
#include <vector>

#include "framework/kernels/simd/dispatch.h"

namespace heed::kernels {
HEED_EXPORT(UnaryKernel)
HEED_EXPORT(UnaryBackwardKernel)
HEED_EXPORT(BinaryKernel)
HEED_EXPORT(ChooseKernel)
HEED_EXPORT(AffineKernel)
HEED_EXPORT(MultiplyAddKernel)
HEED_EXPORT(AddIntoKernel)
HWY_EXPORT(RoundToBf16Kernel);
HEED_EXPORT(SumKernel)
HEED_EXPORT(SumOfSquaresKernel)
HEED_EXPORT(AdamKernel)
HEED_EXPORT(DropoutKernel)

namespace {
constexpr int64_t kGrain = 1 << 16;  // elements a thread should get at least

// Sums of `each` elements that a thread should get at least: they are only read.
int64_t grain_of_sums(int64_t each) {
  constexpr int64_t kRead = 1 << 17;
  each = std::max<int64_t>(each, 1);
  return (kRead + each - 1) / each;
}

}  // namespace

// Whether f64 has vectors for a function, and for its slope.
static bool in_double_vectors(const UnaryOp& op, bool slope) {
  switch (op.kind) {
    case Unary::expm1:
    case Unary::log1p:
      return slope;
    case Unary::sin:
    case Unary::cos:
    case Unary::erf:
    case Unary::elu:
    case Unary::silu:
    case Unary::softplus:
    case Unary::gelu:
    case Unary::gelu_tanh:
      return false;
    case Unary::pow:
      return op.first == 0 || plain::is_simple_power(slope ? op.first - 1 : op.first);
    default:
      return true;
  }
}

constexpr int64_t kPlainGrain = 1 << 12;  // of values that take the C library's time

template <class T>
void unary(const UnaryOp& op, int64_t n, const T* x, T* y) {
  if (std::is_same_v<T, double> && !in_double_vectors(op, /*slope=*/false)) {
    return parallel_for(n, kPlainGrain, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) y[i] = plain::value(op, x[i]);
    });
  }
  parallel_for(n, kGrain, [&](int64_t b, int64_t e) { HEED_DISPATCH(UnaryKernel)(op, e - b, x + b, y + b); });
}
template <class T>
void unary_backward(const UnaryOp& op, int64_t n, const T* g, const T* x, const T* y, T* dx) {
  if (std::is_same_v<T, double> && !in_double_vectors(op, /*slope=*/true)) {
    return parallel_for(n, kPlainGrain, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) dx[i] = g[i] * plain::slope(op, x[i]);
    });
  }
  parallel_for(n, kGrain, [&](int64_t b, int64_t e) {
    HEED_DISPATCH(UnaryBackwardKernel)(op, e - b, g + b, x ? x + b : nullptr, y ? y + b : nullptr, dx + b);
  });
}
template <class T>
void choose(int64_t n, const bool* condition, const T* a, bool a_moves, const T* b, bool b_moves, T* y) {
  HEED_DISPATCH(ChooseKernel)(n, condition, a, a_moves, b, b_moves, y);
}
template <class T>
void affine(int64_t n, const T* x, T scale, T shift, T* y) {
  parallel_for(n, kGrain, [&](int64_t b, int64_t e) {
    HEED_DISPATCH(AffineKernel)(e - b, x + b, scale, shift, y + b);
  });
}
template <class T>
void multiply_add(int64_t n, const T* a, const T* b, T* y) {
  parallel_for(n, kGrain, [&](int64_t i, int64_t e) {
    HEED_DISPATCH(MultiplyAddKernel)(e - i, a + i, b + i, y + i);
  });
}
void add_into(DType dtype, int64_t n, const void* x, void* y) {
  dispatch_floating("add", dtype, [&](auto t) {
    using T = decltype(t);
    const T* from = static_cast<const T*>(x);
    T* into = static_cast<T*>(y);
    parallel_for(n, kGrain, [&](int64_t b, int64_t e) {
      HEED_DISPATCH(AddIntoKernel)(e - b, from + b, into + b);
    });
  });
}

void round_to_bf16(int64_t rows, int64_t columns, const float* x, int64_t ld, uint16_t* y) {
  if (columns == 0) return;
  if (ld == columns) {
    parallel_for(rows * columns, kGrain, [&](int64_t b, int64_t e) {
      HWY_DYNAMIC_DISPATCH(RoundToBf16Kernel)(e - b, x + b, y + b);
    });
    return;
  }
  parallel_for(rows, std::max<int64_t>(1, kGrain / columns), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r)
      HWY_DYNAMIC_DISPATCH(RoundToBf16Kernel)(columns, x + r * ld, y + r * columns);
  });
}

namespace {

// Drops dimensions of extent 1 and joins neighbours that both operands walk alike, so that rows get long.
void collapse(Shape& shape, Strides& as, Strides& bs) {
  Shape s, a, b;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] == 1) continue;
    const int last = s.ndim() - 1;
    if (last >= 0 && a[last] == as[i] * shape[i] && b[last] == bs[i] * shape[i]) {
      s[last] *= shape[i];
      a[last] = as[i];
      b[last] = bs[i];
    } else {
      s.push_back(shape[i]);
      a.push_back(as[i]);
      b.push_back(bs[i]);
    }
  }
  if (s.ndim() == 0) {
    s.push_back(1);
    a.push_back(0);
    b.push_back(0);
  }
  shape = s;
  as = a;
  bs = b;
}

template <class T>
const T* packed_row(const T* x, int64_t stride, int64_t n, std::vector<T>& scratch) {
  if (stride == 0 || stride == 1) return x;
  scratch.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) scratch[static_cast<size_t>(i)] = x[i * stride];
  return scratch.data();
}

}  // namespace

template <class T>
void binary_dense(Binary op, int64_t n, const T* a, const T* b, T* y) {
  parallel_for(n, kGrain, [&](int64_t i, int64_t e) {
    HEED_DISPATCH(BinaryKernel)(op, e - i, a + i, true, b + i, true, y + i);
  });
}

template <class T>
void binary(Binary op, const Shape& full, const T* a, const Strides& as, const T* b, const Strides& bs,
            T* y) {
  if (full.numel() == 0) return;
  Shape shape = full;
  Strides sa = as, sb = bs;
  collapse(shape, sa, sb);
  const int last = shape.ndim() - 1;
  const int64_t n = shape[last], rows = shape.numel() / n, ia = sa[last], ib = sb[last];
  if (rows == 1 && ia <= 1 && ib <= 1) {
    parallel_for(n, kGrain, [&](int64_t from, int64_t to) {
      HEED_DISPATCH(BinaryKernel)(op, to - from, a + from * ia, ia == 1, b + from * ib, ib == 1, y + from);
    });
    return;
  }
  parallel_for(rows, std::max<int64_t>(1, kGrain / n), [&](int64_t from, int64_t to) {
    std::vector<T> scratch_a, scratch_b;
    for (int64_t r = from; r < to; ++r) {
      int64_t rest = r, at_a = 0, at_b = 0;
      for (int d = last - 1; d >= 0; --d) {
        const int64_t i = rest % shape[d];
        rest /= shape[d];
        at_a += i * sa[d];
        at_b += i * sb[d];
      }
      HEED_DISPATCH(BinaryKernel)
      (op, n, packed_row(a + at_a, ia, n, scratch_a), ia != 0, packed_row(b + at_b, ib, n, scratch_b),
       ib != 0, y + r * n);
    }
  });
}

template <class T, class Y>
void sum(int64_t outer, int64_t reduce, int64_t inner, const T* x, Y* y, double divisor) {
  if (inner == 1) {
    // long rows in parts, the same for any number of threads
    constexpr int64_t kPart = 1 << 17;
    const int64_t parts = std::max<int64_t>(1, (reduce + kPart - 1) / kPart);
    std::vector<double> partial(static_cast<size_t>(parts == 1 ? 0 : outer * parts));
    parallel_for(outer * parts, grain_of_sums(std::min(reduce, kPart)), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t o = i / parts, first = i % parts * kPart;
        const double total =
            HEED_DISPATCH(SumKernel)(std::min(kPart, reduce - first), x + o * reduce + first);
        if (parts == 1)
          y[o] = static_cast<Y>(total / divisor);
        else
          partial[static_cast<size_t>(i)] = total;
      }
    });
    for (int64_t o = 0; parts > 1 && o < outer; ++o) {
      const auto first = partial.begin() + o * parts;
      y[o] = static_cast<Y>(std::accumulate(first, first + parts, 0.0) / divisor);
    }
    return;
  }
  // A tile of columns stays in cache while the rows are added to it; each thread gets one.
  constexpr int64_t kColumns = 1024;
  const int64_t shares = std::max<int64_t>(1, num_threads() / std::max<int64_t>(outer, 1));
  constexpr int64_t kLine = 16;
  const int64_t width =
      std::clamp<int64_t>((inner / shares + kLine - 1) / kLine * kLine, 4 * kLine, kColumns);
  const int64_t tiles = (inner + width - 1) / width;
  parallel_for(outer * tiles, grain_of_sums(reduce * std::min(inner, width)), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      const int64_t o = i / tiles, from = i % tiles * width, n = std::min(width, inner - from);
      double total[kColumns];
      std::fill_n(total, n, 0.0);
      add_rows_wide(reduce, n, x + o * reduce * inner + from, inner, total);
      for (int64_t k = 0; k < n; ++k) y[o * inner + from + k] = static_cast<Y>(total[k] / divisor);
    }
  });
}

template <class T>
double sum_of_squares(int64_t n, const T* x) {
  constexpr int64_t kChunk = 8192;
  if (n <= kChunk) return HEED_DISPATCH(SumOfSquaresKernel)(n, x);
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  std::vector<double> partial(static_cast<size_t>(chunks));
  parallel_for(chunks, 8, [&](int64_t b, int64_t e) {
    for (int64_t c = b; c < e; ++c) {
      partial[static_cast<size_t>(c)] =
          HEED_DISPATCH(SumOfSquaresKernel)(std::min(kChunk, n - c * kChunk), x + c * kChunk);
    }
  });
  double total = 0;
  for (const double p : partial) total += p;
  return total;
}

template <class T>
void adam(int64_t n, const AdamStep& step, const T* g, T* p, T* m, T* v) {
  parallel_for(n, kGrain, [&](int64_t b, int64_t e) {
    HEED_DISPATCH(AdamKernel)(e - b, step, g + b, p + b, m + b, v + b);
  });
}

template <class T>
void dropout(int64_t n, double p, uint64_t seed, uint64_t stream, const T* x, T* y, int64_t first) {
  constexpr int64_t kElements = 128;  // one chunk of random bits
  int64_t chunk = first / kElements;
  if (const int64_t before = first % kElements; before > 0) {  // begins within a chunk
    const int64_t head = std::min(n, kElements - before);
    T from[kElements] = {}, to[kElements];
    std::copy_n(x, head, from + before);
    HEED_DISPATCH(DropoutKernel)(chunk, before + head, p, seed, stream, from, to);
    std::copy_n(to + before, head, y);
    x += head, y += head, n -= head, ++chunk;
  }
  parallel_for((n + kElements - 1) / kElements, kGrain / kElements, [&](int64_t b, int64_t e) {
    const int64_t from = b * kElements, to = std::min(n, e * kElements);
    HEED_DISPATCH(DropoutKernel)(chunk + b, to - from, p, seed, stream, x + from, y + from);
  });
}

#define HEED_INSTANTIATE(T)                                                                           \
  template void unary(const UnaryOp&, int64_t, const T*, T*);                                         \
  template void unary_backward(const UnaryOp&, int64_t, const T*, const T*, const T*, T*);            \
  template void choose(int64_t, const bool*, const T*, bool, const T*, bool, T*);                     \
  template void affine(int64_t, const T*, T, T, T*);                                                  \
  template void multiply_add(int64_t, const T*, const T*, T*);                                        \
  template void binary_dense(Binary, int64_t, const T*, const T*, T*);                                \
  template void binary(Binary, const Shape&, const T*, const Strides&, const T*, const Strides&, T*); \
  template void sum(int64_t, int64_t, int64_t, const T*, float*, double);                             \
  template void sum(int64_t, int64_t, int64_t, const T*, double*, double);                            \
  template double sum_of_squares(int64_t, const T*);                                                  \
  template void adam(int64_t, const AdamStep&, const T*, T*, T*, T*);                                 \
  template void dropout(int64_t, double, uint64_t, uint64_t, const T*, T*, int64_t);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)

}  // namespace heed::kernels
#endif
