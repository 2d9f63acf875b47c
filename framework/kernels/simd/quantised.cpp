// Products with a right-hand side of 8 bits: C = A B + bias with B(k, n) = s_n q_kn, q in [-127, 127], and
// each row of A rounded at the call to a_m (u_mk - 128), u in [1, 255]. The sums of u q are whole numbers, so
// that the bits of a row do not depend on the other rows:
//   C_mn = a_m s_n (sum_k u_mk q_kn - 128 sum_k q_kn) + bias_n
// AVX2 adds up (u - 128) q, the same whole number. Panels are two vectors of columns wide; of each column
// four values of k lie side by side, which is what the instruction for such sums (VNNI) reads.
#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/quantised.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <utility>

#include "framework/core/flops.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/core/stored_values.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/first-lanes-inl.h"

#ifndef HEED_QUANTISED_COLUMNS
#define HEED_QUANTISED_COLUMNS  // this file is read once an instruction set
namespace heed::kernels {
// What a tile reads of the columns it writes.
struct QuantisedColumns {
  const int8_t* panels;
  const float* scales;
  const int32_t* offsets;  // 128 sum_k q_kn
  const float* bias;       // null: none
  int64_t count;           // columns to write, which may be fewer than the panels have
};
}  // namespace heed::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int kQuantisedTile =
    HWY_TARGET <= HWY_AVX3 ? 12 : 4;  // rows times panels: their sums have registers

// Rows that go through all panels together: each writes to a page of its own, and a core finds some 64 at
// once.
constexpr int64_t kQuantisedRows = 60;

int64_t QuantisedWidth() { return 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<int32_t>())); }

// Whether rows are kept as u - 128, with sign, and not as u.
constexpr bool kSignedRows = HWY_TARGET == HWY_AVX2;
constexpr int32_t kRowZero = kSignedRows ? 0 : 128;  // the byte that stands for zero

// sum + a0 b0 + a1 b1 + a2 b2 + a3 b3 in each lane: bytes of a row in a, with sign in b.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V AddProductsOfBytes(D d, V sum, V a, V b) {
#if HWY_TARGET == HWY_AVX3_DL
  (void)d;
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));  // Highway 1.0.3 compiles without VNNI
  return sum;
#elif HWY_TARGET == HWY_AVX2
  // two products of numbers up to 127 fit in 16 bits: |a| without sign times b with the sign of a
  const auto products = _mm256_maddubs_epi16(_mm256_abs_epi8(a.raw), _mm256_sign_epi8(b.raw, a.raw));
  const hn::Repartition<int16_t, D> d16;
  return hn::Add(sum, V{_mm256_madd_epi16(products, hn::Set(d16, 1).raw)});
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  const hn::Repartition<int16_t, D> d16;
  const hn::Repartition<uint16_t, D> u16;
  const auto even_a = hn::And(hn::BitCast(d16, a), hn::Set(d16, 0xFF));
  const auto even_b = hn::ShiftRight<8>(hn::ShiftLeft<8>(hn::BitCast(d16, b)));
  const auto odd_a = hn::BitCast(d16, hn::ShiftRight<8>(hn::BitCast(u16, a)));
  const auto odd_b = hn::ShiftRight<8>(hn::BitCast(d16, b));
  V none = hn::Zero(d);  // x86 adds the two products of a lane to the first sum
  sum = hn::ReorderWidenMulAccumulate(d, even_a, even_b, sum, none);
  return hn::ReorderWidenMulAccumulate(d, odd_a, odd_b, sum, none);
