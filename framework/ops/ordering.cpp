// What chooses elements: sort, topk, argmax, argmin, unique. Values come by gather, and so do their
// gradients.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "framework/autograd/grad_mode.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// a before b in rising order; NaN counts as the largest.
template <class T>
bool is_less(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
  }
  return a < b;
}

// A whole number that is the larger the later x comes: NaN last, both zeros the same.
inline uint32_t rank_of(float x) {
  if (std::isnan(x)) return UINT32_MAX;
  const auto bits = std::bit_cast<uint32_t>(x + 0.0F);
  return bits >> 31 ? ~bits : bits | 0x80000000U;
}

// The first k places of a dense row in order, equal elements as they stand.
template <class T>
void first_places(const T* row, int64_t n, int64_t k, bool descending, std::vector<uint64_t>& keys,
                  int64_t* places) {
  if constexpr (std::is_same_v<T, float>) {  // rank and place in one number
    if (n <= UINT32_MAX) {
      keys.resize(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) {
        const uint32_t rank = rank_of(row[i]);
        keys[static_cast<size_t>(i)] = uint64_t{descending ? ~rank : rank} << 32 | static_cast<uint64_t>(i);
      }
      if (k < n) {
        std::ranges::nth_element(keys, keys.begin() + k);
        std::sort(keys.begin(), keys.begin() + k);
      } else {
        std::ranges::sort(keys);
      }
      for (int64_t i = 0; i < k; ++i)
        places[i] = static_cast<int64_t>(keys[static_cast<size_t>(i)] & UINT32_MAX);
      return;
    }
  }
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](int64_t i, int64_t j) {
    return descending ? is_less(row[j], row[i]) : is_less(row[i], row[j]);
  });
  std::copy_n(order.begin(), k, places);
}

// The k largest of a row that holds no NaN, falling, equal elements as they stand: those that are above the
// k-th so far are looked for.
template <class T>
void largest_places(const T* row, int64_t n, int64_t k, int64_t* places) {
  const auto insert = [&](int64_t count, int64_t place) {  // behind equal ones; count elements stand
    int64_t i = count;
    for (; i > 0 && row[places[i - 1]] < row[place]; --i) {
      if (i < k) places[i] = places[i - 1];
    }
    if (i < k) places[i] = place;
  };
  for (int64_t i = 0; i < k; ++i) insert(i, i);
  for (int64_t i = k; i < n; ++i) {
    const T least = row[places[k - 1]];
    i += kernels::find_above(n - i, row + i, least);
    if (i < n) insert(k, i);
  }
}

// The first k places in order along dim.
Tensor ordered(const Tensor& input, int64_t k, int dim, bool descending) {
  const int last = input.ndim() - 1;
  if (dim != last)
    return transpose(ordered(transpose(input.detach(), dim, last), k, last, descending), dim, last)
        .contiguous();
  const Tensor x = input.detach().contiguous(), y = empty(x.shape().with(dim, k), DType::i64);
  const int64_t n = x.shape()[dim], rows = n == 0 ? 0 : x.numel() / n;
  const bool few = k > 0 && k <= 64 && k * 16 <= n;
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    parallel_for(rows, std::max<int64_t>(1, 4096 / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end) {
      std::vector<uint64_t> keys;
      std::vector<T> negated;
      for (int64_t r = begin; r < end; ++r) {
        const T* row = x.data<T>() + r * n;
        int64_t* const places = y.data<int64_t>() + r * k;
        if constexpr (std::is_floating_point_v<T>) {
          T most = 0;
          if (few) kernels::extreme<T>(true, 1, n, 1, row, &most);
          if (few && !std::isnan(most)) {
            if (!descending) {
              negated.resize(static_cast<size_t>(n));
              std::transform(row, row + n, negated.begin(), std::negate<T>());
              row = negated.data();
            }
            largest_places(row, n, k, places);
            continue;
          }
        }
        first_places(row, n, k, descending, keys, places);
      }
    });
  });
  return y;
}

