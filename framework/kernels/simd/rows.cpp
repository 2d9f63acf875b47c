// Kernels that work row by row: softmax and cross-entropy, LSTM gates, attention energies, gathers.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/rows.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>

#include <type_traits>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

// y = exp(x - most), returns the sum.
template <class T>
T RowExp(int64_t n, const T* x, T most, T* y) {
  const hn::ScalableTag<T> d;
  const auto shift = hn::Set(d, most);
  BlockedSum<decltype(d)> total(d);
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto mask) {
    const auto e = SafeExp(d, hn::Sub(load(x), shift));
    store(e, y);
    total.add(hn::IfThenElseZero(mask, e));
  });
  return Total(d, total.total());
}

template <class T>
T RowSumExp(int64_t n, const T* x, T most) {
  const hn::ScalableTag<T> d;
  const auto shift = hn::Set(d, most);
  BlockedSum<decltype(d)> total(d);
  if constexpr (sizeof(T) == 4) {  // what is below kExpRange counts nothing beside the largest's 1
    const auto least = hn::Set(d, -kExpRange);
    auto nan = hn::IsNaN(least);
    Lanewise<T>(n, [&](int64_t, const auto& load, const auto&, auto mask) {
      const auto off = hn::Sub(load(x), shift);
      nan = hn::Or(nan, hn::IsNaN(off));
      total.add(hn::IfThenElseZero(mask, ExpInside(d, hn::Max(off, least))));
    });
    if (!hn::AllFalse(d, nan)) return std::numeric_limits<T>::quiet_NaN();
  } else {
    Lanewise<T>(n, [&](int64_t, const auto& load, const auto&, auto mask) {
      total.add(hn::IfThenElseZero(mask, SafeExp(d, hn::Sub(load(x), shift))));
    });
  }
  return Total(d, total.total());
}

template <class T>
double RowSum(int64_t n, const T* x) {
  return WideSum(n, [x](auto d, int64_t i) { return Widen(d, x + i); });
}

template <class T>
T Dot(int64_t n, const T* a, const T* b) {
  const hn::ScalableTag<T> d;
  auto total = hn::Zero(d);
  Lanewise<T>(
      n, [&](int64_t, const auto& load, const auto&, auto) { total = hn::MulAdd(load(a), load(b), total); });
  return Total(d, total);
}

template <class T>
void SoftmaxRow(int64_t n, const T* x, T* y) {
  if (n == 0) return;
  const hn::ScalableTag<T> d;
  const T most = RowMax(n, x);
  // everything masked: zeros; the maximum may have dropped a NaN, which stays one
  if (most == -std::numeric_limits<T>::infinity()) {
    const bool nan = std::any_of(x, x + n, [](T v) { return std::isnan(v); });
    std::fill_n(y, n, nan ? std::numeric_limits<T>::quiet_NaN() : T{0});
    return;
  }
  const auto scale = hn::Set(d, T{1} / RowExp(n, x, most, y));
  Map(n, y, y, [scale](auto v) { return hn::Mul(v, scale); });
}

template <class T>
void SoftmaxBackwardRow(int64_t n, const T* g, const T* y, T* dx) {
  const hn::ScalableTag<T> d;
  const auto mean = hn::Set(d, static_cast<T>(WideSum(n, [=](auto w, int64_t i) {
                              return hn::Mul(Widen(w, g + i), Widen(w, y + i));
                            })));
  Map2(n, g, y, dx, [mean](auto a, auto b) { return hn::Mul(b, hn::Sub(a, mean)); });
}

template <class T>
void LogSoftmaxRow(int64_t n, const T* x, T* y) {
  if (n == 0) return;
  const hn::ScalableTag<T> d;
  const T most = RowMax(n, x);
  const auto shift = hn::Set(d, most + std::log(RowSumExp(n, x, most)));
  Map(n, x, y, [shift](auto v) { return hn::Sub(v, shift); });
}

template <class T>
double LogSumExpKernel(int64_t n, const T* x, T most) {
  if (std::isinf(most))
    return static_cast<double>(std::any_of(x, x + n, [](T v) { return std::isnan(v); })
                                   ? std::numeric_limits<T>::quiet_NaN()
                                   : most);
  return static_cast<double>(most) + std::log(static_cast<double>(RowSumExp(n, x, most)));
}

template <class T>
T RowMaxKernel(int64_t n, const T* x) {
  return RowMax(n, x);
}

template <class T>
void BlockMaximaKernel(int64_t n, const T* x, T* maxima) {
  const hn::ScalableTag<T> d;
  const auto infinity = hn::Set(d, std::numeric_limits<T>::infinity()), floor = hn::Neg(infinity);
  for (int64_t first = 0; first < n; first += kMaximaBlock) {
    auto most = floor, other = floor;
    auto nan = hn::IsNaN(floor);
    Lanewise<T>(std::min(kMaximaBlock, n - first), [&](int64_t, const auto& load, const auto&, auto mask) {
      const auto v = hn::IfThenElse(mask, load(x + first), floor);
      nan = hn::Or(nan, hn::IsNaN(v));
      most = hn::Max(most, v);
      std::swap(most, other);
    });
    *maxima++ = hn::AllFalse(d, nan) ? Largest(d, hn::Max(most, other)) : std::numeric_limits<T>::quiet_NaN();
  }
}