#else
  const hn::RebindToUnsigned<D> u32;
  const auto bits = hn::BitCast(u32, a);
  const auto byte = [&](auto shifted) { return hn::BitCast(d, hn::And(shifted, hn::Set(u32, 0xFF))); };
  sum = hn::Add(sum, hn::Mul(byte(bits), hn::ShiftRight<24>(hn::ShiftLeft<24>(b))));
  sum = hn::Add(sum, hn::Mul(byte(hn::ShiftRight<8>(bits)), hn::ShiftRight<24>(hn::ShiftLeft<16>(b))));
  sum = hn::Add(sum, hn::Mul(byte(hn::ShiftRight<16>(bits)), hn::ShiftRight<24>(hn::ShiftLeft<8>(b))));
  return hn::Add(sum, hn::Mul(byte(hn::ShiftRight<24>(bits)), hn::ShiftRight<24>(b)));
#endif
}

template <int kRows, int kPanels>
void QuantisedTile(int64_t groups, int64_t step, const uint8_t* A, int64_t lda, const float* row_scales,
                   const QuantisedColumns& columns, float* C, int64_t ldc) {
  const hn::ScalableTag<int32_t> d;
  const hn::ScalableTag<float> df;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sums[kRows][2 * kPanels];
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < 2 * kPanels; ++p) sums[r][p] = hn::Zero(d);
  }
  for (int64_t g = 0; g < groups; ++g) {
    for (int p = 0; p < kPanels; ++p) {
      const auto* const panel = reinterpret_cast<const int32_t*>(columns.panels + p * step + g * 8 * lanes);
      const auto low = hn::LoadU(d, panel), high = hn::LoadU(d, panel + lanes);
      for (int r = 0; r < kRows; ++r) {
        int32_t four;
        std::memcpy(&four, A + r * lda + 4 * g, sizeof four);
        const auto a = hn::Set(d, four);
        sums[r][2 * p] = AddProductsOfBytes(d, sums[r][2 * p], a, low);
        sums[r][2 * p + 1] = AddProductsOfBytes(d, sums[r][2 * p + 1], a, high);
      }
    }
  }
  for (int p = 0; p < 2 * kPanels; ++p) {
    const int64_t at = p * lanes, rest = columns.count - at;
    if (rest <= 0) continue;
    const auto offset = kSignedRows ? hn::Zero(d) : hn::LoadU(d, columns.offsets + at);
    const auto scale = hn::LoadU(df, columns.scales + at);
    const float* const begin = columns.bias ? columns.bias + at : nullptr;
    const auto bias = !begin          ? hn::Zero(df)
                      : rest >= lanes ? hn::LoadU(df, begin)
                                      : LoadFirst(df, rest, begin);
    for (int r = 0; r < kRows; ++r) {
      const auto sum = hn::ConvertTo(df, hn::Sub(sums[r][p], offset));
      const auto product = hn::Mul(sum, hn::Mul(hn::Set(df, row_scales[r]), scale));
      if (rest >= lanes) {
        hn::StoreU(hn::Add(product, bias), df, C + r * ldc + at);
      } else {
        StoreFirst(df, hn::Add(product, bias), rest, C + r * ldc + at);
      }
    }
  }
}

using QuantisedTileFunction = void (*)(int64_t, int64_t, const uint8_t*, int64_t, const float*,
                                       const QuantisedColumns&, float*, int64_t);

// For 1 to kQuantisedTile rows: as many panels at once as there are registers for.
template <int... kRows>
QuantisedTileFunction QuantisedTileFor(int64_t rows, std::integer_sequence<int, kRows...>, bool many) {
  constexpr QuantisedTileFunction kSingle[] = {QuantisedTile<kRows + 1, 1>...};
  constexpr QuantisedTileFunction kMany[] = {QuantisedTile<kRows + 1, kQuantisedTile / (kRows + 1)>...};
  return (many ? kMany : kSingle)[rows - 1];
}

