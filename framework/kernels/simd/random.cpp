// Random words, uniform and normal numbers, to the bit those of core/distributions.h, and numbers at equal
// distances. Compiled without contraction: a product and a sum are two roundings.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/random.cpp"
#include <hwy/foreach_target.h>

#include "framework/core/distributions.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/math-inl.h"
#include "framework/kernels/simd/philox-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

constexpr double kUnit = 0x1.0p-53;

// unit_uniform of two words.
template <class D, class V>
HWY_INLINE hn::Vec<D> UnitUniform(D d, V low, V high) {
  const hn::RebindToUnsigned<D> wide;
  const hn::RebindToSigned<D> whole;
  const auto word = hn::Or(hn::ShiftLeft<32>(high), hn::And(low, hn::Set(wide, uint64_t{0xFFFFFFFF})));
  return hn::Mul(hn::ConvertTo(d, hn::BitCast(whole, hn::ShiftRight<11>(word))), hn::Set(d, kUnit));
}

// make(d, words, y) for the vectors of the chunks [first, first + n) of 16 numbers: it stores a number for
// each lane at y and returns the lanes that again(word block's number) has to make.
template <class T, class Make, class Again>
HWY_INLINE void ByBlocks(uint64_t seed, uint64_t stream, int64_t first, int64_t n, T* y, const Make& make,
                         const Again& again) {
  const hn::CappedTag<double, kBlocks / 2> d;
  const hn::RebindToUnsigned<decltype(d)> words;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  PhiloxWords<hn::Vec<decltype(words)>> a, b;
  T last[kBlocks];
  for (int64_t i = 0; i < n; i += 2 * lanes) {
    T* const to = i + 2 * lanes <= n ? y + i : last;
    PhiloxPair(words, seed, stream, static_cast<uint64_t>(first + i), a, b);
    const auto redo_a = make(d, a, to), redo_b = make(d, b, to + lanes);
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::Or(redo_a, redo_b)))) {
      uint8_t set[16] = {};
      hn::StoreMaskBits(d, redo_a, set);
      hn::StoreMaskBits(d, redo_b, set + 8);
      for (int64_t k = 0; k < 2 * lanes; ++k) {
        if (set[k < lanes ? 0 : 8] >> (k % lanes) & 1)
          to[k] = again(philox(seed, stream, static_cast<uint64_t>(first + i + k)));
      }
    }
    if (to == last) std::copy_n(last, n - i, y + i);
  }
}

// cos(2 pi turn) = sin(2 pi y) with y = |turn - 1/2| - 1/4, exact for a turn in [0, 1), by its series up to
// y^19: the error is below 2^-50.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V CosineOfTurn(D d, V turn) {
  constexpr double kTurn = 2 * std::numbers::pi;
  constexpr auto kFactors = [] {  // (2 pi)^(2 k + 1) / (2 k + 1)!, signs alternating
    std::array<double, 10> factors{kTurn};
    for (size_t k = 1; k < factors.size(); ++k) {
      const auto n = static_cast<double>(2 * k);
      factors[k] = -factors[k - 1] * kTurn * kTurn / (n * (n + 1));
    }
    return factors;
  }();
  const V y = hn::Sub(hn::Abs(hn::Sub(turn, hn::Set(d, 0.5))), hn::Set(d, 0.25)), square = hn::Mul(y, y);
  V sum = hn::Set(d, kFactors.back());
  for (size_t k = kFactors.size() - 1; k-- > 0;) sum = hn::MulAdd(sum, square, hn::Set(d, kFactors[k]));
  return hn::Mul(sum, y);
}

template <class T>
void UniformKernel(uint64_t seed, uint64_t stream, int64_t first, int64_t n, double low, double high, T* y) {
  ByBlocks(
      seed, stream, first, n, y,
      [=](auto d, const auto& words, T* to) {
        const auto value =
            hn::Add(hn::Set(d, low), hn::Mul(hn::Set(d, high - low), UnitUniform(d, words.c0, words.c1)));
        return hn::Not(hn::Lt(StoreRounded(d, value, to), hn::Set(d, high)));
      },
      [=](const std::array<uint32_t, 4>& block) { return detail::uniform_from<T>(block, low, high); });
}

inline void NormalKernel(uint64_t seed, uint64_t stream, int64_t first, int64_t n, float* y) {
  ByBlocks(
      seed, stream, first, n, y,
      [](auto d, const auto& words, float* to) {
        // log1p(-u) = log(1 - u): the difference is exact
        const auto u = hn::Sub(hn::Set(d, 1.0), UnitUniform(d, words.c0, words.c1));
        const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0), LogOfNormal(d, u)));
        const auto cosine = CosineOfTurn(d, UnitUniform(d, words.c2, words.c3));
        const auto z = hn::Mul(radius, cosine);
        StoreRounded(d, z, to);
        // Made again are numbers that 2^14 units in the last place of f64 could round to another f32, and
        // those near a zero of the cosine, where an error of 2^-50 is large beside it.
        constexpr int64_t kHalf = int64_t{1} << 28, kMargin = int64_t{1} << 14;
        const hn::RebindToSigned<decltype(d)> bits;
        const auto rest =
            hn::And(hn::BitCast(bits, z), hn::Set(bits, 2 * kHalf - 1));  // what f32 has no place for
        const auto close = hn::Lt(hn::Abs(hn::Sub(rest, hn::Set(bits, kHalf))), hn::Set(bits, kMargin));
        const auto small = hn::Or(hn::Lt(hn::Abs(cosine), hn::Set(d, 0x1.0p-11)),
                                  hn::Lt(hn::Abs(z), hn::Set(d, 0x1.0p-100)));
        return hn::Or(hn::RebindMask(d, close), small);
      },
      [](const std::array<uint32_t, 4>& block) { return static_cast<float>(detail::normal_from(block)); });
}