// Four vectors at a time, as a hit is rare.
template <class T>
int64_t FindAboveKernel(int64_t n, const T* x, T threshold) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto level = hn::Set(d, threshold);
  const auto above = [&](int64_t i) { return hn::Not(hn::Le(hn::LoadU(d, x + i), level)); };
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const auto any =
        hn::Or(hn::Or(above(i), above(i + lanes)), hn::Or(above(i + 2 * lanes), above(i + 3 * lanes)));
    if (!hn::AllFalse(d, any)) break;
  }
  for (; i + lanes <= n; i += lanes) {
    const auto first = hn::FindFirstTrue(d, above(i));
    if (first >= 0) return i + static_cast<int64_t>(first);
  }
  for (; i < n; ++i) {
    if (!(x[i] <= threshold)) return i;
  }
  return n;
}

template <class T>
void LogSoftmaxBackwardRow(int64_t n, const T* g, const T* y, T* dx) {
  const hn::ScalableTag<T> d;
  const auto total = hn::Set(d, static_cast<T>(RowSum(n, g)));
  Map2(n, g, y, dx, [d, total](auto a, auto b) { return hn::NegMulAdd(SafeExp(d, b), total, a); });
}

template <class T>
struct LargestAndSum {
  T most;  // which may drop a NaN
  T sum;
};
// Of x + bias [n], which goes to y; of x where bias is null.
template <class T>
LargestAndSum<T> AddBias(int64_t n, const T* x, const T* bias, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto floor = hn::Set(d, -std::numeric_limits<T>::infinity());
  auto first = floor, second = floor;
  BlockedSum<decltype(d)> total(d);
  const auto at = [&](int64_t i) HWY_ATTR {
    auto v = hn::LoadU(d, x + i);
    if (bias) {
      v = hn::Add(v, hn::LoadU(d, bias + i));
      hn::StoreU(v, d, y + i);
    }
    return v;
  };
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto a = at(i), b = at(i + lanes);
    first = hn::Max(first, a);
    second = hn::Max(second, b);
    total.add(hn::Add(a, b));
  }
  LargestAndSum<T> result{Largest(d, hn::Max(first, second)), Total(d, total.total())};
  for (; i < n; ++i) {
    T v = x[i];
    if (bias) v = y[i] = v + bias[i];
    result.most = std::max(result.most, v);
    result.sum += v;
  }
  return result;
}

// loss = log sum exp(x) - (1 - s) x_target - s/n sum x;   d = softmax(x) - (1 - s) [target] - s/n (Szegedy et
// al. 2016, sec. 7), x with a bias or without, which takes the place of `biased`
template <class T>
double CrossEntropyRow(int64_t n, const T* x, const T* bias, int64_t target, double smoothing, T* biased,
                       T* gradient) {
  const hn::ScalableTag<T> d;
  const auto [most, sum] = AddBias(n, x, bias, biased);
  if (bias) x = biased;
  const T at_target = x[target];
  const double wide = smoothing > 0 && !std::isfinite(sum) ? RowSum(n, x) : static_cast<double>(sum),
               mean = smoothing > 0 ? wide / static_cast<double>(n) : 0.0;
  T total;
  if (gradient) {
    total = RowExp(n, x, most, gradient);
    const auto scale = hn::Set(d, T{1} / total),
               shift = hn::Set(d, static_cast<T>(-smoothing / static_cast<double>(n)));
    Map(n, gradient, gradient, [=](auto v) { return hn::MulAdd(v, scale, shift); });
    gradient[target] -= static_cast<T>(1 - smoothing);
  } else {
    total = RowSumExp(n, x, most);
  }
  return static_cast<double>(most) + std::log(static_cast<double>(total)) -
         (1 - smoothing) * static_cast<double>(at_target) - smoothing * mean;
}

// Sums over i of (x_i - mean)^2, and of g_i (x_i - mean), in double.
template <class T>
double SquaredDistanceKernel(int64_t n, const T* x, double mean) {
  return WideSum(n, [=](auto d, int64_t i) {
    const auto off = hn::Sub(Widen(d, x + i), hn::Set(d, mean));
    return hn::Mul(off, off);
  });
}
template <class T>
double CentredDotKernel(int64_t n, const T* g, const T* x, double mean) {
  return WideSum(n, [=](auto d, int64_t i) {
    return hn::Mul(Widen(d, g + i), hn::Sub(Widen(d, x + i), hn::Set(d, mean)));
  });
}

