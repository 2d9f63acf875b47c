#include "framework/ops/integers.h"

#include <algorithm>
#include <cstring>

#include "framework/autograd/grad_mode.h"
#include "framework/ops/reduced.h"

namespace heed::detail {
namespace {

// f over the rows of i64 or of a mask, as Y.
template <class Y, class F>
Tensor reduce_integers(const char* op, const Tensor& x, const std::vector<int>& dims, KeepDim keep,
                       const F& f) {
  const NoGradGuard no_grad;
  const Reduced reduced(op, x, dims);
  return x.dtype() == DType::boolean ? reduce_rows<bool, Y>(op, reduced, x, keep, f)
                                     : reduce_rows<int64_t, Y>(op, reduced, x, keep, f);
}

}  // namespace

namespace {

uint64_t total(const int64_t* row, int64_t n) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<uint64_t>(row[i]);
  return sum;
}
// Eight bytes of 0 or 1 at a time, whose sums a byte holds 255 of.
uint64_t total(const bool* row, int64_t n) {
  constexpr int64_t kBytes = 8, kMost = 255;
  uint64_t sum = 0;
  int64_t i = 0;
  while (n - i >= kBytes) {
    const int64_t words = std::min(kMost, (n - i) / kBytes);
    uint64_t bytes = 0;
    for (int64_t w = 0; w < words; ++w) {
      uint64_t word;
      std::memcpy(&word, row + i + w * kBytes, sizeof word);
      bytes += word;
    }
    for (int64_t b = 0; b < kBytes; ++b) sum += bytes >> (8 * b) & 0xFF;
    i += words * kBytes;
  }
  for (; i < n; ++i) sum += row[i] ? 1 : 0;
  return sum;
}

}  // namespace

Tensor sum_of_integers(const Tensor& x, const std::vector<int>& dims, KeepDim keep) {
  return reduce_integers<int64_t>("sum", x, dims, keep,
                                  [](const auto* row, int64_t n) { return total(row, n); });
}

Tensor product_of_integers(const Tensor& x, const std::vector<int>& dims, KeepDim keep) {
  return reduce_integers<int64_t>("prod", x, dims, keep, [](const auto* row, int64_t n) {
    uint64_t product = 1;
    for (int64_t i = 0; i < n; ++i) product *= static_cast<uint64_t>(row[i]);
    return product;
  });
}

Tensor extreme_of_integers(const char* op, bool largest, const Tensor& x, const std::vector<int>& dims,
                           KeepDim keep) {
  const auto reduce = [&]<class Y>(Y) {
    return reduce_integers<Y>(op, x, dims, keep, [largest](const auto* row, int64_t n) {
      return largest ? *std::max_element(row, row + n) : *std::min_element(row, row + n);
    });
  };
  return x.dtype() == DType::boolean ? reduce(bool{}) : reduce(int64_t{});
}

Tensor cumulative_sum_of_integers(const Tensor& x, int dim) {
  const Tensor dense = x.to(DType::i64).contiguous(), y = allocate("cumsum", x.shape(), DType::i64);
  int64_t inner = 1;
  for (int i = dim + 1; i < x.ndim(); ++i) inner *= x.shape()[i];
  const int64_t n = x.shape()[dim];
  const int64_t* const from = dense.data<int64_t>();
  int64_t* const to = y.data<int64_t>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const bool first = i / inner % n == 0;
    to[i] = first
                ? from[i]
                : static_cast<int64_t>(static_cast<uint64_t>(to[i - inner]) + static_cast<uint64_t>(from[i]));
  }
  return y;
}

}  // namespace heed::detail
