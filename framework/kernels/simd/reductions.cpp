// Largest and smallest elements, and what the gradients of reductions have in common: a value for each row,
// stretched over it.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/reductions.cpp"
#include <hwy/foreach_target.h>

#include <limits>
#include <span>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

// The more extreme of two, b where it is NaN; NaN, once there, is beaten by nothing.
template <bool kLargest, class V>
V MoreExtreme(V a, V b) {
  const auto beats = kLargest ? hn::Gt(b, a) : hn::Lt(b, a);
  return hn::IfThenElse(hn::Or(beats, hn::IsNaN(b)), b, a);
}

template <bool kLargest, class T>
T ExtremeOfRow(int64_t n, const T* x) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto more = [](auto a, auto b) { return MoreExtreme<kLargest>(a, b); };
  T best = x[0];
  int64_t i = 0;
  if (n >= 4 * lanes) {
    auto a = hn::LoadU(d, x), b = hn::LoadU(d, x + lanes), c = hn::LoadU(d, x + 2 * lanes),
         e = hn::LoadU(d, x + 3 * lanes);
    for (i = 4 * lanes; i + 4 * lanes <= n; i += 4 * lanes) {
      a = more(a, hn::LoadU(d, x + i));
      b = more(b, hn::LoadU(d, x + i + lanes));
      c = more(c, hn::LoadU(d, x + i + 2 * lanes));
      e = more(e, hn::LoadU(d, x + i + 3 * lanes));
    }
    a = more(more(a, b), more(c, e));
    if (!hn::AllFalse(d, hn::IsNaN(a))) return std::numeric_limits<T>::quiet_NaN();
    best = kLargest ? Largest(d, a) : -Largest(d, hn::Neg(a));
  }
  for (; i < n; ++i) best = more_extreme(kLargest, best, x[i]);
  return best;
}

template <class T>
void ExtremeRowsKernel(bool largest, int64_t rows, int64_t n, const T* x, T* y) {
  for (int64_t r = 0; r < rows; ++r)
    y[r] = largest ? ExtremeOfRow<true>(n, x + r * n) : ExtremeOfRow<false>(n, x + r * n);
}

// y[i] = the extreme over r of x[r * stride + i].
template <class T>
void ExtremeColumnsKernel(bool largest, int64_t rows, int64_t n, const T* x, int64_t stride, T* y) {
  std::copy_n(x, n, y);
  for (int64_t r = 1; r < rows; ++r) {
    const T* const row = x + r * stride;
    if (largest) {
      Map2(n, y, row, y, [](auto a, auto b) { return MoreExtreme<true>(a, b); });
    } else {
      Map2(n, y, row, y, [](auto a, auto b) { return MoreExtreme<false>(a, b); });
    }
  }
}

template <class T>
double ProductKernel(int64_t n, const T* x) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto first = hn::Set(d, 1.0), second = first, third = first, fourth = first;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    first = hn::Mul(first, Widen(d, x + i));
    second = hn::Mul(second, Widen(d, x + i + lanes));
    third = hn::Mul(third, Widen(d, x + i + 2 * lanes));
    fourth = hn::Mul(fourth, Widen(d, x + i + 3 * lanes));
  }
  HWY_ALIGN double lane[hn::MaxLanes(d)];
  hn::Store(hn::Mul(hn::Mul(first, second), hn::Mul(third, fourth)), d, lane);
  double result = 1;
  for (int64_t k = 0; k < lanes; ++k) result *= lane[k];
  for (; i < n; ++i) result *= static_cast<double>(x[i]);
  return result;
}

// count[i] += [x_i = y_i]
template <class T>
void CountEqualKernel(int64_t n, const T* x, const T* y, T* count) {
  const hn::ScalableTag<T> d;
  const auto one = hn::Set(d, T{1});
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
    store(hn::Add(load(count), hn::IfThenElseZero(hn::Eq(load(x), load(y)), one)), count);
  });
}
template <class T>
int64_t CountEqualOfRow(int64_t n, const T* x, T y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto value = hn::Set(d, y);
  int64_t count = 0, i = 0;
  for (; i + lanes <= n; i += lanes)
    count += static_cast<int64_t>(hn::CountTrue(d, hn::Eq(hn::LoadU(d, x + i), value)));
  for (; i < n; ++i) count += x[i] == y;
  return count;
}
template <class T>
void CountEqualRowsKernel(int64_t rows, int64_t n, const T* x, const T* y, T* count) {
  for (int64_t r = 0; r < rows; ++r) count[r] = static_cast<T>(CountEqualOfRow(n, x + r * n, y[r]));
}

