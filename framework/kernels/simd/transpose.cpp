// Transposed copies of matrices, in blocks of whole vectors; and copies of one element.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/transpose.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "framework/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// y[c, r] = x[r, c] in a tile, element by element.
template <class T>
void TransposeEach(int64_t rows, int64_t columns, const T* x, int64_t ldx, T* y, int64_t ldy) {
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) y[c * ldy + r] = x[r * ldx + c];
  }
}

#if HWY_TARGET != HWY_SCALAR
template <class T>
constexpr int64_t kBlock = 16 / static_cast<int64_t>(sizeof(T));  // elements of 128 bits

// 128 bits of each of the rows r, r + kBlock, ..., side by side.
template <class T, class D>
hn::Vec<D> LoadBlocks(D d, const T* x, int64_t ldx) {
  constexpr auto kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  if constexpr (kLanes <= kBlock<T>) {
    return hn::LoadU(d, x);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, LoadBlocks(half, x + kLanes / 2 * ldx, ldx), LoadBlocks(half, x, ldx));
  }
}

// A vector's rows, and as many columns as 128 bits hold: the blocks are transposed where they lie.
inline void TransposeBlock(const uint32_t* x, int64_t ldx, uint32_t* y, int64_t ldy) {
  const hn::ScalableTag<uint32_t> d;
  const hn::Repartition<uint64_t, decltype(d)> pairs;
  const auto a = LoadBlocks(d, x, ldx), b = LoadBlocks(d, x + ldx, ldx), c = LoadBlocks(d, x + 2 * ldx, ldx),
             e = LoadBlocks(d, x + 3 * ldx, ldx);
  const auto ab_low = hn::BitCast(pairs, hn::InterleaveLower(d, a, b)),
             ab_high = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b)),
             ce_low = hn::BitCast(pairs, hn::InterleaveLower(d, c, e)),
             ce_high = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab_low, ce_low)), d, y);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_low, ce_low)), d, y + ldy);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab_high, ce_high)), d, y + 2 * ldy);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_high, ce_high)), d, y + 3 * ldy);
}
inline void TransposeBlock(const uint64_t* x, int64_t ldx, uint64_t* y, int64_t ldy) {
  const hn::ScalableTag<uint64_t> d;
  const auto a = LoadBlocks(d, x, ldx), b = LoadBlocks(d, x + ldx, ldx);
  hn::StoreU(hn::InterleaveLower(d, a, b), d, y);
  hn::StoreU(hn::InterleaveUpper(d, a, b), d, y + ldy);
}
#endif

template <class T>
void TransposeKernel(int64_t rows, int64_t columns, const T* x, int64_t ldx, T* y, int64_t ldy) {
#if HWY_TARGET == HWY_SCALAR
  TransposeEach(rows, columns, x, ldx, y, ldy);
#else
  constexpr int64_t kColumns = 64;  // rows of y that are written side by side
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  for (int64_t column = 0; column < columns; column += kColumns) {
    const int64_t end = std::min(columns, column + kColumns);
    int64_t r = 0;
    for (; r + lanes <= rows; r += lanes) {
      int64_t c = column;
      for (; c + kBlock<T> <= end; c += kBlock<T>) TransposeBlock(x + r * ldx + c, ldx, y + c * ldy + r, ldy);
      TransposeEach(lanes, end - c, x + r * ldx + c, ldx, y + c * ldy + r, ldy);
    }
    TransposeEach(rows - r, end - column, x + r * ldx + column, ldx, y + column * ldy + r, ldy);
  }
#endif
}

template <class T>
void FillKernel(int64_t n, T value, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto all = hn::Set(d, value);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    hn::StoreU(all, d, y + i);
    hn::StoreU(all, d, y + i + lanes);
    hn::StoreU(all, d, y + i + 2 * lanes);
    hn::StoreU(all, d, y + i + 3 * lanes);
  }
  for (; i < n; ++i) y[i] = value;
}

constexpr auto& FillKernel32 = FillKernel<uint32_t>;
constexpr auto& FillKernel64 = FillKernel<uint64_t>;
constexpr auto& TransposeKernel32 = TransposeKernel<uint32_t>;
constexpr auto& TransposeKernel64 = TransposeKernel<uint64_t>;

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heed::kernels {
HWY_EXPORT(FillKernel32);
HWY_EXPORT(FillKernel64);
HWY_EXPORT(TransposeKernel32);
HWY_EXPORT(TransposeKernel64);

void fill(int64_t n, uint32_t value, uint32_t* y) { HWY_DYNAMIC_DISPATCH(FillKernel32)(n, value, y); }
void fill(int64_t n, uint64_t value, uint64_t* y) { HWY_DYNAMIC_DISPATCH(FillKernel64)(n, value, y); }
void fill(int64_t n, uint8_t value, uint8_t* y) { std::fill_n(y, n, value); }

void transpose(int64_t rows, int64_t columns, const uint32_t* x, int64_t ldx, uint32_t* y, int64_t ldy) {
  HWY_DYNAMIC_DISPATCH(TransposeKernel32)(rows, columns, x, ldx, y, ldy);
}
void transpose(int64_t rows, int64_t columns, const uint64_t* x, int64_t ldx, uint64_t* y, int64_t ldy) {
  HWY_DYNAMIC_DISPATCH(TransposeKernel64)(rows, columns, x, ldx, y, ldy);
}
void transpose(int64_t rows, int64_t columns, const uint8_t* x, int64_t ldx, uint8_t* y, int64_t ldy) {
  constexpr int64_t kTile = 32;
  for (int64_t column = 0; column < columns; column += kTile) {
    for (int64_t row = 0; row < rows; row += kTile) {
      for (int64_t c = column; c < std::min(columns, column + kTile); ++c) {
        for (int64_t r = row; r < std::min(rows, row + kTile); ++r) y[c * ldy + r] = x[r * ldx + c];
      }
    }
  }
}

}  // namespace heed::kernels
#endif
