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

// The words of as many blocks as V has lanes, each in the lower half of a lane; the upper ones hold what the
// multiplications left there, which no later one reads.
template <class V>
struct PhiloxWords {
  V c0, c1, c2, c3;
};

#if HWY_TARGET == HWY_SCALAR
template <class D, class V = hn::Vec<D>>
void PhiloxPair(D d, uint64_t seed, uint64_t stream, uint64_t first, PhiloxWords<V>& a, PhiloxWords<V>& b) {
  const auto set = [&](uint64_t at, PhiloxWords<V>& s) {
    const auto block = philox(seed, stream, at);
    s = {hn::Set(d, uint64_t{block[0]}), hn::Set(d, uint64_t{block[1]}), hn::Set(d, uint64_t{block[2]}),
         hn::Set(d, uint64_t{block[3]})};
  };
  set(first, a);
  set(first + 1, b);
}

inline void PhiloxBlocks(uint64_t seed, uint64_t stream, uint64_t chunk, uint32_t* words /* [4][16] */) {
  for (int64_t b = 0; b < kBlocks; ++b) {
    const auto block = philox(seed, stream, chunk * kBlocks + static_cast<uint64_t>(b));
    for (int64_t w = 0; w < 4; ++w) words[w * kBlocks + b] = block[static_cast<size_t>(w)];
  }
}
#else
// Two vectors of consecutive blocks, whose multiplications overlap; `first` is the number of the first block.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void PhiloxPair(D d, uint64_t seed, uint64_t stream, uint64_t first, PhiloxWords<V>& a,
                           PhiloxWords<V>& b) {
  const hn::Repartition<uint32_t, D> d32;
  const auto m0 = hn::BitCast(d32, hn::Set(d, uint64_t{0xD2511F53})),
             m1 = hn::BitCast(d32, hn::Set(d, uint64_t{0xCD9E8D57}));
  const auto start = [&](V index, PhiloxWords<V>& s) {
    s.c0 = index;
    s.c1 = hn::ShiftRight<32>(s.c0);
    s.c2 = hn::Set(d, stream);
    s.c3 = hn::Set(d, stream >> 32);
  };
  const auto turn = [&](PhiloxWords<V>& s, V k0, V k1) {
    const V p0 = hn::MulEven(hn::BitCast(d32, s.c0), m0), p1 = hn::MulEven(hn::BitCast(d32, s.c2), m1);
    s.c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), s.c1), k0);
    s.c1 = p1;
    s.c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), s.c3), k1);
    s.c3 = p0;
  };
  const V index = hn::Add(hn::Set(d, first), hn::Iota(d, 0));  // Iota(d, first) goes through memory
  start(index, a);
  start(hn::Add(index, hn::Set(d, hn::Lanes(d))), b);
  auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const V key0 = hn::Set(d, uint64_t{k0}), key1 = hn::Set(d, uint64_t{k1});
    turn(a, key0, key1);
    turn(b, key0, key1);
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
}

inline void PhiloxBlocks(uint64_t seed, uint64_t stream, uint64_t chunk, uint32_t* words /* [4][16] */) {
  const hn::CappedTag<uint64_t, kBlocks / 2> d;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  const auto pair = static_cast<int64_t>(2 * hn::Lanes(d));
  const auto lower = [&](auto low, auto high) {
    return hn::ConcatEven(d32, hn::BitCast(d32, high), hn::BitCast(d32, low));
  };
  for (int64_t at = 0; at < kBlocks; at += pair) {
    PhiloxWords<hn::Vec<decltype(d)>> a, b;
    PhiloxPair(d, seed, stream, chunk * kBlocks + static_cast<uint64_t>(at), a, b);
    hn::StoreU(lower(a.c0, b.c0), d32, words + at);
    hn::StoreU(lower(a.c1, b.c1), d32, words + kBlocks + at);
    hn::StoreU(lower(a.c2, b.c2), d32, words + 2 * kBlocks + at);
    hn::StoreU(lower(a.c3, b.c3), d32, words + 3 * kBlocks + at);
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();
#endif
