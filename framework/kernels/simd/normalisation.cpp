// Batch normalisation, a channel at a time, and group normalisation, a group of an image at a time: sums in
// double, then values.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/normalisation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "framework/core/parallel.h"
#include "framework/kernels/simd/dispatch.h"
#include "framework/kernels/simd/math-inl.h"
#include "framework/kernels/spatial.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sum of f(d, i), a vector of double of the elements from i on, over channel c of all images.
template <class F>
double ChannelSum(const BatchNormSizes& s, int64_t c, const F& f) {
  WideTotal total;
  for (int64_t b = 0; b < s.batch; ++b) {
    const int64_t begin = (b * s.channels + c) * s.n;
    total.add(begin, begin + s.n, f);
  }
  return total.value();
}

// A mean in two parts: as a T, and what that leaves of it.
template <class T>
struct Centre {
  T first, rest;
  explicit Centre(double mean)
      : first(static_cast<T>(mean)), rest(static_cast<T>(mean - static_cast<double>(first))) {}
};

template <class T>
void BatchNormKernel(const BatchNormSizes& s, int64_t c, const T* x, T gain, T bias, T* y, double* mean,
                     double* variance) {
  const auto count = static_cast<double>(s.batch * s.n);
  const double middle = ChannelSum(s, c, [x](auto d, int64_t i) { return Widen(d, x + i); }) / count;
  const double spread = ChannelSum(s, c,
                                   [x, middle](auto d, int64_t i) {
                                     const auto off = hn::Sub(Widen(d, x + i), hn::Set(d, middle));
                                     return hn::Mul(off, off);
                                   }) /
                        count;
  const hn::ScalableTag<T> d;
  const Centre<T> centre(middle);
  const auto first = hn::Set(d, centre.first), rest = hn::Set(d, centre.rest),
             scale = hn::Set(d, static_cast<T>(static_cast<double>(gain) / std::sqrt(spread + s.eps))),
             shift = hn::Set(d, bias);
  for (int64_t b = 0; b < s.batch; ++b) {
    const int64_t begin = (b * s.channels + c) * s.n;
    Lanewise<T>(s.n, [&](int64_t, const auto& load, const auto& store, auto) {
      store(hn::MulAdd(hn::Sub(hn::Sub(load(x + begin), first), rest), scale, shift), y + begin);
    });
  }
  mean[c] = middle;
  variance[c] = spread;
}

template <class T>
void BatchNormBackwardKernel(const BatchNormSizes& s, int64_t c, const T* g, const T* x, T gain, double mean,
                             double variance, T* dx, T* dgain, T* dbias) {
  const auto count = static_cast<double>(s.batch * s.n);
  const double deviation = 1 / std::sqrt(variance + s.eps);
  const double along = ChannelSum(s, c, [g, x, mean](auto d, int64_t i) {
    return hn::Mul(Widen(d, g + i), hn::Sub(Widen(d, x + i), hn::Set(d, mean)));
  });
  const double total = ChannelSum(s, c, [g](auto d, int64_t i) { return Widen(d, g + i); });
  dgain[c] = static_cast<T>(along * deviation);
  dbias[c] = static_cast<T>(total);
  const hn::ScalableTag<T> d;
  const Centre<T> centre(mean);
  // slope is of the normalised input, which is near 1 where x and 1 / x^2 are not
  const auto first = hn::Set(d, centre.first), rest = hn::Set(d, centre.rest),
             scale = hn::Set(d, static_cast<T>(deviation)),
             outer = hn::Set(d, static_cast<T>(deviation * static_cast<double>(gain))),
             even = hn::Set(d, static_cast<T>(total / count)),
             slope = hn::Set(d, static_cast<T>(along * deviation / count));
  for (int64_t b = 0; b < s.batch; ++b) {
    const int64_t begin = (b * s.channels + c) * s.n;
    Lanewise<T>(s.n, [&](int64_t, const auto& load, const auto& store, auto) {
      const auto normal = hn::Mul(hn::Sub(hn::Sub(load(x + begin), first), rest), scale);
      store(hn::Mul(outer, hn::NegMulAdd(normal, slope, hn::Sub(load(g + begin), even))), dx + begin);
    });
  }
}

// Statistics of a group, [channels, n] in one piece, and its values; gain and bias from its first channel on,
// or null.
template <class T>
void GroupNormKernel(const GroupNormSizes& s, const T* x, const T* gain, const T* bias, T* y, double* mean,
                     double* variance) {
  const int64_t size = s.channels * s.n;
  const auto count = static_cast<double>(size);
  const double middle = WideSum(size, [x](auto d, int64_t i) { return Widen(d, x + i); }) / count;
  const double spread = WideSum(size,
                                [x, middle](auto d, int64_t i) {
                                  const auto off = hn::Sub(Widen(d, x + i), hn::Set(d, middle));
                                  return hn::Mul(off, off);
                                }) /
                        count;
  const double deviation = 1 / std::sqrt(spread + s.eps);
  const hn::ScalableTag<T> d;
  const Centre<T> centre(middle);
  const auto first = hn::Set(d, centre.first), rest = hn::Set(d, centre.rest),
             scale = hn::Set(d, static_cast<T>(deviation));
  for (int64_t c = 0; c < s.channels; ++c) {
    const auto factor = hn::Set(d, gain ? gain[c] : T{1}), shift = hn::Set(d, bias ? bias[c] : T{0});
    Lanewise<T>(s.n, [&](int64_t, const auto& load, const auto& store, auto) {
      const auto normal = hn::Mul(hn::Sub(hn::Sub(load(x + c * s.n), first), rest), scale);
      store(hn::MulAdd(normal, factor, shift), y + c * s.n);
    });
  }
  *mean = middle;
  *variance = spread;
}