// stats: the mean, what of it T's precision leaves over, and 1 / sqrt(var + eps), var without Bessel's
// correction. A row is centred by both parts of the mean: x - mean is then right to the last bits where the
// mean is large beside the spread.
template <class T>
void LayerNormRow(int64_t n, const T* x, const T* gain, const T* bias, double eps, T* y, T* stats) {
  const hn::ScalableTag<T> d;
  const double mean = RowSum(n, x) / static_cast<double>(n);
  stats[0] = static_cast<T>(mean);
  stats[1] = static_cast<T>(mean - static_cast<double>(stats[0]));
  const double squares = SquaredDistanceKernel(n, x, mean);
  stats[2] = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(n) + eps));
  const auto centre = hn::Set(d, stats[0]), rest = hn::Set(d, stats[1]), scale = hn::Set(d, stats[2]);
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
    store(hn::MulAdd(hn::Mul(hn::Sub(hn::Sub(load(x), centre), rest), scale), load(gain), load(bias)), y);
  });
}

// With h = (x - mean) r and k = g gain: dx = r (k - mean(k) - h mean(k h)); dgain += g h, dbias += g. Several
// rows at a time share what is read and written of gain, dgain and dbias, and wait less for their sums.
template <class T, int kRows>
void LayerNormBackwardTogether(int64_t n, const T* g, const T* x, const T* gain, const T* stats, T* dx,
                               T* dgain, T* dbias) {
  const hn::ScalableTag<T> d;
  using D = decltype(d);
  using V = hn::Vec<D>;
  const auto centred = [&](int r, V value) {
    return hn::Sub(hn::Sub(value, hn::Set(d, stats[3 * r])), hn::Set(d, stats[3 * r + 1]));
  };
  CarriedSum<D> sum_k[kRows], sum_kh[kRows];
  const int64_t block = kSummedTogether * static_cast<int64_t>(hn::Lanes(d));
  for (int64_t begin = 0; begin < n; begin += block) {
    V k_sums[kRows], kh_sums[kRows];
    for (int r = 0; r < kRows; ++r) k_sums[r] = kh_sums[r] = hn::Zero(d);
    Lanewise<T>(std::min(block, n - begin), [&](int64_t, const auto& load, const auto& store, auto mask) {
      const V factor = load(gain + begin);
      V to_gain = load(dgain + begin), to_bias = load(dbias + begin);
      for (int r = 0; r < kRows; ++r) {
        const V gradient = load(g + r * n + begin), k = hn::Mul(gradient, factor);
        const V h = hn::IfThenElseZero(
            mask, hn::Mul(centred(r, load(x + r * n + begin)), hn::Set(d, stats[3 * r + 2])));
        k_sums[r] = hn::Add(k_sums[r], k);
        kh_sums[r] = hn::MulAdd(k, h, kh_sums[r]);
        to_gain = hn::MulAdd(gradient, h, to_gain);
        to_bias = hn::Add(to_bias, gradient);
      }
      store(to_gain, dgain + begin);
      store(to_bias, dbias + begin);
    });
    for (int r = 0; r < kRows; ++r) {
      sum_k[r].add(k_sums[r]);
      sum_kh[r].add(kh_sums[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    const V scale = hn::Set(d, stats[3 * r + 2]),
            mean_k = hn::Set(d, Total(d, sum_k[r].total()) / static_cast<T>(n)),
            mean_kh = hn::Set(d, Total(d, sum_kh[r].total()) / static_cast<T>(n));
    Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
      const V h = hn::Mul(centred(r, load(x + r * n)), scale), k = hn::Mul(load(g + r * n), load(gain));
      store(hn::Mul(scale, hn::Sub(hn::Sub(k, mean_k), hn::Mul(h, mean_kh))), dx + r * n);
    });
  }
}

template <class T>
void LayerNormBackwardRows(int64_t rows, int64_t n, const T* g, const T* x, const T* gain, const T* stats,
                           T* dx, T* dgain, T* dbias) {
  constexpr int kTogether = HWY_TARGET <= HWY_AVX3 ? 4 : 2;
  int64_t r = 0;
  for (; r + kTogether <= rows; r += kTogether)
    LayerNormBackwardTogether<T, kTogether>(n, g + r * n, x + r * n, gain, stats + 3 * r, dx + r * n, dgain,
                                            dbias);
  for (; r < rows; ++r)
    LayerNormBackwardTogether<T, 1>(n, g + r * n, x + r * n, gain, stats + 3 * r, dx + r * n, dgain, dbias);
}

template <class T>
void LstmGatesRow(int64_t H, T* gates, const T* c_prev, T* c, T* h) {
  const hn::ScalableTag<T> d;
  Lanewise<T>(H, [&](int64_t, const auto& load, const auto& store, auto) {
    const auto i = SafeSigmoid(d, load(gates)), f = SafeSigmoid(d, load(gates + H)),
               o = SafeSigmoid(d, load(gates + 3 * H));
    const auto candidate = SafeTanh(d, load(gates + 2 * H));
    auto cell = hn::Mul(i, candidate);
    if (c_prev) cell = hn::MulAdd(f, load(c_prev), cell);
    store(i, gates);
    store(f, gates + H);
    store(candidate, gates + 2 * H);
    store(o, gates + 3 * H);
    store(cell, c);
    store(hn::Mul(o, SafeTanh(d, cell)), h);
  });
}

template <class T>
void LstmGatesBackwardRow(int64_t H, T* gates, const T* c_prev, const T* c, const T* dh, T* dc) {
  const hn::ScalableTag<T> d;
  const auto one = hn::Set(d, T{1});
  Lanewise<T>(H, [&](int64_t, const auto& load, const auto& store, auto) {
    const auto i = load(gates), f = load(gates + H), candidate = load(gates + 2 * H), o = load(gates + 3 * H);
    const auto t = SafeTanh(d, load(c)), g = load(dh);
    const auto dcell = hn::MulAdd(hn::Mul(g, o), hn::NegMulAdd(t, t, one), load(dc));
    const auto before = c_prev ? load(c_prev) : hn::Zero(d);
    store(hn::Mul(hn::Mul(dcell, candidate), hn::Mul(i, hn::Sub(one, i))), gates);
    store(hn::Mul(hn::Mul(dcell, before), hn::Mul(f, hn::Sub(one, f))), gates + H);
    store(hn::Mul(hn::Mul(dcell, i), hn::NegMulAdd(candidate, candidate, one)), gates + 2 * H);
    store(hn::Mul(hn::Mul(g, t), hn::Mul(o, hn::Sub(one, o))), gates + 3 * H);
    store(hn::Mul(dcell, f), dc);
  });
}

template <class T>
void AdditiveEnergyKernel(int64_t length, int64_t A, const T* query, const T* keys, const T* v, T* energy) {
  const hn::ScalableTag<T> d;
  for (int64_t s = 0; s < length; ++s) {
    const T* key = keys + s * A;
    auto total = hn::Zero(d);
    Lanewise<T>(A, [&](int64_t, const auto& load, const auto&, auto) {
      total = hn::MulAdd(load(v), SafeTanh(d, hn::Add(load(query), load(key))), total);
    });
    energy[s] = Total(d, total);
  }
}

template <class T>
void AdditiveEnergyBackwardKernel(int64_t length, int64_t A, const T* query, const T* keys, const T* v,
                                  const T* g, T* dquery, T* dkeys, T* dv) {
  const hn::ScalableTag<T> d;
  const auto one = hn::Set(d, T{1});
  for (int64_t s = 0; s < length; ++s) {
    const T* key = keys + s * A;
    T* dkey = dkeys + s * A;
    const auto ge = hn::Set(d, g[s]);
    Lanewise<T>(A, [&](int64_t, const auto& load, const auto& store, auto) {
      const auto t = SafeTanh(d, hn::Add(load(query), load(key)));
      const auto dsum = hn::Mul(hn::Mul(ge, load(v)), hn::NegMulAdd(t, t, one));
      store(hn::Add(load(dquery), dsum), dquery);
      store(hn::Add(load(dkey), dsum), dkey);
      store(hn::MulAdd(ge, t, load(dv)), dv);
    });
  }
}

// y = sum over s of w[s] row_of(s), four vectors of y at a time.
template <class T, class RowOf>
void MixRows(int64_t n, int64_t D, const T* w, const RowOf& row_of, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t j = 0;
  for (; j + 4 * lanes <= D; j += 4 * lanes) {
    auto t0 = hn::Zero(d), t1 = t0, t2 = t0, t3 = t0;
    for (int64_t s = 0; s < n; ++s) {
      const auto weight = hn::Set(d, w[s]);
      const T* const row = row_of(s) + j;
      t0 = hn::MulAdd(weight, hn::LoadU(d, row), t0);
      t1 = hn::MulAdd(weight, hn::LoadU(d, row + lanes), t1);
      t2 = hn::MulAdd(weight, hn::LoadU(d, row + 2 * lanes), t2);
      t3 = hn::MulAdd(weight, hn::LoadU(d, row + 3 * lanes), t3);
    }
    hn::StoreU(t0, d, y + j);
    hn::StoreU(t1, d, y + j + lanes);
    hn::StoreU(t2, d, y + j + 2 * lanes);
    hn::StoreU(t3, d, y + j + 3 * lanes);
  }
  Lanewise<T>(D - j, [&](int64_t, const auto& load, const auto& store, auto) {
    auto total = hn::Zero(d);
    for (int64_t s = 0; s < n; ++s) total = hn::MulAdd(hn::Set(d, w[s]), load(row_of(s) + j), total);
    store(total, y + j);
  });
}

template <class T>
void WeightedSumKernel(int64_t n, int64_t D, const T* w, const T* x, T* y) {
  MixRows(
      n, D, w, [=](int64_t s) { return x + s * D; }, y);
}

template <class T>
void DotRowsKernel(int64_t n, int64_t D, const T* x, const T* y, T* w) {
  for (int64_t s = 0; s < n; ++s) w[s] = Dot(D, x + s * D, y);
}

template <class T>
void AddOuterKernel(int64_t n, int64_t D, const T* w, const T* y, T* x) {
  const hn::ScalableTag<T> d;
  for (int64_t s = 0; s < n; ++s) {
    const auto weight = hn::Set(d, w[s]);
    Map2(D, y, x + s * D, x + s * D, [weight](auto a, auto b) { return hn::MulAdd(weight, a, b); });
  }
}

template <class T>
void AddRowKernel(int64_t D, const T* g, T* into) {
  Map2(D, g, into, into, [](auto a, auto b) { return hn::Add(a, b); });
}

// into[i] += x[r, i] over the rows, in double; some rows between one load of `into` and its store. The rows
// that come next are asked for a line at a time: rows a power of two apart share sets of the cache, which
// does not hold more of them.
template <class T>
void AddRowsWideKernel(int64_t rows, int64_t n, const T* x, int64_t stride, double* into) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  constexpr int64_t kLine = 64 / sizeof(T);
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t r = 0;
  const auto add = [&](auto tag, int64_t i, auto count) HWY_ATTR {
    auto total = hn::LoadU(tag, into + i);
    for (int64_t k = 0; k < count(); ++k) total = hn::Add(total, Widen(tag, x + k * stride + i));
    hn::StoreU(total, tag, into + i);
  };
  const auto rows_of = [&](auto count) HWY_ATTR {
    for (; r + count() <= rows; r += count(), x += count() * stride) {
      int64_t i = 0;
      const int64_t step = std::max(kLine, lanes);
      for (; i + step <= n; i += step) {
        for (int64_t k = count(); count() > 1 && k < 2 * count(); ++k) hwy::Prefetch(x + k * stride + i);
        for (int64_t part = 0; part < step; part += lanes) add(d, i + part, count);
      }
      for (; i + lanes <= n; i += lanes) add(d, i, count);
      for (; i < n; ++i) add(one, i, count);
    }
  };
  rows_of(std::integral_constant<int64_t, 4>{});
  rows_of(std::integral_constant<int64_t, 1>{});
}

