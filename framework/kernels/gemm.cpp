// Which backend takes which product. The choice goes by shape alone, never by a timing, so that equal runs
// give equal bits.
//   f64: OpenBLAS. f32: small matrices by multiply_small(); OpenBLAS below 64, with AVX2 alone below 16 (a
//     call of oneDNN costs 0.2 us), and for large weight gradients (transposed A); oneDNN for the rest.
//   f32 in bf16: oneDNN, where the product is large enough to pay for the rounding of both operands.
#include "framework/kernels/onednn/gemm.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <utility>

#include "framework/core/autocast.h"
#include "framework/core/flops.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/core/scratch.h"
#include "framework/core/tensor.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/openblas/gemm.h"

namespace heed {
bool has_bf16_products() { return kernels::onednn::has_bf16(); }
}  // namespace heed

namespace heed::kernels {
namespace {

using heed::detail::Scratch;

// OpenBLAS picks its kernels by the CPU's model number; one it does not know gets those of 2004 (Prescott),
// ten times slower.
bool openblas_is_slow() {
  static const bool slow = [] {
    const std::string core = openblas::core_name();
    return core != "SkylakeX" && core != "Cooperlake" && core != "SapphireRapids" && core != "Haswell" &&
           core != "Zen";
  }();
  return slow;
}

// From 0.3.17 on OpenBLAS has kernels that do not pack small matrices, for AVX-512 alone.
bool openblas_packs_small_products() {
  static const bool packs = [] {
    const std::string core = openblas::core_name();
    return core != "SkylakeX" && core != "Cooperlake" && core != "SapphireRapids";
  }();
  return packs;
}

// Of weight gradients [M, N] oneDNN makes small ones faster, and shares them out better: its threads split
// the depth, too.
bool onednn_sums_faster(int64_t M, int64_t N) {
  if (openblas_packs_small_products()) return std::min(M, N) >= 16 && M <= 512 && M * N <= 192 * 192;
  return std::min(M, N) >= 32 && (M <= 256 || (M <= 512 && N <= 128));
}

// oneDNN leaves the right-hand side of up to 512 rows where it lies. Rows of it that are a multiple of 2 KB
// apart share sets of the first cache, and its AVX2 kernels then take up to twice the time.
bool rows_share_cache_sets(int64_t M, int64_t ldb) { return M <= 512 && ldb % 512 == 0; }

bool onednn_is_better(bool ta, bool tb, int64_t M, int64_t N, int64_t K, int64_t ldb) {
  if (openblas_is_slow()) return true;
  if (M < 16) return N * K >= 64 * 64;  // few rows: OpenBLAS packs the whole right-hand side
  if (!openblas_packs_small_products())
    return ta && !tb && K >= 256 ? onednn_sums_faster(M, N) : !ta && std::min({M, N, K}) >= 64;
  if (tb && M * N * K > int64_t{1} << 17) return std::min(N, K) >= 16;
  if (!tb && rows_share_cache_sets(M, ldb)) return false;
  if (ta) return !tb && (K < 256 ? M < 512 && std::min(N, K) >= 64 : onednn_sums_faster(M, N));
  return std::min(N, K) >= 64;
}

// Matrices so small that how they are read counts for as much as the sums: whether the product is done.
//   The dot products of a transposed B take 1.2 to 1.7 times as long as the product with B turned first.
//   Where OpenBLAS packs both sides of every product, ours are faster up to some 64 x 64 x 64.
bool multiply_small(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda,
                    const float* B, int64_t ldb, float beta, float* C, int64_t ldc) {
  constexpr int64_t kLargestB = int64_t{1} << 14;
  if ((beta != 0 && beta != 1) || N * K > kLargestB) return false;
  const int64_t products = M * N * K;
  const bool packs = openblas_packs_small_products();
  if (tb && !ta && M >= 12 && N >= 16 && products <= int64_t{1} << (packs ? 17 : 20)) {
    const Scratch<uint32_t> turned(K * N);
    transpose(N, K, reinterpret_cast<const uint32_t*>(B), ldb, turned.data(), N);
    const auto* const b = reinterpret_cast<const float*>(turned.data());
    if (!multiply_small(false, false, M, N, K, A, lda, b, N, beta, C, ldc))
      openblas::gemm(false, false, M, N, K, A, lda, b, N, beta, C, ldc);
    return true;
  }
  if (packs) {
    if (tb || M < 2 || N < 8 || products > int64_t{1} << 18) return false;
    small_gemm(ta, M, N, K, A, lda, B, ldb, beta == 1, C, ldc);
  } else {
    if (products > int64_t{1} << 19) return false;
    openblas::gemm(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
  }
  return true;
}

bool wants_bf16() { return heed::detail::RoundedProducts::active() && onednn::has_bf16(); }

int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

Scratch<uint16_t> rounded_to_bf16(int64_t rows, int64_t columns, const float* x, int64_t ld, int64_t padded) {
  Scratch<uint16_t> y(padded * columns);
  round_to_bf16(rows, columns, x, ld, y.data());
  std::fill_n(y.data() + rows * columns, (padded - rows) * columns, uint16_t{0});
  return y;
}

// A matrix in bf16: its own, or what a RoundedOnce keeps.
class Bf16Matrix {
 public:
  explicit Bf16Matrix(Scratch<uint16_t> own) : own_(std::move(own)), data_(own_->data()) {}
  explicit Bf16Matrix(const uint16_t* kept) : data_(kept) {}
  const uint16_t* data() const { return data_; }

 private:
  std::optional<Scratch<uint16_t>> own_;
  const uint16_t* data_;
};

// x [rows, columns] in bf16, dense, followed by rows of zeros up to `padded`.
Bf16Matrix as_bf16(int64_t rows, int64_t columns, const float* x, int64_t ld, int64_t padded) {
  if (const uint16_t* const kept = RoundedOnce::find(rows, columns, x, ld)) return Bf16Matrix(kept);
  return Bf16Matrix(rounded_to_bf16(rows, columns, x, ld, padded));
}

// Transposed A with transposed B does not occur in training.
bool bf16_is_better(bool ta, bool tb, int64_t M, int64_t N, int64_t K, float beta) {
  return !(ta && tb) && (beta == 0 || beta == 1) &&
         ((std::min({M, N, K}) >= 32 && M * N * K >= int64_t{1} << 20) || heed::detail::round_every_size);
}

// oneDNN makes a kernel for each shape, and batches differ in their number of tokens. Tokens are the rows of
// A, or with transposed A the depth: rows go in pieces of few sizes, the depth is padded with zeros.
constexpr int64_t kSmallestPiece = 32, kLargestPiece = 1024;
int64_t padded_rows(int64_t M) { return round_up(M, kSmallestPiece); }
int64_t padded_depth(int64_t K) { return round_up(K, K > 256 ? 256 : kSmallestPiece); }

// C[M, N] = A op(B) (+ C) (+ bias); A has padded_rows(M) rows.
void multiply_in_pieces(bool tb, int64_t M, int64_t N, int64_t K, const uint16_t* A, const uint16_t* B,
                        bool accumulate, const float* bias, float* C, int64_t ldc) {
  int64_t row = 0;
  for (int64_t rows = kLargestPiece; rows >= kSmallestPiece; rows /= 2) {
    for (; M - row >= rows; row += rows)
      onednn::gemm_bf16(false, tb, rows, N, K, A + row * K, B, accumulate, bias, C + row * ldc, ldc);
  }
  if (row == M) return;
  const Scratch<float> last(kSmallestPiece * N);
  onednn::gemm_bf16(false, tb, kSmallestPiece, N, K, A + row * K, B, false, bias, last.data(), N);
  for (int64_t r = 0; row + r < M; ++r) {
    float* const into = C + (row + r) * ldc;
    if (accumulate) {
      add_row(N, last.data() + r * N, into);
    } else {
      std::copy_n(last.data() + r * N, N, into);
    }
  }
}

void gemm_bf16(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
               int64_t ldb, bool accumulate, float* C, int64_t ldc, const float* bias = nullptr) {
  if (ta) {
    const int64_t depth = padded_depth(K);
    const Bf16Matrix a = as_bf16(K, M, A, lda, depth), b = as_bf16(K, N, B, ldb, depth);
    return onednn::gemm_bf16(true, false, M, N, depth, a.data(), b.data(), accumulate, bias, C, ldc);
  }
  const Bf16Matrix a = as_bf16(M, K, A, lda, padded_rows(M));
  const Bf16Matrix b = tb ? as_bf16(N, K, B, ldb, N) : as_bf16(K, N, B, ldb, K);
  multiply_in_pieces(tb, M, N, K, a.data(), b.data(), accumulate, bias, C, ldc);
}

// Products of a depth above kDeep, whose sums in f32 would drift: parts of kDepth are summed in double. Below
// it, where training is, BLAS' own blocks of some hundred are as exact as they are in PyTorch.
constexpr int64_t kDeep = 32768, kDepth = 256;

// C = A op(B) + beta C for K > kDeep.
void deep_gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
               int64_t ldb, float beta, float* C, int64_t ldc) {
  const Scratch<float> part(M * N);
  const Scratch<double> total(M * N);
  std::fill_n(total.data(), M * N, 0.0);
  for (int64_t k = 0; k < K; k += kDepth) {
    gemm<float>(ta, tb, M, N, std::min(kDepth, K - k), A + (ta ? k * lda : k), lda, B + (tb ? k : k * ldb),
                ldb, 0.0F, part.data(), N);
    for (int64_t i = 0; i < M * N; ++i) total.data()[i] += static_cast<double>(part.data()[i]);
  }
  for (int64_t i = 0; i < M; ++i) {
    for (int64_t j = 0; j < N; ++j) {
      const double before = beta == 0 ? 0.0 : static_cast<double>(beta) * static_cast<double>(C[i * ldc + j]);
      C[i * ldc + j] = static_cast<float>(total.data()[i * N + j] + before);
    }
  }
}

// How a 2-D strided operand reads as a row-major matrix or the transpose of one.
struct Layout {
  bool transposed;
  int64_t ld;
};
bool read_layout(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride, Layout& layout) {
  if ((column_stride == 1 || columns == 1) && row_stride >= std::max<int64_t>(columns, 1)) {
    layout = {false, row_stride};
    return true;
  }
  if ((row_stride == 1 || rows == 1) && column_stride >= std::max<int64_t>(rows, 1)) {
    layout = {true, column_stride};
    return true;
  }
  if (rows == 1 && column_stride == 1) {
    layout = {false, columns};
    return true;
  }
  return false;
}

template <class T>
void batched(const Tensor& a, const Tensor& b, const Tensor& c, double beta, const Layout& la,
             const Layout& lb) {
  const int d = a.ndim() - 2;
  const int64_t batches = d == 0 ? 1 : a.shape()[0];
  const int64_t M = a.shape()[d], K = a.shape()[d + 1], N = b.shape()[d + 1];
  const int64_t step_a = d == 0 ? 0 : a.strides()[0], step_b = d == 0 ? 0 : b.strides()[0],
                step_c = d == 0 ? 0 : c.strides()[0];
  const auto one = [&](int64_t i) {
    gemm<T>(la.transposed, lb.transposed, M, N, K, a.data<T>() + i * step_a, la.ld, b.data<T>() + i * step_b,
            lb.ld, static_cast<T>(beta), c.data<T>() + i * step_c, c.strides()[d]);
  };
  if (batches == 1) return one(0);
  constexpr int64_t kCall = 1 << 13;  // multiply-adds in the time of a call
  const int64_t work = M * N * K + kCall, grain = (openblas::kWorthThreads / 2 + work - 1) / work;
  parallel_for(batches, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(i);
  });
}

}  // namespace