// Panels first to end of C, of at most kQuantisedRows rows.
void MultiplyQuantisedRows(int64_t first, int64_t end, int64_t M, int64_t groups, const uint8_t* A,
                           const float* row_scales, const QuantisedColumns& all, float* C, int64_t ldc) {
  const int64_t width = QuantisedWidth(), step = groups * 4 * width, lda = groups * 4;
  const std::make_integer_sequence<int, kQuantisedTile> counts;
  const int64_t last = (M - 1) % kQuantisedTile + 1;  // rows of the last tile
  for (int64_t panel = first; panel < end;) {
    // tiles of few rows take several panels: only where all tiles are such
    const int64_t fit = M <= kQuantisedTile ? kQuantisedTile / M : 1, together = panel + fit <= end ? fit : 1;
    const int64_t at = panel * width;
    const QuantisedColumns columns{all.panels + panel * step, all.scales + at, all.offsets + at,
                                   all.bias ? all.bias + at : nullptr, all.count - at};
    for (int64_t row = 0; row < M; row += kQuantisedTile) {
      QuantisedTileFor(row + kQuantisedTile <= M ? kQuantisedTile : last, counts, together > 1)(
          groups, step, A + row * lda, lda, row_scales + row, columns, C + row * ldc + at, ldc);
    }
    panel += together;
  }
}

// Panels first to end of C.
void MultiplyQuantised(int64_t first, int64_t end, int64_t M, int64_t groups, const uint8_t* A,
                       const float* row_scales, const QuantisedColumns& all, float* C, int64_t ldc) {
  for (int64_t row = 0; row < M; row += kQuantisedRows) {
    MultiplyQuantisedRows(first, end, std::min(kQuantisedRows, M - row), groups, A + row * groups * 4,
                          row_scales + row, all, C + row * ldc, ldc);
  }
}

// The largest |x|; NaN where a value is NaN or infinite.
float LargestOf(int64_t K, const float* x) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto most = hn::Zero(d), total = hn::Zero(d);
  int64_t k = 0;
  for (; k + lanes <= K; k += lanes) {
    const auto value = hn::Abs(hn::LoadU(d, x + k));
    most = hn::Max(most, value);
    total = hn::Add(total, hn::Sub(value, value));  // NaN once a value is NaN or infinite
  }
  float largest = hn::GetLane(hn::MaxOfLanes(d, most)), bad = hn::GetLane(hn::SumOfLanes(d, total));
  for (; k < K; ++k) {
    largest = std::max(largest, std::abs(x[k]));
    bad += x[k] - x[k];
  }
  return std::isnan(bad) ? bad : largest;
}

// Rounds a row to u - 128 times the scale that is returned; what is beyond K stands for zero.
float QuantiseRow(int64_t K, int64_t padded, const float* x, uint8_t* into) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::conditional_t<kSignedRows, int8_t, uint8_t>, decltype(d)> d8;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const hn::RebindToSigned<decltype(d)> d32;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float largest = LargestOf(K, x);
  std::memset(into, kRowZero, static_cast<size_t>(padded));
  if (std::isnan(largest)) return largest;
  const float scale = largest / 127, inverse = 127 / largest;
  if (scale == 0 || !std::isfinite(inverse)) return 0;  // nothing, or next to it
  const auto factor = hn::Set(d, inverse);
  const auto middle = hn::Set(d32, kRowZero);
  int64_t k = 0;
  for (; k + lanes <= K; k += lanes) {
    const auto whole = hn::Add(hn::NearestInt(hn::Mul(hn::LoadU(d, x + k), factor)), middle);
    hn::StoreU(hn::DemoteTo(d8, hn::DemoteTo(d16, whole)), d8,
               reinterpret_cast<hn::TFromD<decltype(d8)>*>(into + k));
  }
  for (; k < K; ++k) into[k] = static_cast<uint8_t>(std::lrint(x[k] * inverse) + kRowZero);
  return scale;
}