// into[i] += g[order[k] * D + i] over k, in this order and in double.
template <class T>
void AddChosenRowsKernel(int64_t count, const int64_t* order, int64_t D, const T* g, T* into) {
  if (count == 1) return AddRowKernel(D, g + order[0] * D, into);
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 4 * lanes <= D; i += 4 * lanes) {
    T* const to = into + i;
    auto first = Widen(d, to), second = Widen(d, to + lanes), third = Widen(d, to + 2 * lanes),
         fourth = Widen(d, to + 3 * lanes);
    for (int64_t k = 0; k < count; ++k) {
      const T* const row = g + order[k] * D + i;
      first = hn::Add(first, Widen(d, row));
      second = hn::Add(second, Widen(d, row + lanes));
      third = hn::Add(third, Widen(d, row + 2 * lanes));
      fourth = hn::Add(fourth, Widen(d, row + 3 * lanes));
    }
    StoreRounded(d, first, to);
    StoreRounded(d, second, to + lanes);
    StoreRounded(d, third, to + 2 * lanes);
    StoreRounded(d, fourth, to + 3 * lanes);
  }
  for (; i < D; ++i) {
    auto total = static_cast<double>(into[i]);
    for (int64_t k = 0; k < count; ++k) total += static_cast<double>(g[order[k] * D + i]);
    into[i] = static_cast<T>(total);
  }
}