template <class T>
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb,
          T beta, T* C, int64_t ldc) {
  if (M == 0 || N == 0) return;
  if constexpr (std::is_same_v<T, float>) {
    if (K > kDeep) return deep_gemm(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
  }
  const detail::ProductThreads alone;
  detail::count_flops(2 * M * N * K);
  if (K == 0) {
    for (int64_t i = 0; i < M; ++i) {
      for (int64_t j = 0; j < N; ++j) C[i * ldc + j] = beta == T{0} ? T{0} : C[i * ldc + j] * beta;
    }
    return;
  }
  if constexpr (std::is_same_v<T, float>) {
    if (wants_bf16() && bf16_is_better(ta, tb, M, N, K, beta))
      return gemm_bf16(ta, tb, M, N, K, A, lda, B, ldb, beta == 1, C, ldc);
    if (multiply_small(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc)) return;
    if (onednn_is_better(ta, tb, M, N, K, ldb)) {
      // oneDNN starts a team even for a row of 72
      const detail::ProductThreads one(M * N * K < openblas::kWorthThreads);
      return onednn::gemm(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
    }
  }
  openblas::gemm(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
}
template void gemm(bool, bool, int64_t, int64_t, int64_t, const float*, int64_t, const float*, int64_t, float,
                   float*, int64_t);
template void gemm(bool, bool, int64_t, int64_t, int64_t, const double*, int64_t, const double*, int64_t,
                   double, double*, int64_t);

RoundedOnce::RoundedOnce(const Tensor& x) : before_(std::exchange(current_, this)) {
  if (x.ndim() != 2 || x.dtype() != DType::f32 || x.strides()[1] != 1) return;
  rows_ = x.size(0), columns_ = x.size(1), ld_ = x.strides()[0], x_ = x.data<float>();
}
RoundedOnce::~RoundedOnce() { current_ = before_; }
const uint16_t* RoundedOnce::find(int64_t rows, int64_t columns, const float* x, int64_t ld) {
  RoundedOnce* const kept = current_;
  if (!kept || kept->x_ != x || kept->rows_ != rows || kept->columns_ != columns || kept->ld_ != ld)
    return nullptr;
  if (!kept->values_)  // as the rows of a product and as its depth
    kept->values_.emplace(
        rounded_to_bf16(rows, columns, x, ld, std::max(padded_rows(rows), padded_depth(rows))));
  return kept->values_->data();
}

void linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& y) {
  const int64_t M = x.size(0), K = x.size(1), N = weight.size(0);
  if (x.dtype() == DType::f32 && wants_bf16() && bf16_is_better(false, true, M, N, K, 0) &&
      x.is_contiguous() && weight.is_contiguous() && bias.is_contiguous() && K <= kDeep) {
    const detail::ProductThreads alone;
    detail::count_flops(2 * M * N * K);
    return gemm_bf16(false, true, M, N, K, x.data<float>(), K, weight.data<float>(), K, false,
                     y.data<float>(), N, bias.data<float>());
  }
  copy_strided(y.dtype(), y.shape(), bias.raw_data(), {0, bias.strides()[0]}, y.raw_data(), y.strides());
  matmul(x, make_view(weight, {K, N}, {weight.strides()[1], weight.strides()[0]}, 0), y, 1.0);
}

void matmul(const Tensor& a, const Tensor& b, const Tensor& c, double beta) {
  const int d = a.ndim() - 2;
  Layout la{}, lb{};
  Tensor dense_a = a, dense_b = b;
  if (!read_layout(a.shape()[d], a.shape()[d + 1], a.strides()[d], a.strides()[d + 1], la)) {
    dense_a = a.contiguous();
    la = {false, std::max<int64_t>(a.shape()[d + 1], 1)};
  }
  if (!read_layout(b.shape()[d], b.shape()[d + 1], b.strides()[d], b.strides()[d + 1], lb)) {
    dense_b = b.contiguous();
    lb = {false, std::max<int64_t>(b.shape()[d + 1], 1)};
  }
  dispatch_floating("matmul", a.dtype(),
                    [&](auto t) { batched<decltype(t)>(dense_a, dense_b, c, beta, la, lb); });
}

template <class T>
PackedMatrix<T>::PackedMatrix(int64_t K, int64_t N, const T* data, int64_t row_stride, int64_t column_stride,
                              int64_t rows)
    : K_(K), N_(N) {
  const detail::ProductThreads alone;
  if constexpr (std::is_same_v<T, float>) {
    rows_ = std::max<int64_t>(rows, 1);
    bf16_ = wants_bf16();
    const onednn::Packing packing{rows_, N, K, bf16_};
    if (K * N >= 64 * 64) bytes_ = onednn::packed_bytes(packing);
    blocked_ = bytes_ > 0;
    if (blocked_) {
      packed_ = pool_allocate(bytes_);
      onednn::pack(packing, data, row_stride, column_stride, packed_);
      return;
    }
    // oneDNN has a layout of its own for AVX-512 alone
    if (!bf16_ && (rows_ < 16 || rows_share_cache_sets(rows_, N)) && has_wide_panels()) {
      panels_ = std::make_unique<PanelMatrix<float>>(K, N, data, row_stride, column_stride);
      return;
    }
  }
  bytes_ = static_cast<size_t>(K * N) * sizeof(T);
  packed_ = pool_allocate(bytes_);
  const Strides from{row_stride, column_stride}, into{N, 1};
  copy_strided(dtype_of<T>(), Shape{K, N}, data, from, packed_, into);
}

template <class T>
PackedMatrix<T>::~PackedMatrix() {
  pool_free(packed_, bytes_);
}

template <class T>
void PackedMatrix<T>::multiply(int64_t M, const T* A, int64_t lda, T beta, T* C, int64_t ldc) const {
  if (M == 0) return;
  const detail::ProductThreads alone;
  if constexpr (std::is_same_v<T, float>) {
    if (blocked_) {
      detail::count_flops(2 * M * N_ * K_);
      const onednn::Packing packing{rows_, N_, K_, bf16_};
      bool done = false;
      if (bf16_) {
        const Bf16Matrix a = as_bf16(M, K_, A, lda, M);
        done = onednn::multiply_packed(packing, M, a.data(), K_, packed_, beta != 0, C, ldc);
      } else {
        done = onednn::multiply_packed(packing, M, A, lda, packed_, beta != 0, C, ldc);
      }
      if (!done)
        throw Error("matmul",
                    fmt::format("oneDNN has no kernel for {} rows on a packed [{}, {}]", M, K_, N_));
      return;
    }
    if (panels_) {
      if (beta == 0) return panels_->multiply(M, A, lda, nullptr, C, ldc);
      return panels_->add_product(M, A, lda, C, ldc);
    }
  }
  gemm<T>(false, false, M, N_, K_, A, lda, static_cast<const T*>(packed_), N_, beta, C, ldc);
}
template class PackedMatrix<float>;
template class PackedMatrix<double>;

template <class T>
StoredMatrix<T>::StoredMatrix(int64_t M, int64_t K)
    : M_(M), K_(K), bf16_(std::is_same_v<T, float> && wants_bf16()) {
  bytes_ = bf16_ ? static_cast<size_t>(padded_depth(M) * K) * sizeof(uint16_t)
                 : static_cast<size_t>(M * K) * sizeof(T);
  data_ = pool_allocate(bytes_);
  if (bf16_) std::fill_n(static_cast<uint16_t*>(data_) + M * K, (padded_depth(M) - M) * K, uint16_t{0});
}

template <class T>
StoredMatrix<T>::~StoredMatrix() {
  pool_free(data_, bytes_);
}

template <class T>
void StoredMatrix<T>::store(int64_t row, int64_t count, const T* x) {
  if constexpr (std::is_same_v<T, float>) {
    if (bf16_) return round_to_bf16(count, K_, x, K_, static_cast<uint16_t*>(data_) + row * K_);
  }
  std::copy_n(x, count * K_, static_cast<T*>(data_) + row * K_);
}

template <class T>
T* StoredMatrix<T>::rows(int64_t row) {
  return bf16_ ? nullptr : static_cast<T*>(data_) + row * K_;
}

template <class T>
void StoredMatrix<T>::multiply(int64_t N, const T* B, T* C) const {
  if constexpr (std::is_same_v<T, float>) {
    if (bf16_ && M_ > 0 && K_ > 0 && N > 0) {  // oneDNN divides by the sizes
      const detail::ProductThreads alone;
      detail::count_flops(2 * M_ * N * K_);
      const Bf16Matrix b = as_bf16(K_, N, B, N, K_);
      return multiply_in_pieces(false, M_, N, K_, static_cast<const uint16_t*>(data_), b.data(), false,
                                nullptr, C, N);
    }
  }
  gemm<T>(false, false, M_, N, K_, static_cast<const T*>(data_), K_, B, N, T{0}, C, N);
}

template <class T>
void StoredMatrix<T>::add_transposed_product(int64_t N, const T* B, T* C) const {
  if constexpr (std::is_same_v<T, float>) {
    if (bf16_ && M_ > 0 && K_ > 0 && N > 0) {  // oneDNN divides by the sizes
      const detail::ProductThreads alone;
      detail::count_flops(2 * M_ * N * K_);
      const Bf16Matrix b = as_bf16(M_, N, B, N, padded_depth(M_));
      return onednn::gemm_bf16(true, false, K_, N, padded_depth(M_), static_cast<const uint16_t*>(data_),
                               b.data(), true, nullptr, C, N);
    }
  }
  gemm<T>(true, false, K_, N, M_, static_cast<const T*>(data_), K_, B, N, T{1}, C, N);
}

// X [256, 8000] is packed for X^T B, and is not for B^T X: 74 and 82 GFLOP/s at N = 128, 84 and 91 at 256,
// the same at 512 (Zen 3).
template <class T>
bool StoredMatrix<T>::is_faster_on_the_right(int64_t N) {
  return std::is_same_v<T, float> && !wants_bf16() && openblas_packs_small_products() && N >= 64 && N <= 256;
}
template <class T>
void StoredMatrix<T>::add_product_on_the_right(int64_t N, const T* B, T* C) const {
  const Scratch<T> turned(N * M_);
  const Strides from{1, N}, into{M_, 1};
  copy_strided(dtype_of<T>(), Shape{N, M_}, B, from, turned.data(), into);
  gemm<T>(false, false, N, K_, M_, turned.data(), M_, static_cast<const T*>(data_), K_, T{1}, C, K_);
}
template class StoredMatrix<float>;
template class StoredMatrix<double>;

std::string blas_core() { return openblas::core_name(); }
std::string openblas_version() { return openblas::version(); }
std::string onednn_version() { return onednn::version(); }

}  // namespace heed::kernels