// The first two words of each block as one number.
inline void WordsKernel(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, uint64_t* y) {
  const hn::CappedTag<uint64_t, kBlocks / 2> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d)), pair = 2 * lanes;
  const auto word = [d](const auto& words) {
    return hn::Or(hn::ShiftLeft<32>(words.c1), hn::And(words.c0, hn::Set(d, uint64_t{0xFFFFFFFF})));
  };
  PhiloxWords<hn::Vec<decltype(d)>> a, b;
  uint64_t last[kBlocks];
  for (int64_t i = 0; i < n; i += pair) {
    uint64_t* const to = i + pair <= n ? y + i : last;
    PhiloxPair(d, seed, stream, first + static_cast<uint64_t>(i), a, b);
    hn::StoreU(word(a), d, to);
    hn::StoreU(word(b), d, to + lanes);
    if (to == last) std::copy_n(last, n - i, y + i);
  }
}

// y_i = start + (first + i) step, in f64; numbers up to 2^53 are counted exactly.
template <class T>
void RampKernel(int64_t first, int64_t n, double start, double step, T* y) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto from = hn::Set(d, start), distance = hn::Set(d, step),
             ahead = hn::Set(d, static_cast<double>(lanes));
  auto at = hn::Add(hn::Set(d, static_cast<double>(first)), hn::Iota(d, 0.0));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    StoreRounded(d, hn::Add(from, hn::Mul(at, distance)), y + i);
    at = hn::Add(at, ahead);
  }
  for (; i < n; ++i) y[i] = static_cast<T>(start + static_cast<double>(first + i) * step);
}
HEED_TYPED(RampKernel)

constexpr auto& UniformKernelF32 = UniformKernel<float>;
constexpr auto& UniformKernelF64 = UniformKernel<double>;

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "framework/kernels/simd/dispatch.h"

namespace heed::kernels {
HEED_EXPORT(UniformKernel)
HWY_EXPORT(NormalKernel);
HWY_EXPORT(WordsKernel);
HEED_EXPORT(RampKernel)

namespace {
constexpr int64_t kBlock = 16, kChunks = 256;  // numbers of a chunk; chunks that a thread should get at least

// f(first, n) for ranges of numbers that begin with a chunk.
template <class F>
void by_chunks(int64_t n, const F& f) {
  parallel_for((n + kBlock - 1) / kBlock, kChunks, [&](int64_t begin, int64_t end) {
    f(begin * kBlock, std::min(n, end * kBlock) - begin * kBlock);
  });
}
}  // namespace

template <class T>
void uniform(int64_t n, uint64_t seed, uint64_t stream, double low, double high, T* y) {
  if (std::isinf(high - low) || !(low < high)) {
    for (int64_t i = 0; i < n; ++i)
      y[i] = detail::uniform_from<T>(philox(seed, stream, static_cast<uint64_t>(i)), low, high);
    return;
  }
  by_chunks(n, [&](int64_t first, int64_t count) {
    HEED_DISPATCH(UniformKernel)(seed, stream, first, count, low, high, y + first);
  });
}

void normal(int64_t n, uint64_t seed, uint64_t stream, float* y) {
  by_chunks(n, [&](int64_t first, int64_t count) {
    HWY_DYNAMIC_DISPATCH(NormalKernel)(seed, stream, first, count, y + first);
  });
}
void normal(int64_t n, uint64_t seed, uint64_t stream, double* y) {
  by_chunks(n, [&](int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; ++i)
      y[i] = detail::normal_from(philox(seed, stream, static_cast<uint64_t>(i)));
  });
}

void random_words(int64_t n, uint64_t seed, uint64_t stream, uint64_t first, uint64_t* y) {
  HWY_DYNAMIC_DISPATCH(WordsKernel)(seed, stream, first, n, y);
}

template <class T>
void ramp(int64_t first, int64_t n, double start, double step, T* y) {
  constexpr int64_t kElements = 1 << 15;
  parallel_for(n, kElements, [&](int64_t begin, int64_t end) {
    HEED_DISPATCH(RampKernel)(first + begin, end - begin, start, step, y + begin);
  });
}

template void ramp(int64_t, int64_t, double, double, float*);
template void ramp(int64_t, int64_t, double, double, double*);
template void uniform(int64_t, uint64_t, uint64_t, double, double, float*);
template void uniform(int64_t, uint64_t, uint64_t, double, double, double*);

}  // namespace heed::kernels
#endif