// dgain and dbias are those of this image.
template <class T>
void GroupNormBackwardKernel(const GroupNormSizes& s, const T* g, const T* x, const T* gain, double mean,
                             double variance, T* dx, double* dgain, double* dbias) {
  const auto count = static_cast<double>(s.channels * s.n);
  const double deviation = 1 / std::sqrt(variance + s.eps);
  double mean_k = 0, mean_kh = 0;
  for (int64_t c = 0; c < s.channels; ++c) {
    const T *const slope = g + c * s.n, *const in = x + c * s.n;
    dgain[c] = deviation * WideSum(s.n, [slope, in, mean](auto d, int64_t i) {
                 return hn::Mul(Widen(d, slope + i), hn::Sub(Widen(d, in + i), hn::Set(d, mean)));
               });
    dbias[c] = WideSum(s.n, [slope](auto d, int64_t i) { return Widen(d, slope + i); });
    const double factor = gain ? static_cast<double>(gain[c]) : 1.0;
    mean_k += factor * dbias[c] / count;
    mean_kh += factor * dgain[c] / count;
  }
  const hn::ScalableTag<T> d;
  const Centre<T> centre(mean);
  const auto first = hn::Set(d, centre.first), rest = hn::Set(d, centre.rest),
             scale = hn::Set(d, static_cast<T>(deviation)), even = hn::Set(d, static_cast<T>(mean_k)),
             along = hn::Set(d, static_cast<T>(mean_kh));
  for (int64_t c = 0; c < s.channels; ++c) {
    const auto factor = hn::Set(d, gain ? gain[c] : T{1});
    Lanewise<T>(s.n, [&](int64_t, const auto& load, const auto& store, auto) {
      const auto normal = hn::Mul(hn::Sub(hn::Sub(load(x + c * s.n), first), rest), scale);
      const auto k = hn::MulSub(load(g + c * s.n), factor, even);
      store(hn::Mul(scale, hn::NegMulAdd(normal, along, k)), dx + c * s.n);
    });
  }
}

HEED_TYPED(BatchNormKernel)
HEED_TYPED(GroupNormKernel)
HEED_TYPED(GroupNormBackwardKernel)
HEED_TYPED(BatchNormBackwardKernel)

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heed::kernels {
HEED_EXPORT(BatchNormKernel)
HEED_EXPORT(GroupNormKernel)
HEED_EXPORT(GroupNormBackwardKernel)
HEED_EXPORT(BatchNormBackwardKernel)

namespace {

// Calls f(c) for each channel; a channel belongs to one thread, so that the sums do not depend on their
// number.
template <class F>
void each_channel(const BatchNormSizes& s, const F& f) {
  parallel_for(s.channels, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, s.batch * s.n)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t c = begin; c < end; ++c) f(c);
               });
}

// Calls f(group of all images, its first element, its first channel, that of all images) for each group.
template <class F>
void each_group(const GroupNormSizes& s, const F& f) {
  const int64_t size = s.channels * s.n;
  parallel_for(s.batch * s.groups, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, size)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i)
                   f(i, i * size, i % s.groups * s.channels, i * s.channels);
               });
}

}  // namespace

template <class T>
void batch_norm(const BatchNormSizes& s, const T* x, const T* gain, const T* bias, T* y, double* mean,
                double* variance) {
  each_channel(s, [&](int64_t c) {
    HEED_DISPATCH(BatchNormKernel)(s, c, x, gain[c], bias[c], y, mean, variance);
  });
}

template <class T>
void batch_norm_backward(const BatchNormSizes& s, const T* g, const T* x, const T* gain, const double* mean,
                         const double* variance, T* dx, T* dgain, T* dbias) {
  each_channel(s, [&](int64_t c) {
    HEED_DISPATCH(BatchNormBackwardKernel)(s, c, g, x, gain[c], mean[c], variance[c], dx, dgain, dbias);
  });
}

template <class T>
void group_norm(const GroupNormSizes& s, const T* x, const T* gain, const T* bias, T* y, double* mean,
                double* variance) {
  each_group(s, [&](int64_t group, int64_t first, int64_t channel, int64_t) {
    HEED_DISPATCH(GroupNormKernel)
    (s, x + first, gain ? gain + channel : gain, bias ? bias + channel : bias, y + first, mean + group,
     variance + group);
  });
}

template <class T>
void group_norm_backward(const GroupNormSizes& s, const T* g, const T* x, const T* gain, const double* mean,
                         const double* variance, T* dx, double* dgain, double* dbias) {
  each_group(s, [&](int64_t group, int64_t first, int64_t channel, int64_t all) {
    HEED_DISPATCH(GroupNormBackwardKernel)
    (s, g + first, x + first, gain ? gain + channel : gain, mean[group], variance[group], dx + first,
     dgain + all, dbias + all);
  });
}

#define HEED_INSTANTIATE(T)                                                                             \
  template void batch_norm(const BatchNormSizes&, const T*, const T*, const T*, T*, double*, double*);  \
  template void batch_norm_backward(const BatchNormSizes&, const T*, const T*, const T*, const double*, \
                                    const double*, T*, T*, T*);                                         \
  template void group_norm(const GroupNormSizes&, const T*, const T*, const T*, T*, double*, double*);  \
  template void group_norm_backward(const GroupNormSizes&, const T*, const T*, const T*, const double*, \
                                    const double*, T*, double*, double*);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)
#undef HEED_INSTANTIATE

}  // namespace heed::kernels
#endif
