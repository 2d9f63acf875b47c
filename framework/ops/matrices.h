// What ops on batches of matrices share: checks, and the loop over the batch.
#pragma once

#include <atomic>

#include "framework/core/autocast.h"
#include "framework/core/parallel.h"
#include "framework/core/tensor.h"

namespace heed::detail {

/// The matrices of a tensor [*, rows, columns].
struct Matrices {
  int64_t count, rows, columns;
};

/// @throws DTypeError, ShapeError for less than two dimensions, ValueError for a NaN or an infinity
Matrices matrices_of(const char* op, const Tensor& x);
/// @throws as matrices_of, and ShapeError for a matrix that is not square
Matrices square_matrices_of(const char* op, const Tensor& x);
/// The dimensions in front of the last `last`.
Shape leading_dims(const Shape& shape, int last);
/// Such dimensions with more behind them.
Shape with_last(Shape leading, std::initializer_list<int64_t> last);
/// Throws ValueError "op: matrix 2 of f32[4, 3, 3] is singular" unless the index is negative.
void require_none(const char* op, const Tensor& x, int64_t index, const char* what);

/// Calls f(i) for each matrix, on several threads.
/// @param work operations of one matrix
/// @param f returns whether it succeeded
/// @return the first matrix where it did not, or -1
template <class F>
int64_t first_failure(int64_t count, int64_t work, const F& f) {
  std::atomic<int64_t> failed{count};
  parallel_for(count, std::max<int64_t>(1, 32768 / std::max<int64_t>(work, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   if (f(i)) continue;
                   int64_t before = failed.load();
                   while (i < before && !failed.compare_exchange_weak(before, i)) {
                   }
                 }
               });
  return failed == count ? -1 : failed.load();
}

/// @{
/// Well-conditioned matrices out of any values, for samples, and PyTorch's expressions for those of input a:
/// not symmetric; positive definite; with singular values that are far apart.
Tensor regular(const Tensor& x);
Tensor positive_definite(const Tensor& x);
Tensor with_distinct_values(const Tensor& x);
constexpr const char *kRegular = "(a * 0.2 + 2 * torch.eye(a.shape[-1]).to(a))",
                     *kPositiveDefinite = "((a + a.mT) * 0.1 + 3 * torch.eye(a.shape[-1]).to(a))",
                     *kWithDistinctValues =
                         "(a * 0.1 + torch.eye(a.shape[-2], a.shape[-1]).to(a) * "
                         "torch.arange(1, a.shape[-1] + 1).to(a) * 1.5)";
/// @}

}  // namespace heed::detail