template <class T>
void IndexedAttentionKernel(const IndexedRows<T>& rows, const T* query, int64_t heads, T* weights,
                            int64_t stride, T* context) {
  const int64_t d = rows.key_size / heads, e = rows.value_size / heads;
  const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(d)));
  for (int64_t j = 0; j < rows.count; ++j) {
    const T* const key = rows.keys + rows.index[j] * rows.ld_keys;
    for (int64_t h = 0; h < heads; ++h) weights[h * stride + j] = scale * Dot(d, query + h * d, key + h * d);
  }
  for (int64_t h = 0; h < heads; ++h) {
    T* const w = weights + h * stride;
    SoftmaxRow(rows.count, w, w);
    std::fill(w + rows.count, w + stride, T{0});
    const T* const values = rows.values + h * e;
    MixRows(
        rows.count, e, w, [&](int64_t j) { return values + rows.index[j] * rows.ld_values; },
        context + h * e);
  }
}

HEED_TYPED(SoftmaxRow)
HEED_TYPED(SoftmaxBackwardRow)
HEED_TYPED(LogSoftmaxRow)
HEED_TYPED(LogSoftmaxBackwardRow)
HEED_TYPED(LogSumExpKernel)
HEED_TYPED(RowMaxKernel)
HEED_TYPED(BlockMaximaKernel)
HEED_TYPED(FindAboveKernel)
HEED_TYPED(CrossEntropyRow)
HEED_TYPED(LayerNormRow)
HEED_TYPED(LayerNormBackwardRows)
HEED_TYPED(LstmGatesRow)
HEED_TYPED(LstmGatesBackwardRow)
HEED_TYPED(AdditiveEnergyKernel)
HEED_TYPED(AdditiveEnergyBackwardKernel)
HEED_TYPED(WeightedSumKernel)
HEED_TYPED(DotRowsKernel)
HEED_TYPED(AddOuterKernel)
HEED_TYPED(AddRowKernel)
HEED_TYPED(IndexedAttentionKernel)
HEED_TYPED(AddRowsWideKernel)
HEED_TYPED(AddChosenRowsKernel)
HEED_TYPED(SquaredDistanceKernel)
HEED_TYPED(CentredDotKernel)

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "framework/core/error.h"
#include "framework/core/stored_values.h"
#include "framework/kernels/simd/dispatch.h"