// One vector of Stretch.
template <class D, class V>
V StretchedVector(D d, Stretch f, V x, V a, V b) {
  switch (f) {
    case Stretch::centred:
      return hn::Mul(b, hn::Sub(x, a));
    case Stretch::quotient:
      return hn::Mul(b, hn::Div(x, a));
    case Stretch::exponential:
      return hn::Mul(b, SafeExp(d, hn::Sub(x, a)));
    case Stretch::equal:
      return hn::IfThenElse(hn::IsNaN(a), a, hn::IfThenElseZero(hn::Eq(x, a), b));
  }
  return x;
}

template <class T>
void StretchedRowKernel(Stretch f, int64_t n, const T* x, T a, T b, T* y) {
  const hn::ScalableTag<T> d;
  const auto va = hn::Set(d, a), vb = hn::Set(d, b);
  switch (f) {
    case Stretch::centred:
      return Map(n, x, y, [=](auto v) { return StretchedVector(d, Stretch::centred, v, va, vb); });
    case Stretch::quotient:
      return Map(n, x, y, [=](auto v) { return StretchedVector(d, Stretch::quotient, v, va, vb); });
    case Stretch::exponential:
      return Map(n, x, y, [=](auto v) { return StretchedVector(d, Stretch::exponential, v, va, vb); });
    case Stretch::equal:
      return Map(n, x, y, [=](auto v) { return StretchedVector(d, Stretch::equal, v, va, vb); });
  }
}

template <class T>
void StretchedColumnsKernel(Stretch f, int64_t n, const T* x, const T* a, const T* b, T* y) {
  const hn::ScalableTag<T> d;
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
    store(StretchedVector(d, f, load(x), load(a), load(b)), y);
  });
}

// total[i] += e^(x[i] - shift[i]).
template <class T>
void AddExponentialsKernel(int64_t n, const T* x, const T* shift, T* total) {
  const hn::ScalableTag<T> d;
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
    store(hn::Add(load(total), SafeExp(d, hn::Sub(load(x), load(shift)))), total);
  });
}

// Whether all are in [0, bound).
inline bool AllInsideKernel(int64_t n, const int64_t* ids, int64_t bound) {
  const hn::ScalableTag<int64_t> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto zero = hn::Zero(d), most = hn::Set(d, bound - 1);
  auto outside = hn::Lt(zero, zero);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto id = hn::LoadU(d, ids + i);
    outside = hn::Or(outside, hn::Or(hn::Lt(id, zero), hn::Gt(id, most)));
  }
  bool inside = hn::AllFalse(d, outside);
  for (; i < n; ++i) inside = inside && ids[i] >= 0 && ids[i] < bound;
  return inside;
}

HEED_TYPED(ExtremeRowsKernel)
HEED_TYPED(ExtremeColumnsKernel)
HEED_TYPED(ProductKernel)
HEED_TYPED(CountEqualKernel)
HEED_TYPED(CountEqualRowsKernel)
HEED_TYPED(StretchedRowKernel)
HEED_TYPED(StretchedColumnsKernel)
HEED_TYPED(AddExponentialsKernel)

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "framework/kernels/simd/dispatch.h"

namespace heed::kernels {
HEED_EXPORT(ExtremeRowsKernel)
HEED_EXPORT(ExtremeColumnsKernel)
HEED_EXPORT(ProductKernel)
HWY_EXPORT(AllInsideKernel);
HEED_EXPORT(CountEqualKernel)
HEED_EXPORT(CountEqualRowsKernel)
HEED_EXPORT(StretchedRowKernel)
HEED_EXPORT(StretchedColumnsKernel)
HEED_EXPORT(AddExponentialsKernel)

namespace {

constexpr int64_t kElements = 1 << 15;  // a thread should get at least
constexpr int64_t kColumns = 256;       // that stay in cache while the rows pass by

// rows(from, to) of `reduce` elements each where inner is 1; else columns(o, i, n) for n columns from i on of
// outer index o.
template <class Rows, class Columns>
void by_layout(int64_t outer, int64_t reduce, int64_t inner, const Rows& rows, const Columns& columns) {
  const auto grain = [&](int64_t n) { return std::max<int64_t>(1, kElements / std::max<int64_t>(n, 1)); };
  if (inner == 1) return parallel_for(outer, grain(reduce), rows);
  const int64_t tiles = (inner + kColumns - 1) / kColumns;
  parallel_for(outer * tiles, grain(reduce * std::min(inner, kColumns)), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t % tiles * kColumns;
      columns(t / tiles, i, std::min(kColumns, inner - i));
    }
  });
}

}  // namespace

