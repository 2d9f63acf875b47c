// Products of few rows with a right-hand side that is kept in panels: two vectors wide, all of K deep, so
// that a tile of rows reads each panel once from front to end. The sums of an element run over k in order, in
// parts of kDepth, whatever the tile, so that the bits of a row do not depend on the other rows.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/panels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "framework/core/flops.h"
#include "framework/core/half.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/core/stored_values.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/first-lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kDepth =
    256;  // a sum in f32 does not drift in so many, and a panel of them stays in the first cache
// Rows times panels of a tile: its sums, a row of panels and a value of A have a register each.
constexpr int kTile = HWY_TARGET <= HWY_AVX3 ? 12 : 6;

// Rows that go through all panels together: each writes to a page of its own, and a core finds some 64 at
// once.
constexpr int64_t kRowsTogether = 60;

int64_t PanelWidth() { return 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>())); }

// Weights in f32, and weights in bf16, which are the upper halves of f32.
template <class D>
hn::Vec<D> LoadWeights(D d, const float* from) {
  return hn::LoadU(d, from);
}
template <class D>
hn::Vec<D> LoadWeights(D d, const uint16_t* from) {
  const hn::Rebind<uint32_t, D> wide;
  const hn::Rebind<uint16_t, D> narrow;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(wide, hn::LoadU(narrow, from))));
}

