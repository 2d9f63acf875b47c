#include "framework/ops/most_probable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "framework/core/check.h"
#include "framework/core/error.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"

namespace heed {
namespace {

// The search for the k largest of a row: a pass over all of it tells its largest value and those of blocks,
// of which the k-th largest is a level that k values reach, so that few blocks are looked at again.
template <class T>
class RowSearch {
 public:
  // The k largest among the allowed, the best first, into `best`, with log probabilities 0.
  void find(const T* x, int64_t V, int64_t k, const IdRanges& allowed, std::vector<ProbableId>& best) {
    blocks_.clear();
    constexpr T none = -std::numeric_limits<T>::infinity();
    most_ = none;
    int64_t done = 0;
    for (const auto& [first, end] : allowed) {
      look(x, done, first, /*wanted=*/false);
      look(x, first, end, /*wanted=*/true);
      done = end;
    }
    look(x, done, V, /*wanted=*/false);
    T level = none;
    if (k < static_cast<int64_t>(blocks_.size())) {
      reached_.clear();
      for (const Block& block : blocks_) reached_.push_back(block.most);
      const auto at = reached_.begin() + static_cast<std::ptrdiff_t>(k - 1);
      std::nth_element(reached_.begin(), at, reached_.end(), std::greater<>());
      level = *at;
    }
    const T below = std::nextafter(level, none);
    const auto better = [x](const ProbableId& a, const ProbableId& b) {
      const T u = x[a.id], v = x[b.id];
      const bool one = std::isnan(u), other = std::isnan(v);
      if (one || other) return one != other ? one : a.id < b.id;
      return u != v ? u > v : a.id < b.id;
    };
    for (const Block& block : blocks_) {
      if (block.most < level) continue;
      int at = block.first;
      while (at < block.end && best.size() < static_cast<size_t>(k)) {
        if (level > none) at += static_cast<int>(kernels::find_above<T>(block.end - at, x + at, below));
        if (at == block.end) break;
        best.push_back({at++, 0});
        std::ranges::push_heap(best, better);
      }
      // the front is the last of the heap; the ids rise: one that equals it is behind it
      while (at < block.end && !std::isnan(x[best.front().id])) {
        at += static_cast<int>(kernels::find_above<T>(block.end - at, x + at, x[best.front().id]));
        if (at == block.end) break;
        std::ranges::pop_heap(best, better);
        best.back() = {at++, 0};
        std::ranges::push_heap(best, better);
      }
    }
    std::ranges::sort_heap(best, better);
  }
  // The largest value of the row that was searched last, allowed or not.
  T most() const { return most_; }

 private:
  struct Block {
    int first, end;
    T most;  // infinity where one is NaN, which counts as the largest
  };

  void look(const T* x, int64_t first, int64_t end, bool wanted) {
    if (first == end) return;
    reached_.resize(static_cast<size_t>((end - first + kernels::kMaximaBlock - 1) / kernels::kMaximaBlock));
    kernels::block_maxima(end - first, x + first, reached_.data());
    for (const T most : reached_) {
      const T largest = std::isnan(most) ? std::numeric_limits<T>::infinity() : most;
      most_ = std::max(most_, largest);
      const int64_t next = std::min(first + kernels::kMaximaBlock, end);
      if (wanted) blocks_.push_back({static_cast<int>(first), static_cast<int>(next), largest});
      first = next;
    }
  }

  std::vector<Block> blocks_;  // of the allowed ids
  std::vector<T> reached_;
  T most_ = 0;
};

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
      RowSearch<T> search;
      for (int64_t r = begin; r < end; ++r) {
        const T* const row = rows.data<T>() + r * V;
        std::vector<ProbableId>& found = best[static_cast<size_t>(r)];
        search.find(row, V, k, *allowed[static_cast<size_t>(r)], found);
        const double total =
            scale == Scale::logits && !found.empty() ? kernels::log_sum_exp<T>(V, row, search.most()) : 0.0;
        for (ProbableId& p : found) p.log_probability = static_cast<double>(row[p.id]) - total;
      }
    });
  });
  return best;
}

}  // namespace heed
