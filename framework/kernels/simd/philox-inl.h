// Philox (core/random.h) on several blocks at once. Compiled once for each instruction set.
#include <hwy/highway.h>

#include "framework/core/random.h"

#if defined(HEED_SIMD_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HEED_SIMD_PHILOX_INL_H_
#undef HEED_SIMD_PHILOX_INL_H_
#else
#define HEED_SIMD_PHILOX_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Philox 4x32-10 on 16 consecutive blocks, so that a chunk of 128 elements is the same whatever the vector
// length: element 16 (2 w + half) + block takes the given half of word w.
constexpr int64_t kBlocks = 16;
constexpr int64_t kChunk = 8 * kBlocks;

#if HWY_TARGET == HWY_SCALAR
inline void PhiloxBlocks(uint64_t seed, uint64_t stream, uint64_t chunk, uint32_t* words /* [4][16] */) {
  for (int64_t b = 0; b < kBlocks; ++b) {
    const auto block = philox(seed, stream, chunk * kBlocks + static_cast<uint64_t>(b));
    for (int64_t w = 0; w < 4; ++w) words[w * kBlocks + b] = block[static_cast<size_t>(w)];
  }
}
#else
template <class D32, class V>
void MulHiLo(D32 d32, V a, V b, V& high, V& low) {
  const hn::Repartition<uint64_t, D32> d64;
  const auto even = hn::BitCast(d64, hn::MulEven(a, b));
  const auto odd = hn::BitCast(d64, hn::MulEven(hn::BitCast(d32, hn::ShiftRight<32>(hn::BitCast(d64, a))),
                                                hn::BitCast(d32, hn::ShiftRight<32>(hn::BitCast(d64, b)))));
  const auto low_mask = hn::Set(d64, uint64_t{0xFFFFFFFF});
  low = hn::BitCast(d32, hn::Or(hn::And(even, low_mask), hn::ShiftLeft<32>(odd)));
  high = hn::BitCast(d32, hn::Or(hn::ShiftRight<32>(even), hn::AndNot(low_mask, odd)));
}

inline void PhiloxBlocks(uint64_t seed, uint64_t stream, uint64_t chunk, uint32_t* words /* [4][16] */) {
  const hn::CappedTag<uint32_t, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto m0 = hn::Set(d, 0xD2511F53U), m1 = hn::Set(d, 0xCD9E8D57U);
  for (int64_t b = 0; b < kBlocks; b += lanes) {
    // kBlocks divides 2^32: the high word is constant here
    const uint64_t first = chunk * kBlocks + static_cast<uint64_t>(b);
    auto c0 = hn::Iota(d, static_cast<uint32_t>(first)), c1 = hn::Set(d, static_cast<uint32_t>(first >> 32));
    auto c2 = hn::Set(d, static_cast<uint32_t>(stream)), c3 = hn::Set(d, static_cast<uint32_t>(stream >> 32));
    auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      auto high0 = c0, low0 = c0, high1 = c0, low1 = c0;
      MulHiLo(d, c0, m0, high0, low0);
      MulHiLo(d, c2, m1, high1, low1);
      c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(d, k0));
      c1 = low1;
      c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, k1));
      c3 = low0;
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    hn::StoreU(c0, d, words + b);
    hn::StoreU(c1, d, words + kBlocks + b);
    hn::StoreU(c2, d, words + 2 * kBlocks + b);
    hn::StoreU(c3, d, words + 3 * kBlocks + b);
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();
#endif