namespace heed::kernels {
HEED_EXPORT(SoftmaxRow)
HEED_EXPORT(SoftmaxBackwardRow)
HEED_EXPORT(LogSoftmaxRow)
HEED_EXPORT(LogSoftmaxBackwardRow)
HEED_EXPORT(LogSumExpKernel)
HEED_EXPORT(RowMaxKernel)
HEED_EXPORT(BlockMaximaKernel)
HEED_EXPORT(FindAboveKernel)
HEED_EXPORT(CrossEntropyRow)
HEED_EXPORT(LayerNormRow)
HEED_EXPORT(LayerNormBackwardRows)
HEED_EXPORT(LstmGatesRow)
HEED_EXPORT(LstmGatesBackwardRow)
HEED_EXPORT(AdditiveEnergyKernel)
HEED_EXPORT(AdditiveEnergyBackwardKernel)
HEED_EXPORT(WeightedSumKernel)
HEED_EXPORT(DotRowsKernel)
HEED_EXPORT(AddOuterKernel)
HEED_EXPORT(AddRowKernel)
HEED_EXPORT(IndexedAttentionKernel)
HEED_EXPORT(AddRowsWideKernel)
HEED_EXPORT(AddChosenRowsKernel)
HEED_EXPORT(SquaredDistanceKernel)
HEED_EXPORT(CentredDotKernel)

namespace {
// Rows of n values that a thread should get at least.
int64_t grain(int64_t n, int64_t values = 1 << 15) {
  n = std::max<int64_t>(n, 1);
  return (values + n - 1) / n;
}
}  // namespace

template <class T>
void softmax(int64_t rows, int64_t n, const T* x, const int64_t* lengths, int64_t rows_per_length, T* y) {
  parallel_for(rows, grain(n), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) {
      const int64_t used = lengths ? lengths[r / rows_per_length] : n;
      HEED_DISPATCH(SoftmaxRow)(used, x + r * n, y + r * n);
      std::fill_n(y + r * n + used, n - used, T{0});
    }
  });
}

template <class T>
void softmax_backward(int64_t rows, int64_t n, const T* g, const T* y, T* dx) {
  parallel_for(rows, grain(n), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) HEED_DISPATCH(SoftmaxBackwardRow)(n, g + r * n, y + r * n, dx + r * n);
  });
}

template <class T>
void log_softmax(int64_t rows, int64_t n, const T* x, T* y) {
  parallel_for(rows, grain(n), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) HEED_DISPATCH(LogSoftmaxRow)(n, x + r * n, y + r * n);
  });
}

template <class T>
void log_softmax_backward(int64_t rows, int64_t n, const T* g, const T* y, T* dx) {
  parallel_for(rows, grain(n), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) HEED_DISPATCH(LogSoftmaxBackwardRow)(n, g + r * n, y + r * n, dx + r * n);
  });
}

template <class T>
void layer_norm(int64_t rows, int64_t n, const T* x, const T* gain, const T* bias, double eps, T* y,
                T* stats) {
  parallel_for(rows, grain(n, 1 << 16), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r)
      HEED_DISPATCH(LayerNormRow)(n, x + r * n, gain, bias, eps, y + r * n, stats + 3 * r);
  });
}

template <class T>
void layer_norm_backward(int64_t rows, int64_t n, const T* g, const T* x, const T* gain, const T* stats,
                         T* dx, T* dgain, T* dbias) {
  // rows summed together: the bits do not depend on the thread count
  constexpr int64_t kRows = 16, kChunk = 128;
  const int64_t chunks = (rows + kChunk - 1) / kChunk;
  std::vector<double> parts(static_cast<size_t>(2 * chunks * n));
  parallel_for(chunks, 1, [&](int64_t b, int64_t e) {
    for (int64_t c = b; c < e; ++c) {
      double* const part = parts.data() + 2 * c * n;
      std::vector<T> few(static_cast<size_t>(2 * n));  // the sums over kRows rows in T, over more in double
      for (int64_t r = c * kChunk, end = std::min(rows, (c + 1) * kChunk); r < end; r += kRows) {
        HEED_DISPATCH(LayerNormBackwardRows)
        (std::min(kRows, end - r), n, g + r * n, x + r * n, gain, stats + 3 * r, dx + r * n, few.data(),
         few.data() + n);
        add_rows_wide(1, 2 * n, few.data(), 2 * n, part);
        std::fill(few.begin(), few.end(), T{0});
      }
    }
  });
  std::vector<double> total(static_cast<size_t>(2 * n));
  add_rows_wide(chunks, 2 * n, parts.data(), 2 * n, total.data());
  for (int64_t i = 0; i < n; ++i) {
    dgain[i] = static_cast<T>(total[static_cast<size_t>(i)]);
    dbias[i] = static_cast<T>(total[static_cast<size_t>(n + i)]);
  }
}

