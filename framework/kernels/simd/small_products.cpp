// Products of small matrices, such as those of one head of attention, where a BLAS spends its time on packing
// both operands. A and B are read where they lie; the sums of a tile of C stay in registers and run over k in
// order.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/small_products.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <utility>

#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/first-lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows of a tile: its sums, two vectors of B and a value of A have a register each.
constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 ? 12 : 6;

// C = op(A) B (+ C) of kRows rows and at most kVectors vectors of columns, of which the last may be cut.
template <int kRows, int kVectors, bool kTransposedA, bool kCut>
void SmallTile(int64_t K, const float* A, int64_t lda, const float* B, int64_t ldb, int64_t columns,
               bool accumulate, float* C, int64_t ldc) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t last = columns - (kVectors - 1) * lanes;
  const auto load = [&](int v, const float* from) {
    return kCut && v == kVectors - 1 ? LoadFirst(d, last, from) : hn::LoadU(d, from);
  };
  hn::Vec<decltype(d)> sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v)
      sums[r][v] = accumulate ? load(v, C + r * ldc + v * lanes) : hn::Zero(d);
  }
  for (int64_t k = 0; k < K; ++k) {
    hn::Vec<decltype(d)> b[kVectors];
    for (int v = 0; v < kVectors; ++v) b[v] = load(v, B + k * ldb + v * lanes);
    for (int r = 0; r < kRows; ++r) {
      const auto a = hn::Set(d, kTransposedA ? A[k * lda + r] : A[r * lda + k]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(a, b[v], sums[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      float* const into = C + r * ldc + v * lanes;
      if (kCut && v == kVectors - 1) {
        StoreFirst(d, sums[r][v], last, into);
      } else {
        hn::StoreU(sums[r][v], d, into);
      }
    }
  }
}

using SmallTileFunction = void (*)(int64_t, const float*, int64_t, const float*, int64_t, int64_t, bool,
                                   float*, int64_t);

template <int kVectors, bool kTransposedA, bool kCut, int... kRows>
SmallTileFunction TileOfRows(int64_t rows, std::integer_sequence<int, kRows...>) {
  constexpr SmallTileFunction kTiles[] = {SmallTile<kRows + 1, kVectors, kTransposedA, kCut>...};
  return kTiles[rows - 1];
}

template <bool kTransposedA>
SmallTileFunction TileFor(int64_t rows, int vectors, bool cut) {
  constexpr std::make_integer_sequence<int, kTileRows> counts;
  if (vectors == 2)
    return cut ? TileOfRows<2, kTransposedA, true>(rows, counts)
               : TileOfRows<2, kTransposedA, false>(rows, counts);
  return cut ? TileOfRows<1, kTransposedA, true>(rows, counts)
             : TileOfRows<1, kTransposedA, false>(rows, counts);
}

template <bool kTransposedA>
void SmallProduct(int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B, int64_t ldb,
                  bool accumulate, float* C, int64_t ldc) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  const int64_t tiles = (M + kTileRows - 1) / kTileRows;
  for (int64_t column = 0; column < N;) {
    const int64_t rest = N - column;
    const int vectors = rest > lanes ? 2 : 1;
    const int64_t columns = std::min(rest, vectors * lanes);
    for (int64_t tile = 0; tile < tiles; ++tile) {  // of equal heights, so that none has few sums
      const int64_t row = M * tile / tiles, rows = M * (tile + 1) / tiles - row;
      TileFor<kTransposedA>(rows, vectors, columns < vectors * lanes)(
          K, A + (kTransposedA ? row : row * lda), lda, B + column, ldb, columns, accumulate,
          C + row * ldc + column, ldc);
    }
    column += columns;
  }
}

void SmallProductKernel(bool ta, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
                        int64_t ldb, bool accumulate, float* C, int64_t ldc) {
  (ta ? SmallProduct<true> : SmallProduct<false>)(M, N, K, A, lda, B, ldb, accumulate, C, ldc);
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace heed::kernels {
HWY_EXPORT(SmallProductKernel);

void small_gemm(bool ta, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
                int64_t ldb, bool accumulate, float* C, int64_t ldc) {
  HWY_DYNAMIC_DISPATCH(SmallProductKernel)(ta, M, N, K, A, lda, B, ldb, accumulate, C, ldc);
}

}  // namespace heed::kernels
#endif
