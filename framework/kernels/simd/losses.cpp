// Losses of two tensors of one shape, element by element or summed, and their gradients, each in one pass.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/losses.cpp"
#include <hwy/foreach_target.h>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/functions-inl.h"
#include "framework/kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

// log(1 + e^-|x|)
template <class D>
hn::Vec<D> LogOnePlus(D d, hn::Vec<D> e) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return Log1pInside(d, e);
  } else {
    return hn::Log1p(d, e);
  }
}

// w v, and w where w is 0 and v infinite.
template <class D, class V>
V WeighedVector(D d, V w, V v) {
  const auto infinite = hn::Eq(hn::Abs(v), hn::Set(d, std::numeric_limits<hn::TFromD<D>>::infinity()));
  return hn::IfThenElse(hn::And(hn::Eq(w, hn::Zero(d)), infinite), w, hn::Mul(w, v));
}

template <class D, class V>
V LossVector(D d, PairLoss kind, V x, V t, V beta) {
  using T = hn::TFromD<D>;
  const V half = hn::Set(d, T(0.5)), away = hn::Sub(x, t), size = hn::Abs(away);
  switch (kind) {
    case PairLoss::mse:
      return hn::Mul(away, away);
    case PairLoss::l1:
      return size;
    case PairLoss::smooth_l1:
      return hn::IfThenElse(hn::Lt(size, beta), hn::Mul(hn::Mul(size, size), hn::Div(half, beta)),
                            hn::NegMulAdd(half, beta, size));
    case PairLoss::bce: {
      const V log = LogOnePlus(d, SafeExp(d, hn::Neg(hn::Abs(x)))), zero = hn::Zero(d);
      const V above = KeepNaN(d, x, hn::Add(hn::Max(x, zero), log));           // softplus(x)
      const V below = KeepNaN(d, x, hn::Add(hn::Max(hn::Neg(x), zero), log));  // softplus(-x)
      return hn::Add(WeighedVector(d, t, below), WeighedVector(d, hn::Sub(hn::Set(d, T{1}), t), above));
    }
  }
  return x;
}

// The slope by x; by t it is the negative, but for bce's.
template <class D, class V>
V LossSlope(D d, PairLoss kind, V x, V t, V beta) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T{1}), zero = hn::Zero(d), away = hn::Sub(x, t);
  const auto sign = [&] {
    return KeepNaN(
        d, away,
        hn::IfThenElse(hn::Lt(away, zero), hn::Neg(one), hn::IfThenElseZero(hn::Gt(away, zero), one)));
  };
  switch (kind) {
    case PairLoss::mse:
      return hn::Add(away, away);
    case PairLoss::l1:  // 0 at NaN
      return hn::IfThenElse(hn::IsNaN(away), zero, sign());
    case PairLoss::smooth_l1:
      return hn::IfThenElse(hn::Lt(hn::Abs(away), beta), hn::Div(away, beta),
                            hn::IfThenElse(hn::IsNaN(away), zero, sign()));
    case PairLoss::bce: {
      const V e = SafeExp(d, hn::Neg(hn::Abs(x))), scale = hn::Div(one, hn::Add(one, e));
      const auto negative = hn::Lt(x, zero);
      const V above = hn::Mul(hn::IfThenElse(negative, e, one), scale);  // sigmoid(x), and of -x
      const V below = hn::Mul(hn::IfThenElse(negative, one, e), scale);
      return KeepNaN(d, x, hn::Sub(hn::Mul(hn::Sub(one, t), above), hn::Mul(t, below)));
    }
  }
  return x;
}

template <class T, class F>
void ByLoss(PairLoss kind, const F& f) {
  switch (kind) {
    case PairLoss::mse:
      return f(std::integral_constant<PairLoss, PairLoss::mse>());
    case PairLoss::l1:
      return f(std::integral_constant<PairLoss, PairLoss::l1>());
    case PairLoss::smooth_l1:
      return f(std::integral_constant<PairLoss, PairLoss::smooth_l1>());
    case PairLoss::bce:
      return f(std::integral_constant<PairLoss, PairLoss::bce>());
  }
}

template <class T>
void PairLossKernel(PairLoss kind, T beta, int64_t n, const T* x, const T* t, T* y) {
  const hn::ScalableTag<T> d;
  const auto scale = hn::Set(d, beta);
  ByLoss<T>(kind, [&](auto k) {
    Map2(n, x, t, y, [=](auto a, auto b) { return LossVector(d, decltype(k)::value, a, b, scale); });
  });
}

