#include "framework/ops/integers.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/autograd/grad_mode.h"
#include "framework/core/parallel.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"

namespace heed::detail {
namespace {

// y[...] = f(row, n) over the dims, as Y; the rows are those of x with the reduced dims last.
template <class Y, class F>
Tensor reduce_integers(const char* op, const Tensor& x, const std::vector<int>& named, KeepDim keep,
                       DType into, const F& f) {
  require_defined(op, x);
  const NoGradGuard no_grad;
  std::bitset<kMaxDims> reduced = named_dims(op, named, x.ndim());
  if (named.empty()) reduced.set();
  Shape shape;
  std::vector<int> order, last;
  int64_t n = 1;
  for (int i = 0; i < x.ndim(); ++i) {
    const bool is_reduced = reduced[static_cast<size_t>(i)];
    (is_reduced ? last : order).push_back(i);
    if (is_reduced) n *= x.shape()[i];
    if (!is_reduced || keep == KeepDim::yes) shape.push_back(is_reduced ? 1 : x.shape()[i]);
  }
  order.insert(order.end(), last.begin(), last.end());
  const Tensor rows = permute(x, order).contiguous(), y = allocate(op, shape, into);
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    const T* const from = rows.data<T>();
    Y* const to = y.data<Y>();
    parallel_for(y.numel(), std::max<int64_t>(1, 32768 / std::max<int64_t>(n, 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t r = begin; r < end; ++r) to[r] = static_cast<Y>(f(from + r * n, n));
                 });
  });
  return y;
}

}  // namespace

Tensor sum_of_integers(const Tensor& x, const std::vector<int>& dims, KeepDim keep) {
  return reduce_integers<int64_t>("sum", x, dims, keep, DType::i64, [](const auto* row, int64_t n) {
    uint64_t total = 0;
    for (int64_t i = 0; i < n; ++i) total += static_cast<uint64_t>(row[i]);
    return total;
  });
}

Tensor product_of_integers(const Tensor& x, const std::vector<int>& dims, KeepDim keep) {
  return reduce_integers<int64_t>("prod", x, dims, keep, DType::i64, [](const auto* row, int64_t n) {
    uint64_t product = 1;
    for (int64_t i = 0; i < n; ++i) product *= static_cast<uint64_t>(row[i]);
    return product;
  });
}

Tensor extreme_of_integers(const char* op, bool largest, const Tensor& x, const std::vector<int>& dims,
                           KeepDim keep) {
  const auto reduce = [&]<class Y>(Y) {
    return reduce_integers<Y>(op, x, dims, keep, x.dtype(), [largest](const auto* row, int64_t n) {
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
