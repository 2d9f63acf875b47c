// Copies: of rows, of matrices that are transposed, in blocks of whole vectors, and of one element.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/copies.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

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

constexpr int64_t kLongRow = 1 << 14;  // bytes that memcpy moves as fast
constexpr int64_t kHalves = 1 << 10;   // from here on 32 bytes at a time are faster than 64 (Zen 5: 39 and 48
                                       // us for 2 MB of rows of 1 KB)

// Up to twice kBytes of them, the first and the last, which may be the same in part.
template <size_t kBytes>
HWY_INLINE void CopyEnds(int64_t bytes, const uint8_t* x, uint8_t* y) {
  struct Part {
    uint8_t of[kBytes];
  } first, last;
  std::memcpy(&first, x, kBytes);
  std::memcpy(&last, x + bytes - kBytes, kBytes);
  std::memcpy(y, &first, kBytes);
  std::memcpy(y + bytes - kBytes, &last, kBytes);
}

// A row of less than 64 bytes.
HWY_INLINE void CopyShortRow(int64_t bytes, const uint8_t* x, uint8_t* y) {
  if (bytes >= 32) return CopyEnds<32>(bytes, x, y);
  if (bytes >= 16) return CopyEnds<16>(bytes, x, y);
  if (bytes >= 8) return CopyEnds<8>(bytes, x, y);
  if (bytes >= 4) return CopyEnds<4>(bytes, x, y);
  for (int64_t i = 0; i < bytes; ++i) y[i] = x[i];
}

// A row of a vector or more.
template <class D>
HWY_INLINE void CopyRow(D d, int64_t bytes, const uint8_t* x, uint8_t* y) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 4 * lanes <= bytes; i += 4 * lanes) {
    const auto a = hn::LoadU(d, x + i), b = hn::LoadU(d, x + i + lanes), c = hn::LoadU(d, x + i + 2 * lanes),
               e = hn::LoadU(d, x + i + 3 * lanes);
    hn::StoreU(a, d, y + i);
    hn::StoreU(b, d, y + i + lanes);
    hn::StoreU(c, d, y + i + 2 * lanes);
    hn::StoreU(e, d, y + i + 3 * lanes);
  }
  for (; i + lanes <= bytes; i += lanes) hn::StoreU(hn::LoadU(d, x + i), d, y + i);
  if (i < bytes) hn::StoreU(hn::LoadU(d, x + bytes - lanes), d, y + bytes - lanes);  // some again
}

// copy(from, into) for each row: how depends on the length, which is asked for once.
template <class Each>
void CopyEach(int64_t bytes, const Each& each) {
  if (bytes >= kLongRow)
    return each([=](const uint8_t* x, uint8_t* y) { std::memcpy(y, x, static_cast<size_t>(bytes)); });
  const auto by = [&](auto d) HWY_ATTR {
    each([=](const uint8_t* x, uint8_t* y) HWY_ATTR { CopyRow(d, bytes, x, y); });
  };
  if (bytes >= kHalves) return by(hn::CappedTag<uint8_t, 32>());
  if (bytes >= 64) return by(hn::CappedTag<uint8_t, 64>());
  each([=](const uint8_t* x, uint8_t* y) HWY_ATTR { CopyShortRow(bytes, x, y); });
}

inline void CopyRowsKernel(int64_t rows, int64_t bytes, const uint8_t* x, int64_t x_step, uint8_t* y,
                           int64_t y_step) {
  CopyEach(bytes, [&](const auto& copy) HWY_ATTR {
    for (int64_t r = 0; r < rows; ++r) copy(x + r * x_step, y + r * y_step);
  });
}

inline void TakeRowsKernel(int64_t n, const int64_t* ids, int64_t bytes, const uint8_t* x, uint8_t* y) {
  CopyEach(bytes, [&](const auto& copy) HWY_ATTR {
    for (int64_t i = 0; i < n; ++i) copy(x + ids[i] * bytes, y + i * bytes);
  });
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
HWY_EXPORT(CopyRowsKernel);
HWY_EXPORT(TakeRowsKernel);
HWY_EXPORT(FillKernel32);
HWY_EXPORT(FillKernel64);
HWY_EXPORT(TransposeKernel32);
HWY_EXPORT(TransposeKernel64);

void copy_rows(int64_t rows, int64_t bytes, const void* x, int64_t x_step, void* y, int64_t y_step) {
  HWY_DYNAMIC_DISPATCH(CopyRowsKernel)
  (rows, bytes, static_cast<const uint8_t*>(x), x_step, static_cast<uint8_t*>(y), y_step);
}
void take_rows(int64_t n, const int64_t* ids, int64_t bytes, const void* x, void* y) {
  HWY_DYNAMIC_DISPATCH(TakeRowsKernel)
  (n, ids, bytes, static_cast<const uint8_t*>(x), static_cast<uint8_t*>(y));
}

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