struct Sort {
  static void samples(SampleList& s) {
    const auto add = [&](const char* torch, const Shape& shape, int dim, bool descending) {
      s.add(torch, {SampleInput(shape, SampleInput::Fill::normal)}, [dim, descending](const auto& x) {
        const Sorted sorted = sort(x[0], dim, descending);
        return std::vector{sorted.values, sorted.indices};
      });
    };
    add("tuple(torch.sort(a))", {2, 5}, -1, false);
    add("tuple(torch.sort(a, 0, descending=True))", {4, 3}, 0, true);
    add("tuple(torch.sort(a, 1))", {0, 3}, 1, false);
  }
};

struct TopK {
  static void samples(SampleList& s) {
    const auto add = [&](const char* torch, const Shape& shape, int64_t k, int dim, bool largest) {
      s.add(torch, {SampleInput(shape, SampleInput::Fill::normal)}, [k, dim, largest](const auto& x) {
        const Sorted top = topk(x[0], k, dim, largest);
        return std::vector{top.values, top.indices};
      });
    };
    add("tuple(torch.topk(a, 2))", {3, 5}, 2, -1, true);
    add("tuple(torch.topk(a, 3, 0, largest=False))", {4, 2}, 3, 0, false);
    s.again({{4, 0}});
  }
};

struct UniqueOf {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) {
      const Unique u = unique(x[0]);
      return std::vector{u.values, u.inverse, u.counts};
    };
    const char* const torch = "tuple(torch.unique(a, return_inverse=True, return_counts=True))";
    s.add(torch, {integers({2, 4}, {3, -1, 3, 0, 7, 0, 3, 3})}, run)
        .without_gradient("chosen by their values");
    s.add(torch, {integers({0}, {})}, run).without_gradient("chosen by their values");
  }
};

template <bool kLargest>
struct ArgExtreme {
  static void samples(SampleList& s) {
    const auto add = [&](const char* dim_text, const Shape& shape, int dim) {
      s.add(fmt::format("torch.{}(a, {})", kLargest ? "argmax" : "argmin", dim_text),
            {SampleInput(shape, SampleInput::Fill::normal)},
            [dim](const auto& x) { return std::vector{kLargest ? argmax(x[0], dim) : argmin(x[0], dim)}; })
          .without_gradient("places have no gradient");
    };
    add("-1", {3, 70}, -1);
    add("0", {4, 3}, 0);
    add("1", {2, 5, 3}, 1);
    add("1", {0, 3}, 1);
  }
};

Tensor arg_extreme(const char* op, const Tensor& input, int dim, bool largest) {
  detail::require_defined(op, input);
  if (input.ndim() == 0)
    throw ShapeError(op, fmt::format("nothing to choose from in {}", input.shape().str()));
  const int d = wrap_dim(op, dim, input.ndim());
  if (input.shape()[d] == 0)
    throw ShapeError(op, fmt::format("nothing to choose from in {}", input.shape().str()));
  const Tensor x = input.contiguous(), y = empty(x.shape().without(d), DType::i64);
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < d; ++i) outer *= x.shape()[i];
  for (int i = d + 1; i < x.ndim(); ++i) inner *= x.shape()[i];
  const int64_t n = x.shape()[d];
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    Tensor best;
    if constexpr (std::is_floating_point_v<T>) {
      best = empty(y.shape(), x.dtype());
      kernels::extreme<T>(largest, outer, n, inner, x.data<T>(), best.data<T>());
    } else {
      best = largest ? amax(x, d) : amin(x, d);
    }
    const auto is_nan = [](T value) { return value != value; };
    const auto is_it = [&](T value, T most) { return value == most || is_nan(value); };  // NaN is the most
    const int64_t grain = std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(n * inner, 1));
    parallel_for(outer, grain, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const T *const rows = x.data<T>() + o * n * inner, *const most = best.data<T>() + o * inner;
        int64_t* const to = y.data<int64_t>() + o * inner;
        if (inner == 1) {
          const bool nan = is_nan(*most);
          *to = std::find_if(rows, rows + n, [&](T v) { return nan ? is_nan(v) : v == *most; }) - rows;
          continue;
        }
        for (int64_t r = n - 1; r >= 0; --r) {  // the first is written last
          for (int64_t i = 0; i < inner; ++i) to[i] = is_it(rows[r * inner + i], most[i]) ? r : to[i];
        }
      }
    });
  });
  return y;
}

}  // namespace

