// Which backend takes which product. The choice goes by shape alone, never by a timing, so that equal runs give equal bits.
//   f64: OpenBLAS. f32: OpenBLAS below 64 (a oneDNN call costs 0.2 us) and for weight gradients (transposed A), oneDNN for the rest.
#include "framework/kernels/onednn/gemm.h"

#include <fmt/format.h>

#include <cstring>

#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/core/tensor.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/openblas/gemm.h"

namespace heed::kernels {
namespace {

// OpenBLAS picks its kernels by the CPU's model number; one it does not know gets those of 2004 (Prescott), ten times slower.
bool openblas_is_slow() {
  static const bool slow = [] {
    const std::string core = openblas::core_name();
    return core != "SkylakeX" && core != "Cooperlake" && core != "SapphireRapids" && core != "Haswell" && core != "Zen";
  }();
  return slow;
}

bool onednn_is_better(bool ta, int64_t M, int64_t N, int64_t K) {
  if (openblas_is_slow()) return true;
  if (M < 16) return N * K >= 64 * 64;  // few rows: OpenBLAS packs the whole right-hand side
  return !ta && std::min({M, N, K}) >= 64;
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
void batched(const Tensor& a, const Tensor& b, const Tensor& c, double beta, const Layout& la, const Layout& lb) {
  const int d = a.ndim() - 2;
  const int64_t batches = d == 0 ? 1 : a.shape()[0];
  const int64_t M = a.shape()[d], K = a.shape()[d + 1], N = b.shape()[d + 1];
  const int64_t step_a = d == 0 ? 0 : a.strides()[0], step_b = d == 0 ? 0 : b.strides()[0], step_c = d == 0 ? 0 : c.strides()[0];
  const auto one = [&](int64_t i) {
    gemm<T>(la.transposed, lb.transposed, M, N, K, a.data<T>() + i * step_a, la.ld, b.data<T>() + i * step_b, lb.ld, static_cast<T>(beta),
            c.data<T>() + i * step_c, c.strides()[d]);
  };
  if (batches == 1) return one(0);
  const int64_t work = std::max<int64_t>(M * N * K, 1);
  parallel_for(batches, std::max<int64_t>(1, 200000 / work), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(i);
  });
}

}  // namespace

template <class T>
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb, T beta, T* C, int64_t ldc) {
  if (M == 0 || N == 0) return;
  if (K == 0) {
    for (int64_t i = 0; i < M; ++i) {
      for (int64_t j = 0; j < N; ++j) C[i * ldc + j] = beta == T{0} ? T{0} : C[i * ldc + j] * beta;
    }
    return;
  }
  if constexpr (std::is_same_v<T, float>) {
    if (onednn_is_better(ta, M, N, K)) return onednn::gemm(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
  }
  openblas::gemm(ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
}
template void gemm(bool, bool, int64_t, int64_t, int64_t, const float*, int64_t, const float*, int64_t, float, float*, int64_t);
template void gemm(bool, bool, int64_t, int64_t, int64_t, const double*, int64_t, const double*, int64_t, double, double*, int64_t);

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
  dispatch_floating("matmul", a.dtype(), [&](auto t) { batched<decltype(t)>(dense_a, dense_b, c, beta, la, lb); });
}

template <class T>
PackedMatrix<T>::PackedMatrix(int64_t K, int64_t N, const T* data, int64_t row_stride, int64_t column_stride, int64_t rows) : K_(K), N_(N) {
  if constexpr (std::is_same_v<T, float>) {
    rows_ = std::max<int64_t>(rows, 1);
    if (K * N >= 64 * 64) bytes_ = onednn::packed_bytes(rows_, N, K);
    blocked_ = bytes_ > 0;
    if (blocked_) {
      packed_ = static_cast<T*>(pool_allocate(bytes_));
      onednn::pack(rows_, N, K, data, row_stride, column_stride, packed_);
      return;
    }
  }
  bytes_ = static_cast<size_t>(K * N) * sizeof(T);
  packed_ = static_cast<T*>(pool_allocate(bytes_));
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
  if constexpr (std::is_same_v<T, float>) {
    if (blocked_) {
      if (onednn::multiply_packed(rows_, M, N_, K_, A, lda, packed_, beta != 0, C, ldc)) return;
      throw Error(fmt::format("matmul: oneDNN has no kernel for {} rows on a packed [{}, {}]", M, K_, N_));
    }
  }
  gemm<T>(false, false, M, N_, K_, A, lda, packed_, N_, beta, C, ldc);
}
template class PackedMatrix<float>;
template class PackedMatrix<double>;

std::string blas_core() { return openblas::core_name(); }
std::string onednn_version() { return onednn::version(); }

}  // namespace heed::kernels