template <class T>
CrossEntropySum cross_entropy(int64_t rows, int64_t n, const T* logits, const int64_t* targets,
                              int64_t ignored, double smoothing, T* gradient, const T* bias) {
  CrossEntropySum result;
  for (int64_t r = 0; r < rows; ++r) {
    if (targets[r] == ignored) continue;
    ++result.rows;
    if (targets[r] < 0 || targets[r] >= n) {
      throw IndexError("cross_entropy", fmt::format("target {} out of range for {} classes", targets[r], n));
    }
  }
  std::vector<double> losses(static_cast<size_t>(rows));
  parallel_for(rows, grain(n), [&](int64_t b, int64_t e) {
    std::vector<T> biased(bias && !gradient ? static_cast<size_t>(n) : 0);
    for (int64_t r = b; r < e; ++r) {
      T* const row = gradient ? gradient + r * n : nullptr;
      if (targets[r] == ignored) {
        if (row) std::fill_n(row, n, T{0});
        continue;
      }
      // the bias here, where the row is in cache, and not before the product, where it would be a pass over
      // memory
      losses[static_cast<size_t>(r)] = HEED_DISPATCH(CrossEntropyRow)(
          n, logits + r * n, bias, targets[r], smoothing, row ? row : biased.data(), row);
    }
  });
  for (const double loss : losses) result.loss += loss;
  return result;
}

template <class T>
void lstm_gates(int64_t rows, int64_t H, T* gates, const T* c_prev, T* c, T* h) {
  parallel_for(rows, grain(8 * H), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) {
      HEED_DISPATCH(LstmGatesRow)
      (H, gates + r * 4 * H, c_prev ? c_prev + r * H : nullptr, c + r * H, h + r * H);
    }
  });
}

template <class T>
void lstm_gates_backward(int64_t rows, int64_t H, T* gates, const T* c_prev, const T* c, const T* dh, T* dc) {
  parallel_for(rows, grain(8 * H), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) {
      HEED_DISPATCH(LstmGatesBackwardRow)
      (H, gates + r * 4 * H, c_prev ? c_prev + r * H : nullptr, c + r * H, dh + r * H, dc + r * H);
    }
  });
}

template <class T>
double log_sum_exp(int64_t n, const T* x, T most) {
  return HEED_DISPATCH(LogSumExpKernel)(n, x, most);
}
template <class T>
T row_maximum(int64_t n, const T* x) {
  return HEED_DISPATCH(RowMaxKernel)(n, x);
}
template <class T>
void block_maxima(int64_t n, const T* x, T* maxima) {
  HEED_DISPATCH(BlockMaximaKernel)(n, x, maxima);
}
template <class T>
int64_t find_above(int64_t n, const T* x, T threshold) {
  return HEED_DISPATCH(FindAboveKernel)(n, x, threshold);
}

template <class T>
void additive_energy(int64_t length, int64_t A, const T* query, const T* keys, const T* v, T* energy) {
  HEED_DISPATCH(AdditiveEnergyKernel)(length, A, query, keys, v, energy);
}
template <class T>
void additive_energy_backward(int64_t length, int64_t A, const T* query, const T* keys, const T* v,
                              const T* g, T* dquery, T* dkeys, T* dv) {
  HEED_DISPATCH(AdditiveEnergyBackwardKernel)(length, A, query, keys, v, g, dquery, dkeys, dv);
}
template <class T>
void weighted_sum(int64_t n, int64_t D, const T* w, const T* x, T* y) {
  HEED_DISPATCH(WeightedSumKernel)(n, D, w, x, y);
}
template <class T>
void dot_rows(int64_t n, int64_t D, const T* x, const T* y, T* w) {
  HEED_DISPATCH(DotRowsKernel)(n, D, x, y, w);
}
template <class T>
void add_outer(int64_t n, int64_t D, const T* w, const T* y, T* x) {
  HEED_DISPATCH(AddOuterKernel)(n, D, w, y, x);
}

template <class T>
void indexed_attention(const IndexedRows<T>& rows, const T* query, int64_t heads, T* weights, int64_t stride,
                       T* context) {
  HEED_DISPATCH(IndexedAttentionKernel)(rows, query, heads, weights, stride, context);
}

template <class T>
void add_row(int64_t D, const T* x, T* y) {
  HEED_DISPATCH(AddRowKernel)(D, x, y);
}

template <class T>
void add_rows_wide(int64_t rows, int64_t n, const T* x, int64_t stride, double* into) {
  HEED_DISPATCH(AddRowsWideKernel)(rows, n, x, stride, into);
}

template <class T>
double squared_distance(int64_t n, const T* x, double mean) {
  return HEED_DISPATCH(SquaredDistanceKernel)(n, x, mean);
}

template <class T>
double centred_dot(int64_t n, const T* g, const T* x, double mean) {
  return HEED_DISPATCH(CentredDotKernel)(n, g, x, mean);
}

static void require_rows(const char* op, int64_t n, const int64_t* ids, int64_t rows) {
  for (int64_t i = 0; i < n; ++i) {
    if (ids[i] < 0 || ids[i] >= rows)
      throw IndexError(op, fmt::format("index {} out of range for {} rows", ids[i], rows));
  }
}