Sorted sort(const Tensor& x, int dim, bool descending) {
  detail::require_defined("sort", x);
  const int d = wrap_dim("sort", dim, x.ndim());
  return detail::composed("sort", [&] {
    const Tensor indices = ordered(x, x.size(d), d, descending);
    return Sorted{gather(x, d, indices), indices};
  });
}

Sorted topk(const Tensor& x, int64_t k, int dim, bool largest) {
  detail::require_defined("topk", x);
  const int d = wrap_dim("topk", dim, x.ndim());
  if (k < 0 || k > x.size(d))
    throw IndexError("topk",
                     fmt::format("{} of {} along dimension {} of {}", k, x.size(d), d, x.shape().str()));
  return detail::composed("topk", [&] {
    const Tensor indices = ordered(x, k, d, largest);
    return Sorted{gather(x, d, indices), indices};
  });
}

namespace {

// Of whole numbers that lie close together, by counting; nothing for others.
std::optional<Unique> unique_by_counts(const Tensor& x) {
  if (x.dtype() != DType::i64 || x.numel() == 0) return std::nullopt;
  const Tensor dense = x.contiguous();
  const std::span from(dense.data<int64_t>(), static_cast<size_t>(x.numel()));
  const auto [least, most] = std::ranges::minmax(from);
  const uint64_t range = static_cast<uint64_t>(most) - static_cast<uint64_t>(least);
  if (range / 4 >= from.size()) return std::nullopt;
  std::vector<int64_t> counts(range + 1), number(range + 1), values, found;
  for (const int64_t value : from) ++counts[static_cast<size_t>(value - least)];
  for (size_t i = 0; i < counts.size(); ++i) {
    number[i] = static_cast<int64_t>(values.size());
    if (counts[i] == 0) continue;
    values.push_back(least + static_cast<int64_t>(i));
    found.push_back(counts[i]);
  }
  const Tensor inverse = empty(x.shape(), DType::i64);
  for (size_t i = 0; i < from.size(); ++i)
    inverse.data<int64_t>()[i] = number[static_cast<size_t>(from[i] - least)];
  const Shape shape{static_cast<int64_t>(values.size())};
  return Unique{from_vector(values, shape), inverse, from_vector(found, shape)};
}

}  // namespace

Unique unique(const Tensor& x) {
  detail::require_defined("unique", x);
  return detail::composed("unique", [&] {
    const NoGradGuard no_grad;
    if (std::optional<Unique> counted = unique_by_counts(x)) return *std::move(counted);
    const int64_t n = x.numel();
    const Sorted sorted = sort(reshape(x, {n}));
    const Tensor inverse = empty(x.shape(), DType::i64);
    const int64_t* const place = sorted.indices.data<int64_t>();
    std::vector<int64_t> firsts, counts;
    dispatch_all(x.dtype(), [&](auto t) {
      const auto* const value = sorted.values.data<decltype(t)>();
      for (int64_t i = 0; i < n; ++i) {
        if (i == 0 || !(value[i] == value[i - 1])) {
          firsts.push_back(i);
          counts.push_back(0);
        }
        ++counts.back();
        inverse.data<int64_t>()[place[i]] = static_cast<int64_t>(counts.size()) - 1;
      }
    });
    const auto found = static_cast<int64_t>(firsts.size());
    return Unique{index_select(sorted.values, 0, from_vector(firsts, {found})), inverse,
                  from_vector(counts, {found})};
  });
}

Tensor argmax(const Tensor& x, int dim, KeepDim keep) {
  return detail::composed("argmax", [&] {
    const Tensor y = arg_extreme("argmax", x, dim, /*largest=*/true);
    return keep == KeepDim::yes ? unsqueeze(y, wrap_dim("argmax", dim, x.ndim())) : y;
  });
}
Tensor argmin(const Tensor& x, int dim, KeepDim keep) {
  return detail::composed("argmin", [&] {
    const Tensor y = arg_extreme("argmin", x, dim, /*largest=*/false);
    return keep == KeepDim::yes ? unsqueeze(y, wrap_dim("argmin", dim, x.ndim())) : y;
  });
}

DEFINE_OP(sort, Sort)
DEFINE_OP(topk, TopK)
DEFINE_OP(unique, UniqueOf)
DEFINE_OP(argmax, ArgExtreme<true>)
DEFINE_OP(argmin, ArgExtreme<false>)

}  // namespace heed
