#include "framework/ops/indexed_attention.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/core/check.h"
#include "framework/core/error.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"

namespace heed {

IndexedAttentionResult indexed_attention(const Tensor& query, const Tensor& keys, const Tensor& values,
                                         const Tensor& index, const Tensor& lengths, int64_t heads) {
  constexpr const char* kOp = "indexed_attention";
  detail::require_defined(kOp, query, keys, values, index);
  detail::ProfiledFunction profiled("indexed_attention", query, index);
  const bool shaped = query.ndim() == 2 && keys.ndim() == 2 && values.ndim() == 2 && index.ndim() == 2 &&
                      keys.size(1) == query.size(1) && values.size(0) == keys.size(0) &&
                      index.size(0) == query.size(0) &&
                      (!lengths.defined() || lengths.shape() == Shape{query.size(0)});
  if (!shaped || keys.strides()[1] != 1 || values.strides()[1] != 1) {
    throw ShapeError(kOp, fmt::format("query {}, keys {}, values {}, index {}", query.shape().str(),
                                      keys.shape().str(), values.shape().str(), index.shape().str()));
  }
  if (heads < 1 || query.size(1) % heads != 0 || values.size(1) % heads != 0)
    throw ShapeError(kOp, fmt::format("{} heads of keys {} and values {}", heads, keys.shape().str(),
                                      values.shape().str()));
  if (keys.dtype() != query.dtype() || values.dtype() != query.dtype() || index.dtype() != DType::i64 ||
      (lengths.defined() && lengths.dtype() != DType::i64)) {
    throw DTypeError(kOp, fmt::format("query {}, keys {}, values {}, index {}", query.describe(),
                                      keys.describe(), values.describe(), index.describe()));
  }
  const int64_t B = query.size(0), N = index.size(1), D = query.size(1), E = values.size(1), P = keys.size(0);
  profiled.moved((index.numel() + B) * (D + E) * static_cast<int64_t>(size_of(query.dtype())));
  const Tensor q = query.detach().contiguous(), at = index.contiguous();
  const std::vector<int64_t> counts =
      lengths.defined() ? lengths.to_vector<int64_t>() : std::vector(static_cast<size_t>(B), N);
  const int64_t* const rows = at.data<int64_t>();
  for (int64_t b = 0; b < B; ++b) {
    const int64_t count = counts[static_cast<size_t>(b)];
    if (count < 0 || count > N) throw IndexError(kOp, fmt::format("length {} is outside 0..{}", count, N));
    for (int64_t j = 0; j < count; ++j) {
      if (rows[b * N + j] < 0 || rows[b * N + j] >= P)
        throw IndexError(kOp, fmt::format("index {} out of range for {} rows", rows[b * N + j], P));
    }
  }
  IndexedAttentionResult result{empty({B, E}, q.dtype()), empty({B, heads, N}, q.dtype())};
  dispatch_floating(kOp, q.dtype(), [&](auto t) {
    using T = decltype(t);
    const int64_t grain = std::max<int64_t>(1, 30000 / std::max<int64_t>(1, N * (D + E)));
    parallel_for(B, grain, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const kernels::IndexedRows<T> seen{.keys = keys.data<T>(),
                                           .values = values.data<T>(),
                                           .ld_keys = keys.strides()[0],
                                           .ld_values = values.strides()[0],
                                           .key_size = D,
                                           .value_size = E,
                                           .index = rows + b * N,
                                           .count = counts[static_cast<size_t>(b)]};
        kernels::indexed_attention<T>(seen, q.data<T>() + b * D, heads,
                                      result.weights.template data<T>() + b * heads * N, N,
                                      result.context.template data<T>() + b * E);
      }
    });
  });
  return result;
}

}  // namespace heed