template <class Rows>
static void restore_rows(const char* op, int64_t n, const int64_t* ids, const Rows& table, float* y) {
  require_rows(op, n, ids, table.rows);
  parallel_for(n, grain(table.columns), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) table.restore(ids[i], y + i * table.columns);
  });
}
void gather_rows(const char* op, int64_t n, const int64_t* ids, const QuantisedRows& table, float* y) {
  restore_rows(op, n, ids, table, y);
}
void gather_rows(const char* op, int64_t n, const int64_t* ids, const Bf16Rows& table, float* y) {
  restore_rows(op, n, ids, table, y);
}

template <class T>
void gather_rows(const char* op, int64_t n, const int64_t* ids, int64_t rows, int64_t D, const T* table,
                 T* y) {
  require_rows(op, n, ids, rows);
  parallel_for(n, grain(D), [&](int64_t b, int64_t e) {
    take_rows(e - b, ids + b, D * static_cast<int64_t>(sizeof(T)), table, y + b * D);
  });
}

namespace {
// The numbers 0..n - 1 by the id that each has, equal ones in their order.
std::vector<int64_t> by_id(int64_t n, const int64_t* ids, int64_t rows) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  if (rows > 16 * n) {
    std::iota(order.begin(), order.end(), int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return ids[a] < ids[b]; });
    return order;
  }
  std::vector<int64_t> next(static_cast<size_t>(rows) + 1);  // where the next number with an id goes
  for (int64_t i = 0; i < n; ++i) ++next[static_cast<size_t>(ids[i]) + 1];
  for (size_t id = 1; id < next.size(); ++id) next[id] += next[id - 1];
  for (int64_t i = 0; i < n; ++i) order[static_cast<size_t>(next[static_cast<size_t>(ids[i])]++)] = i;
  return order;
}
}  // namespace

template <class T>
void scatter_add_rows(int64_t n, const int64_t* ids, int64_t rows, int64_t D, const T* g, T* table) {
  const std::vector<int64_t> order = by_id(n, ids, rows);
  parallel_for(n, grain(D), [&](int64_t b, int64_t e) {
    // A range owns the groups of equal ids that begin in it.
    const auto id = [&](int64_t i) { return ids[order[static_cast<size_t>(i)]]; };
    while (b > 0 && b < n && id(b) == id(b - 1)) ++b;
    while (e < n && id(e) == id(e - 1)) ++e;
    for (int64_t i = b, next = b; i < e; i = next) {
      for (next = i + 1; next < e && id(next) == id(i);) ++next;
      HEED_DISPATCH(AddChosenRowsKernel)(next - i, order.data() + i, D, g, table + id(i) * D);
    }
  });
}

#define HEED_INSTANTIATE(T)                                                                                \
  template void softmax(int64_t, int64_t, const T*, const int64_t*, int64_t, T*);                          \
  template void softmax_backward(int64_t, int64_t, const T*, const T*, T*);                                \
  template void log_softmax(int64_t, int64_t, const T*, T*);                                               \
  template void log_softmax_backward(int64_t, int64_t, const T*, const T*, T*);                            \
  template double log_sum_exp(int64_t, const T*, T);                                                       \
  template T row_maximum(int64_t, const T*);                                                               \
  template void block_maxima(int64_t, const T*, T*);                                                       \
  template int64_t find_above(int64_t, const T*, T);                                                       \
  template void layer_norm(int64_t, int64_t, const T*, const T*, const T*, double, T*, T*);                \
  template void layer_norm_backward(int64_t, int64_t, const T*, const T*, const T*, const T*, T*, T*, T*); \
  template CrossEntropySum cross_entropy(int64_t, int64_t, const T*, const int64_t*, int64_t, double, T*,  \
                                         const T*);                                                        \
  template void lstm_gates(int64_t, int64_t, T*, const T*, T*, T*);                                        \
  template void lstm_gates_backward(int64_t, int64_t, T*, const T*, const T*, const T*, T*);               \
  template void additive_energy(int64_t, int64_t, const T*, const T*, const T*, T*);                       \
  template void additive_energy_backward(int64_t, int64_t, const T*, const T*, const T*, const T*, T*, T*, \
                                         T*);                                                              \
  template void weighted_sum(int64_t, int64_t, const T*, const T*, T*);                                    \
  template void dot_rows(int64_t, int64_t, const T*, const T*, T*);                                        \
  template void add_outer(int64_t, int64_t, const T*, const T*, T*);                                       \
  template void indexed_attention(const IndexedRows<T>&, const T*, int64_t, T*, int64_t, T*);              \
  template void add_row(int64_t, const T*, T*);                                                            \
  template void add_rows_wide(int64_t, int64_t, const T*, int64_t, double*);                               \
  template double squared_distance(int64_t, const T*, double);                                             \
  template double centred_dot(int64_t, const T*, const T*, double);                                        \
  template void gather_rows(const char*, int64_t, const int64_t*, int64_t, int64_t, const T*, T*);         \
  template void scatter_add_rows(int64_t, const int64_t*, int64_t, int64_t, const T*, T*);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)

}  // namespace heed::kernels
#endif