// C = A B (+ C) of `depth` values of k; panels lie `step` apart, C begins with the bias where there is one.
template <int kRows, int kPanels, class W>
void Tile(int64_t depth, int64_t step, const float* A, int64_t lda, const W* panels, const float* before,
          int64_t ld_before, int64_t columns, float* C, int64_t ldc) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sums[kRows][2 * kPanels];
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < 2 * kPanels; ++p) sums[r][p] = hn::Zero(d);
  }
  for (int64_t k = 0; k < depth; ++k) {
    for (int p = 0; p < kPanels; ++p) {
      const W* const panel = panels + p * step + k * 2 * lanes;
      const auto low = LoadWeights(d, panel), high = LoadWeights(d, panel + lanes);
      for (int r = 0; r < kRows; ++r) {
        const auto a = hn::Set(d, A[r * lda + k]);
        sums[r][2 * p] = hn::MulAdd(a, low, sums[r][2 * p]);
        sums[r][2 * p + 1] = hn::MulAdd(a, high, sums[r][2 * p + 1]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < 2 * kPanels; ++p) {
      const int64_t at = p * lanes, rest = columns - at;
      if (rest <= 0) continue;
      const float* const start = before ? before + r * ld_before + at : nullptr;
      float* const into = C + r * ldc + at;
      if (rest >= lanes) {
        hn::StoreU(start ? hn::Add(sums[r][p], hn::LoadU(d, start)) : sums[r][p], d, into);
      } else {
        StoreFirst(d, start ? hn::Add(sums[r][p], LoadFirst(d, rest, start)) : sums[r][p], rest, into);
      }
    }
  }
}

template <class W>
using TileFunction = void (*)(int64_t, int64_t, const float*, int64_t, const W*, const float*, int64_t,
                              int64_t, float*, int64_t);

// For 1 to kTile rows: as many panels at once as there are registers for.
template <class W, int... kRows>
TileFunction<W> TileFor(int64_t rows, std::integer_sequence<int, kRows...>, bool many) {
  constexpr TileFunction<W> kSingle[] = {Tile<kRows + 1, 1, W>...};
  constexpr TileFunction<W> kMany[] = {Tile<kRows + 1, kTile / (kRows + 1), W>...};
  return (many ? kMany : kSingle)[rows - 1];
}

// Panels first to end of C = A B + before (rows ld_before apart), of at most kRowsTogether rows.
template <class W>
void MultiplyRows(int64_t first, int64_t end, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda,
                  const W* panels, const float* before, int64_t ld_before, float* C, int64_t ldc) {
  const int64_t width = PanelWidth();
  const std::make_integer_sequence<int, kTile> counts;
  const int64_t last = (M - 1) % kTile + 1;  // rows of the last tile
  for (int64_t panel = first; panel < end;) {
    // tiles of few rows take several panels: only where all tiles are such
    const int64_t together = M <= kTile && panel + kTile / M <= end ? kTile / M : 1, at = panel * width;
    const W* const from = panels + at * K;
    for (int64_t row = 0; row < M; row += kTile) {
      const TileFunction<W> tile = TileFor<W>(row + kTile <= M ? kTile : last, counts, together > 1);
      float* const into = C + row * ldc + at;
      for (int64_t k = 0; k == 0 || k < K; k += kDepth) {  // after the first part, to the sum so far
        const float* const start = k > 0 ? into : before ? before + row * ld_before + at : nullptr;
        tile(std::min(kDepth, K - k), K * width, A + row * lda + k, lda, from + k * width, start,
             k > 0 ? ldc : ld_before, N - at, into, ldc);
      }
    }
    panel += together;
  }
}

template <class W>
void MultiplyPanels(int64_t first, int64_t end, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda,
                    const W* panels, const float* before, int64_t ld_before, float* C, int64_t ldc) {
  for (int64_t row = 0; row < M; row += kRowsTogether) {
    MultiplyRows(first, end, std::min(kRowsTogether, M - row), N, K, A + row * lda, lda, panels,
                 before ? before + row * ld_before : nullptr, ld_before, C + row * ldc, ldc);
  }
}

void MultiplyF32(int64_t first, int64_t end, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda,
                 const float* panels, const float* before, int64_t ld_before, float* C, int64_t ldc) {
  MultiplyPanels(first, end, M, N, K, A, lda, panels, before, ld_before, C, ldc);
}
void MultiplyBf16(int64_t first, int64_t end, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda,
                  const uint16_t* panels, const float* before, int64_t ld_before, float* C, int64_t ldc) {
  MultiplyPanels(first, end, M, N, K, A, lda, panels, before, ld_before, C, ldc);
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heed::kernels {
HWY_EXPORT(PanelWidth);
HWY_EXPORT(MultiplyF32);
HWY_EXPORT(MultiplyBf16);
namespace {

// Panels of B(k, n) as `at` gives it, zeros beyond N.
template <class Weight, class At>
void pack(int64_t K, int64_t N, int64_t width, Weight* into, const At& at) {
  for (int64_t n = 0; n < N; n += width) {
    for (int64_t k = 0; k < K; ++k) {
      for (int64_t j = 0; j < width; ++j) *into++ = n + j < N ? at(k, n + j) : Weight{0};
    }
  }
}

}  // namespace

bool has_wide_panels() { return HWY_DYNAMIC_DISPATCH(PanelWidth)() >= 16; }

template <class Weight>
PanelMatrix<Weight>::PanelMatrix(int64_t K, int64_t N)
    : K_(K), N_(N), width_(HWY_DYNAMIC_DISPATCH(PanelWidth)()) {
  bytes_ = static_cast<size_t>((N + width_ - 1) / width_ * width_ * K) * sizeof(Weight);
  data_ = static_cast<Weight*>(pool_allocate(bytes_));
}

template <class Weight>
PanelMatrix<Weight>::PanelMatrix(int64_t K, int64_t N, const float* data, int64_t row_stride,
                                 int64_t column_stride)
    : PanelMatrix(K, N) {
  if constexpr (std::is_same_v<Weight, float>) {
    const int64_t whole = N / width_ * width_;
    if (row_stride == 1 || column_stride == 1) {
      for (int64_t n = 0; n < whole; n += width_) {
        float* const panel = data_ + n * K;
        if (row_stride == 1) {
          transpose(width_, K, reinterpret_cast<const uint32_t*>(data + n * column_stride), column_stride,
                    reinterpret_cast<uint32_t*>(panel), width_);
        } else {
          for (int64_t k = 0; k < K; ++k) std::copy_n(data + k * row_stride + n, width_, panel + k * width_);
        }
      }
      pack(K, N - whole, width_, data_ + whole * K,
           [&](int64_t k, int64_t n) { return data[k * row_stride + (whole + n) * column_stride]; });
      return;
    }
  }
  pack(K, N, width_, data_, [&](int64_t k, int64_t n) {
    const float value = data[k * row_stride + n * column_stride];
    if constexpr (std::is_same_v<Weight, float>) {
      return value;
    } else {
      return to_bf16(value);
    }
  });
}

template <>
PanelMatrix<uint16_t>::PanelMatrix(const Bf16Rows& columns) : PanelMatrix(columns.columns, columns.rows) {
  pack(K_, N_, width_, data_, [&](int64_t k, int64_t n) { return columns.bits[n * K_ + k]; });
}

template <class Weight>
PanelMatrix<Weight>::~PanelMatrix() {
  pool_free(data_, bytes_);
}

template <class Weight>
void PanelMatrix<Weight>::multiply(int64_t M, const float* A, int64_t lda, const float* before,
                                   int64_t ld_before, float* C, int64_t ldc) const {
  if (M == 0 || N_ == 0) return;
  heed::detail::count_flops(2 * M * N_ * K_);
  constexpr int64_t kWork = int64_t{1} << 18;  // multiply-adds that are worth a thread
  const int64_t panels = (N_ + width_ - 1) / width_;
  parallel_for(
      panels, std::max<int64_t>(1, kWork / std::max<int64_t>(M * width_ * K_, 1)),
      [&](int64_t begin, int64_t end) {
        if constexpr (std::is_same_v<Weight, float>) {
          HWY_DYNAMIC_DISPATCH(MultiplyF32)(begin, end, M, N_, K_, A, lda, data_, before, ld_before, C, ldc);
        } else {
          HWY_DYNAMIC_DISPATCH(MultiplyBf16)(begin, end, M, N_, K_, A, lda, data_, before, ld_before, C, ldc);
        }
      });
}

template class PanelMatrix<float>;
template class PanelMatrix<uint16_t>;

}  // namespace heed::kernels
#endif