template <class T>
void extreme(bool largest, int64_t outer, int64_t reduce, int64_t inner, const T* x, T* y) {
  by_layout(
      outer, reduce, inner,
      [&](int64_t b, int64_t e) {
        HEED_DISPATCH(ExtremeRowsKernel)(largest, e - b, reduce, x + b * reduce, y + b);
      },
      [&](int64_t o, int64_t i, int64_t n) {
        HEED_DISPATCH(ExtremeColumnsKernel)
        (largest, reduce, n, x + o * reduce * inner + i, inner, y + o * inner + i);
      });
}

template <class T>
double product(int64_t n, const T* x) {
  return HEED_DISPATCH(ProductKernel)(n, x);
}

template <class T>
void count_equal(int64_t outer, int64_t reduce, int64_t inner, const T* x, const T* y, T* count) {
  by_layout(
      outer, reduce, inner,
      [&](int64_t b, int64_t e) {
        HEED_DISPATCH(CountEqualRowsKernel)(e - b, reduce, x + b * reduce, y + b, count + b);
      },
      [&](int64_t o, int64_t i, int64_t n) {
        const int64_t at = o * inner + i;
        std::fill_n(count + at, n, T{0});
        for (int64_t r = 0; r < reduce; ++r)
          HEED_DISPATCH(CountEqualKernel)(n, x + (o * reduce + r) * inner + i, y + at, count + at);
      });
}

template <class T>
void stretched(Stretch f, int64_t outer, int64_t reduce, int64_t inner, const T* x, const T* a, const T* b,
               T* y) {
  by_layout(
      outer, reduce, inner,
      [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r)
          HEED_DISPATCH(StretchedRowKernel)(f, reduce, x + r * reduce, a[r], b[r], y + r * reduce);
      },
      [&](int64_t o, int64_t i, int64_t n) {
        const int64_t at = o * inner + i;
        for (int64_t r = 0; r < reduce; ++r) {
          const int64_t row = (o * reduce + r) * inner + i;
          HEED_DISPATCH(StretchedColumnsKernel)(f, n, x + row, a + at, b + at, y + row);
        }
      });
}

template <class T>
void log_sum_exp(int64_t outer, int64_t reduce, int64_t inner, const T* x, T* y) {
  constexpr int64_t kRows = 16;  // whose exponentials are summed in T before they go into a sum in f64
  by_layout(
      outer, reduce, inner,
      [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          const T* const row = x + r * reduce;
          y[r] = static_cast<T>(log_sum_exp(reduce, row, row_maximum(reduce, row)));
        }
      },
      [&](int64_t o, int64_t i, int64_t n) {
        std::array<T, kColumns> shift, part;
        std::array<double, kColumns> total{};
        const T* const from = x + o * reduce * inner + i;
        HEED_DISPATCH(ExtremeColumnsKernel)(true, reduce, n, from, inner, shift.data());
        for (T& most : std::span(shift).first(static_cast<size_t>(n)))
          most = std::isfinite(most) ? most : T{0};
        for (int64_t r = 0; r < reduce; r += kRows) {
          part.fill(T{0});
          for (int64_t k = r; k < std::min(r + kRows, reduce); ++k)
            HEED_DISPATCH(AddExponentialsKernel)(n, from + k * inner, shift.data(), part.data());
          add_rows_wide(1, n, part.data(), n, total.data());
        }
        for (int64_t k = 0; k < n; ++k) {
          const auto at = static_cast<size_t>(k);
          y[o * inner + i + k] = static_cast<T>(static_cast<double>(shift[at]) + std::log(total[at]));
        }
      });
}

int64_t first_outside(int64_t n, const int64_t* ids, int64_t bound) {
  if (HWY_DYNAMIC_DISPATCH(AllInsideKernel)(n, ids, bound)) return n;
  return std::find_if(ids, ids + n, [bound](int64_t id) { return id < 0 || id >= bound; }) - ids;
}

#define HEED_INSTANTIATE(T)                                                                      \
  template void extreme(bool, int64_t, int64_t, int64_t, const T*, T*);                          \
  template double product(int64_t, const T*);                                                    \
  template void count_equal(int64_t, int64_t, int64_t, const T*, const T*, T*);                  \
  template void stretched(Stretch, int64_t, int64_t, int64_t, const T*, const T*, const T*, T*); \
  template void log_sum_exp(int64_t, int64_t, int64_t, const T*, T*);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)

}  // namespace heed::kernels
#endif
