// Uniform and normal numbers, to the bit those of core/distributions.h. Compiled without contraction: a
// product and a sum are two roundings.
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

// unit_uniform of the words low[i], high[i] and those behind them.
template <class D>
hn::Vec<D> UnitUniform(D d, const uint32_t* low, const uint32_t* high) {
  const hn::RebindToUnsigned<D> wide;
  const hn::RebindToSigned<D> whole;
  const hn::Rebind<uint32_t, D> narrow;
  const auto word = hn::Or(hn::ShiftLeft<32>(hn::PromoteTo(wide, hn::LoadU(narrow, high))),
                           hn::PromoteTo(wide, hn::LoadU(narrow, low)));
  return hn::Mul(hn::ConvertTo(d, hn::BitCast(whole, hn::ShiftRight<11>(word))), hn::Set(d, kUnit));
}

inline std::array<uint32_t, 4> BlockOf(const uint32_t* words, int64_t b) {
  return {words[b], words[kBlocks + b], words[2 * kBlocks + b], words[3 * kBlocks + b]};
}

// The numbers [16 c, 16 c + n) for a chunk c.
template <class T>
void UniformChunk(uint64_t seed, uint64_t stream, uint64_t chunk, double low, double high, int64_t n, T* y) {
  const hn::CappedTag<double, kBlocks> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  uint32_t words[4 * kBlocks];
  double value[kBlocks];
  PhiloxBlocks(seed, stream, chunk, words);
  const auto start = hn::Set(d, low), range = hn::Set(d, high - low);
  for (int64_t b = 0; b < kBlocks; b += lanes)
    hn::StoreU(hn::Add(start, hn::Mul(range, UnitUniform(d, words + b, words + kBlocks + b))), d, value + b);
  for (int64_t b = 0; b < n; ++b) {
    y[b] = static_cast<T>(value[b]);
    if (!(static_cast<double>(y[b]) < high)) y[b] = detail::uniform_from<T>(BlockOf(words, b), low, high);
  }
}

inline void NormalChunk(uint64_t seed, uint64_t stream, uint64_t chunk, int64_t n, float* y) {
  const hn::CappedTag<double, kBlocks> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  uint32_t words[4 * kBlocks];
  double value[kBlocks];
  PhiloxBlocks(seed, stream, chunk, words);
  uint32_t doubtful = 0;  // blocks
  for (int64_t b = 0; b < kBlocks; b += lanes) {
    // log1p(-u) = log(1 - u): the difference is exact
    const auto u = hn::Sub(hn::Set(d, 1.0), UnitUniform(d, words + b, words + kBlocks + b));
    const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0), hn::Log(d, u)));
    const auto turn = UnitUniform(d, words + 2 * kBlocks + b, words + 3 * kBlocks + b);
    const auto cosine = hn::Cos(d, hn::Mul(hn::Set(d, 2 * std::numbers::pi), turn));
    const auto z = hn::Mul(radius, cosine);
    hn::StoreU(z, d, value + b);
    // In doubt are numbers that a few units in the last place of f64 could round to another f32, and those
    // near a zero of the cosine, where its error is large beside it.
    constexpr int64_t kHalf = int64_t{1} << 28, kMargin = int64_t{1} << 10;
    const hn::RebindToSigned<decltype(d)> bits;
    const auto rest =
        hn::And(hn::BitCast(bits, z), hn::Set(bits, 2 * kHalf - 1));  // what f32 has no place for
    const auto close =
        hn::And(hn::Gt(rest, hn::Set(bits, kHalf - kMargin)), hn::Lt(rest, hn::Set(bits, kHalf + kMargin)));
    const auto small =
        hn::Or(hn::Lt(hn::Abs(cosine), hn::Set(d, 0x1.0p-7)), hn::Lt(hn::Abs(z), hn::Set(d, 0x1.0p-100)));
    const auto doubt = hn::Or(hn::RebindMask(d, close), small);
    uint8_t set[8] = {};
    hn::StoreMaskBits(d, doubt, set);
    doubtful |= static_cast<uint32_t>(set[0]) << b;
  }
  for (int64_t b = 0; b < n; ++b) y[b] = static_cast<float>(value[b]);
  for (int64_t b = 0; doubtful >> b; ++b) {
    if (doubtful >> b & 1 && b < n) y[b] = static_cast<float>(detail::normal_from(BlockOf(words, b)));
  }
}

template <class T>
void UniformKernel(uint64_t seed, uint64_t stream, int64_t first, int64_t n, double low, double high, T* y) {
  for (int64_t i = 0; i < n; i += kBlocks)
    UniformChunk(seed, stream, static_cast<uint64_t>((first + i) / kBlocks), low, high,
                 std::min(kBlocks, n - i), y + i);
}
inline void NormalKernel(uint64_t seed, uint64_t stream, int64_t first, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kBlocks)
    NormalChunk(seed, stream, static_cast<uint64_t>((first + i) / kBlocks), std::min(kBlocks, n - i), y + i);
}

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

template void uniform(int64_t, uint64_t, uint64_t, double, double, float*);
template void uniform(int64_t, uint64_t, uint64_t, double, double, double*);

}  // namespace heed::kernels
#endif