template <class T>
double PairLossSumKernel(PairLoss kind, T beta, int64_t n, const T* x, const T* t) {
  constexpr int64_t kPiece = 512;
  T piece[kPiece];
  double total = 0;
  for (int64_t i = 0; i < n; i += kPiece) {
    const int64_t count = std::min(kPiece, n - i);
    PairLossKernel(kind, beta, count, x + i, t + i, piece);
    total += WideSum(count, [&piece](auto d, int64_t k) { return Widen(d, piece + k); });
  }
  return total;
}

template <class T>
void PairLossBackwardKernel(PairLoss kind, T beta, int64_t n, const T* g, bool g_moves, T scale, const T* x,
                            const T* t, T* dx, T* dt) {
  const hn::ScalableTag<T> d;
  const auto size = hn::Set(d, beta), factor = hn::Set(d, scale),
             all = hn::Set(d, g_moves ? T{0} : *g * scale);
  ByLoss<T>(kind, [&](auto k) {
    constexpr PairLoss kKind = decltype(k)::value;
    Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
      const auto weight = g_moves ? hn::Mul(load(g), factor) : all;
      const auto a = load(x), b = load(t);
      const auto slope = hn::Mul(weight, LossSlope(d, kKind, a, b, size));
      if (dx) store(slope, dx);
      if (!dt) return;
      if constexpr (kKind == PairLoss::bce) {  // softplus(-x) - softplus(x)
        store(WeighedVector(d, weight, hn::Neg(a)), dt);
      } else {
        store(hn::Neg(slope), dt);
      }
    });
  });
}

HEED_TYPED(PairLossKernel)
HEED_TYPED(PairLossSumKernel)
HEED_TYPED(PairLossBackwardKernel)

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <vector>

#include "framework/kernels/simd/dispatch.h"

namespace heed::kernels {
HEED_EXPORT(PairLossKernel)
HEED_EXPORT(PairLossSumKernel)
HEED_EXPORT(PairLossBackwardKernel)

namespace {
constexpr int64_t kElements = 1 << 14;  // a thread should get at least
}

template <class T>
void pair_loss(PairLoss kind, double beta, int64_t n, const T* x, const T* t, T* y) {
  parallel_for(n, kElements, [&](int64_t b, int64_t e) {
    HEED_DISPATCH(PairLossKernel)(kind, static_cast<T>(beta), e - b, x + b, t + b, y + b);
  });
}

template <class T>
double pair_loss_sum(PairLoss kind, double beta, int64_t n, const T* x, const T* t) {
  constexpr int64_t kChunk = 8192;  // fixed: the bits do not depend on the thread count
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  std::vector<double> parts(static_cast<size_t>(chunks));
  parallel_for(chunks, 2, [&](int64_t b, int64_t e) {
    for (int64_t c = b; c < e; ++c) {
      const int64_t at = c * kChunk;
      parts[static_cast<size_t>(c)] = HEED_DISPATCH(PairLossSumKernel)(
          kind, static_cast<T>(beta), std::min(kChunk, n - at), x + at, t + at);
    }
  });
  double total = 0;
  for (const double part : parts) total += part;
  return total;
}

template <class T>
void pair_loss_backward(PairLoss kind, double beta, int64_t n, const T* g, bool g_moves, double scale,
                        const T* x, const T* t, T* dx, T* dt) {
  parallel_for(n, kElements, [&](int64_t b, int64_t e) {
    HEED_DISPATCH(PairLossBackwardKernel)
    (kind, static_cast<T>(beta), e - b, g_moves ? g + b : g, g_moves, static_cast<T>(scale), x + b, t + b,
     dx ? dx + b : nullptr, dt ? dt + b : nullptr);
  });
}

#define HEED_INSTANTIATE(T)                                                                               \
  template void pair_loss(PairLoss, double, int64_t, const T*, const T*, T*);                             \
  template double pair_loss_sum(PairLoss, double, int64_t, const T*, const T*);                           \
  template void pair_loss_backward(PairLoss, double, int64_t, const T*, bool, double, const T*, const T*, \
                                   T*, T*);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)

}  // namespace heed::kernels
#endif