// heed::quantise of a column, to the bit.
float QuantiseColumn(int64_t K, const float* x, int8_t* into) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float scale = LargestOf(K, x) / 127;
  if (!(scale > 0)) {  // zeros, or NaN
    std::memset(into, 0, static_cast<size_t>(K));
    return scale;
  }
  const auto divisor = hn::Set(d, scale), least = hn::Set(d, -127.0F), most = hn::Set(d, 127.0F);
  int64_t k = 0;
  for (; k + lanes <= K; k += lanes) {
    const auto whole = hn::NearestInt(hn::Min(hn::Max(hn::Div(hn::LoadU(d, x + k), divisor), least), most));
    hn::StoreU(hn::DemoteTo(d8, hn::DemoteTo(d16, whole)), d8, into + k);
  }
  for (; k < K; ++k) into[k] = static_cast<int8_t>(std::lrint(std::clamp(x[k] / scale, -127.0F, 127.0F)));
  return scale;
}

// Whether the numbers are what rounding to [-127, 127] with the largest at an end gives.
bool SpansRange(int64_t K, const int8_t* x) {
  const hn::ScalableTag<int8_t> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto end = hn::Set(d, int8_t{127}), other_end = hn::Set(d, int8_t{-127}),
             beyond = hn::Set(d, int8_t{-128});
  auto at_end = hn::MaskFromVec(hn::Zero(d)), outside = at_end;
  int64_t k = 0;
  for (; k + lanes <= K; k += lanes) {
    const auto values = hn::LoadU(d, x + k);
    at_end = hn::Or(at_end, hn::Or(hn::Eq(values, end), hn::Eq(values, other_end)));
    outside = hn::Or(outside, hn::Eq(values, beyond));
  }
  bool found = !hn::AllFalse(d, at_end), wide = !hn::AllFalse(d, outside);
  for (; k < K; ++k) {
    found |= x[k] == 127 || x[k] == -127;
    wide |= x[k] == -128;
  }
  return found && !wide;
}

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heed::kernels {
HWY_EXPORT(QuantisedWidth);
HWY_EXPORT(MultiplyQuantised);
HWY_EXPORT(QuantiseRow);
HWY_EXPORT(QuantiseColumn);
HWY_EXPORT(SpansRange);

QuantisedMatrix::QuantisedMatrix(int64_t K, int64_t N)
    : K_(K), N_(N), width_(HWY_DYNAMIC_DISPATCH(QuantisedWidth)()), groups_((K + 3) / 4) {
  const int64_t columns = (N + width_ - 1) / width_ * width_;
  panel_bytes_ = static_cast<size_t>(columns * groups_ * 4);
  scales_.assign(static_cast<size_t>(columns), 0);
  offsets_.assign(static_cast<size_t>(columns), 0);
  panels_ = static_cast<int8_t*>(pool_allocate(panel_bytes_));
  const size_t last =
      static_cast<size_t>(groups_ * width_ * 4);  // bytes of the last panel, not all columns of which exist
  if (columns > N) std::memset(panels_ + panel_bytes_ - last, 0, last);
}

void QuantisedMatrix::set_scale(int64_t n, float scale, int32_t sum) {
  scales_[static_cast<size_t>(n)] = scale;
  offsets_[static_cast<size_t>(n)] = 128 * sum;
}

void QuantisedMatrix::set_column(int64_t n, float scale, const int8_t* whole) {
  set_scale(n, scale, std::accumulate(whole, whole + groups_ * 4, int32_t{0}));
  int8_t* const panel = panels_ + (n / width_ * groups_ * width_ + n % width_) * 4;
  for (int64_t group = 0; group < groups_; ++group)
    std::memcpy(panel + group * width_ * 4, whole + group * 4, 4);
}

QuantisedMatrix::QuantisedMatrix(int64_t K, int64_t N, const float* data, int64_t row_stride,
                                 int64_t column_stride)
    : QuantisedMatrix(K, N) {
  std::vector<float> gathered(row_stride == 1 ? 0 : static_cast<size_t>(K));
  std::vector<int8_t> whole(static_cast<size_t>(groups_ * 4));  // zeros beyond K
  for (int64_t n = 0; n < N; ++n) {
    const float* column = data + n * column_stride;
    if (row_stride != 1) {
      for (int64_t k = 0; k < K; ++k) gathered[static_cast<size_t>(k)] = column[k * row_stride];
      column = gathered.data();
    }
    const float scale = HWY_DYNAMIC_DISPATCH(QuantiseColumn)(K, column, whole.data());
    set_column(n, scale, whole.data());
  }
}

QuantisedMatrix::QuantisedMatrix(const QuantisedRows& columns)
    : QuantisedMatrix(columns.columns, columns.rows) {
  std::vector<float> values(static_cast<size_t>(K_));
  std::vector<int8_t> whole(static_cast<size_t>(groups_ * 4));
  std::vector<char> as_stored(static_cast<size_t>(width_));
  for (int64_t first = 0; first < N_; first += width_) {  // panel by panel
    const int64_t count = std::min(width_, N_ - first);
    const int8_t* const panel = columns.whole + first * K_;
    // rounding the values would give these numbers again, with the scale that their largest value gives
    bool all = K_ % 4 == 0 && reinterpret_cast<uintptr_t>(panel) % sizeof(uint32_t) == 0;
    for (int64_t i = 0; i < count; ++i) {
      as_stored[static_cast<size_t>(i)] = HWY_DYNAMIC_DISPATCH(SpansRange)(K_, panel + i * K_);
      all = all && as_stored[static_cast<size_t>(i)];
    }
    if (all) {  // groups of four bytes, turned
      transpose(count, groups_, reinterpret_cast<const uint32_t*>(panel), groups_,
                reinterpret_cast<uint32_t*>(panels_ + first * groups_ * 4), width_);
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t n = first + i;
      const int8_t* const stored = panel + i * K_;
      const float scale = 127.0F * columns.scales[n] / 127.0F;
      if (all) {
        set_scale(n, scale, std::accumulate(stored, stored + K_, int32_t{0}));
      } else if (as_stored[static_cast<size_t>(i)]) {
        std::memcpy(whole.data(), stored, static_cast<size_t>(K_));
        set_column(n, scale, whole.data());
      } else {
        columns.restore(n, values.data());
        set_column(n, HWY_DYNAMIC_DISPATCH(QuantiseColumn)(K_, values.data(), whole.data()), whole.data());
      }
    }
  }
}

QuantisedMatrix::~QuantisedMatrix() { pool_free(panels_, panel_bytes_); }

void QuantisedMatrix::multiply(int64_t M, const float* A, int64_t lda, const float* bias, float* C,
                               int64_t ldc) const {
  if (M == 0 || N_ == 0) return;
  heed::detail::count_flops(2 * M * N_ * K_);
  const int64_t padded = groups_ * 4;
  const size_t scale_bytes = static_cast<size_t>(M) * sizeof(float);
  const size_t bytes = scale_bytes + static_cast<size_t>(M * padded);
  auto* const scales = static_cast<float*>(pool_allocate(bytes));
  auto* const rows = reinterpret_cast<uint8_t*>(scales + M);
  for (int64_t m = 0; m < M; ++m)
    scales[m] = HWY_DYNAMIC_DISPATCH(QuantiseRow)(K_, padded, A + m * lda, rows + m * padded);
  constexpr int64_t kWork = int64_t{1} << 19;  // multiply-adds that are worth a thread
  const int64_t panels = (N_ + width_ - 1) / width_;
  parallel_for(panels, std::max<int64_t>(1, kWork / std::max<int64_t>(M * width_ * K_, 1)),
               [&](int64_t begin, int64_t end) {
                 HWY_DYNAMIC_DISPATCH(MultiplyQuantised)
                 (begin, end, M, groups_, rows, scales,
                  QuantisedColumns{panels_, scales_.data(), offsets_.data(), bias, N_}, C, ldc);
               });
  pool_free(scales, bytes);
}

size_t QuantisedMatrix::bytes() const {
  return panel_bytes_ + scales_.size() * sizeof(float) + offsets_.size() * sizeof(int32_t);
}

}  // namespace heed::kernels
#endif
