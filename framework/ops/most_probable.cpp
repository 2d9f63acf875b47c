#include "framework/ops/most_probable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "framework/core/check.h"
#include "framework/core/error.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"

namespace heed {
namespace {

// The k largest of a row as a heap whose front is the last of them.
template <class T>
void best_of_row(const T* x, int64_t k, const IdRanges& allowed, std::vector<ProbableId>& heap) {
  const auto value = [x](const ProbableId& p) { return x[p.id]; };
  const auto better = [&](const ProbableId& a, const ProbableId& b) {
    const T u = value(a), v = value(b);
    const bool one = std::isnan(u), other = std::isnan(v);
    if (one || other) return one != other ? one : a.id < b.id;
    return u != v ? u > v : a.id < b.id;
  };
  for (const auto& [first, end] : allowed) {
    int at = first;
    for (; at < end && heap.size() < static_cast<size_t>(k); ++at) {
      heap.push_back({at, 0});
      std::ranges::push_heap(heap, better);
    }
    // the ids rise: one that equals the last of the heap is behind it
    while (at < end && !std::isnan(value(heap.front()))) {
      at += static_cast<int>(kernels::find_above<T>(end - at, x + at, value(heap.front())));
      if (at == end) break;
      std::ranges::pop_heap(heap, better);
      heap.back() = {at++, 0};
      std::ranges::push_heap(heap, better);
    }
  }
  std::ranges::sort_heap(heap, better);
}

}  // namespace

std::vector<std::vector<ProbableId>> most_probable(const Tensor& x, int64_t k,
                                                   std::span<const IdRanges* const> allowed, Scale scale) {
  detail::require_defined("most_probable", x);
  const detail::ProfiledFunction profiled("most_probable", x);
  if (x.ndim() != 2 || static_cast<size_t>(x.size(0)) != allowed.size()) {
    throw ShapeError("most_probable",
                     fmt::format("{} with the allowed ids of {} rows", x.shape().str(), allowed.size()));
  }
  if (k < 1) throw IndexError("most_probable", fmt::format("k must be at least 1, got {}", k));
  const int64_t B = x.size(0), V = x.size(1);
  for (const IdRanges* ranges : allowed) {
    for (const auto& [first, end] : *ranges) {
      if (first < 0 || first > end || end > V)
        throw IndexError("most_probable", fmt::format("ids {} to {} of {}", first, end, V));
    }
  }
  const Tensor rows = x.detach().contiguous();
  std::vector<std::vector<ProbableId>> best(static_cast<size_t>(B));
  dispatch_floating("most_probable", rows.dtype(), [&](auto t) {
    using T = decltype(t);
    const int64_t grain = std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(V, 1));
    parallel_for(B, grain, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const T* const row = rows.data<T>() + r * V;
        std::vector<ProbableId>& found = best[static_cast<size_t>(r)];
        best_of_row(row, k, *allowed[static_cast<size_t>(r)], found);
        const double total = scale == Scale::logits && !found.empty() ? kernels::log_sum_exp<T>(V, row) : 0.0;
        for (ProbableId& p : found) p.log_probability = static_cast<double>(row[p.id]) - total;
      }
    });
  });
  return best;
}

}  // namespace heed
