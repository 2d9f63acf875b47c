// median(x, dim): the lower one of the middle two, as PyTorch has it; its gradient is gather's.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <type_traits>
#include <vector>

#include "framework/core/parallel.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Median {
  static void samples(SampleList& s) {
    const auto along = [](int dim) {
      return [dim](const auto& x) {
        const Sorted middle = median(x[0], dim);
        return std::vector{middle.values, middle.indices};
      };
    };
    s.add("tuple(torch.median(a, -1))", {{3, 5}}, along(-1));
    s.add("tuple(torch.median(a, 0))", {{4, 2}}, along(0));
    s.add("tuple(torch.median(a, 1))", {{2, 3, 2}}, along(1));
    s.add("tuple(torch.median(a, 1))", {{0, 3}}, along(1));
  }
};

// Where the median of each of the lanes [*, n] stands: as a stable sort would have it, the last NaN if there
// is one.
template <class T>
int64_t middle(std::span<const T> lane, std::vector<T>& memory) {
  const auto is_nan = [](T v) { return v != v; };
  if (const auto nan = std::find_if(lane.rbegin(), lane.rend(), is_nan); nan != lane.rend())
    return lane.rend() - nan - 1;
  memory.assign(lane.begin(), lane.end());
  const size_t rank = (lane.size() - 1) / 2;
  const auto at = memory.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(memory.begin(), at, memory.end());
  const T value = *at;
  // of those that are as large, which one
  auto before = static_cast<int64_t>(rank) - std::ranges::count_if(lane, [&](T v) { return v < value; });
  for (size_t i = 0;; ++i) {
    if (lane[i] == value && before-- == 0) return static_cast<int64_t>(i);
  }
}

// Of lanes [*, n], each of which is dense.
template <class T>
Tensor middles(const Tensor& lanes) {
  using Held = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;  // there is no vector of bool
  const int64_t n = lanes.size(-1), count = lanes.numel() / n;
  const Tensor found = empty({count}, DType::i64);
  parallel_for(count, std::max<int64_t>(1, 16384 / n), [&](int64_t begin, int64_t end) {
    std::vector<Held> memory;
    for (int64_t i = begin; i < end; ++i) {
      const auto* const lane = static_cast<const Held*>(lanes.raw_data()) + i * n;
      found.data<int64_t>()[i] = middle<Held>({lane, static_cast<size_t>(n)}, memory);
    }
  });
  return found;
}

}  // namespace

Sorted median(const Tensor& x, int dim) {
  detail::require_defined("median", x);
  if (x.ndim() == 0) throw ShapeError("median", "nothing to choose from in []");
  const int d = wrap_dim("median", dim, x.ndim());
  const int64_t n = x.shape()[d];
  if (n == 0) throw ShapeError("median", "nothing to choose from in " + x.shape().str());
  return detail::composed("median", [&] {
    if (x.numel() == 0) {  // no lanes
      const Tensor none = empty(x.shape().with(d, 1), DType::i64);
      return Sorted{squeeze(gather(x, d, none), d), squeeze(none, d)};
    }
    const Tensor lanes = movedim(x.detach(), d, -1).contiguous();
    Tensor index;
    dispatch_all(x.dtype(), [&](auto t) { index = middles<decltype(t)>(lanes); });
    index = reshape(index, x.shape().with(d, 1));
    return Sorted{squeeze(gather(x, d, index), d), squeeze(index, d)};
  });
}

DEFINE_OP(median, Median)

}  // namespace heed
