// Elements chosen by integers: gather, scatter_add, index_select, one_hot; and what chooses them: sort, topk,
// argmax, argmin.
// vjp: gather: scatter_add of g into zeros; scatter_add: (g, gather of g). The others are compositions.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>

#include "framework/core/check.h"
#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

constexpr const char* kOfIndices = "whole numbers have no gradient";

// Throws unless all numbers are in [0, extent of dim).
void check_choices(const char* op, int64_t count, const int64_t* chosen, const Shape& shape, int dim) {
  const int64_t outside = kernels::first_outside(count, chosen, shape[dim]);
  if (outside < count)
    throw IndexError(op, fmt::format("index {} is outside 0..{} of dimension {} of {}", chosen[outside],
                                     shape[dim] - 1, dim, shape.str()));
}

// An index beside a dense tensor of `shape`, along dim: rows of the index and where their choices lie.
struct Choices {
  const char* op;
  Tensor index;  // dense
  Shape shape;   // of the tensor that is chosen from
  int dim;
  int64_t n, rows, step;  // elements of a row of the index, its rows, and what one more along dim is worth

  Choices(const char* name, const Tensor& of_index, const Shape& of, int along)
      : op(name), index(of_index.contiguous()), shape(of), dim(along) {
    n = shape.ndim() == 0 ? 1 : index.shape().back();
    rows = n == 0 ? 0 : index.numel() / n;
    step = shape.ndim() == 0 ? 1 : contiguous_strides(shape)[dim];
  }
  // f(i, at) for the elements i of the rows [begin, end): `at` is where the choice lies.
  template <class F>
  void each(int64_t begin, int64_t end, const F& f) const {
    if (begin == end) return;  // an extent may be 0
    const int64_t* const chosen = index.data<int64_t>();
    const int last = shape.ndim() - 1;
    const Strides strides = contiguous_strides(shape);
    Shape at = index.shape();
    int64_t start = 0, rest = begin;
    for (int d = last - 1; d >= 0; --d) {
      at[d] = rest % index.shape()[d];
      rest /= index.shape()[d];
      if (d != dim) start += at[d] * strides[d];
    }
    const auto next = [&] {
      for (int d = last - 1; d >= 0; --d) {
        if (d != dim) start += strides[d];
        if (++at[d] < index.shape()[d]) return;
        if (d != dim) start -= at[d] * strides[d];
        at[d] = 0;
      }
    };
    const int64_t together = std::max<int64_t>(1, 2048 / std::max<int64_t>(n, 1));  // checked while in cache
    for (int64_t r = begin; r < end; ++r, next()) {
      const int64_t first = r * n;
      if ((r - begin) % together == 0)
        check_choices(op, std::min(together, end - r) * n, chosen + first, shape, dim);
      if (dim >= last) {
        for (int64_t k = 0; k < n; ++k) f(first + k, start + chosen[first + k]);
      } else {
        for (int64_t k = 0; k < n; ++k) f(first + k, start + chosen[first + k] * step + k);
      }
    }
  }
  int64_t grain() const { return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(n, 1)); }
};

// Throws unless index fits x: whole numbers, and but along dim no longer than x. Whether they are inside dim
// is checked where they are read (Choices).
void check_index(const char* op, const Tensor& index, const Shape& x, int dim) {
  detail::require_defined(op, index);
  if (index.dtype() != DType::i64)
    throw DTypeError(op, fmt::format("the index must be i64, got {}", index.describe()));
  bool fits = index.ndim() == x.ndim();
  for (int i = 0; fits && i < x.ndim(); ++i) fits = i == dim || index.shape()[i] <= x[i];
  if (!fits)
    throw ShapeError(op, fmt::format("the index {} does not fit {} along dimension {}", index.shape().str(),
                                     x.str(), dim));
}

struct Gather {
  static constexpr const char* kName = "gather";
  int dim;
  Shape shape;
  Tensor forward(const Tensor& input, const Tensor& index, Saved& saved) const {
    saved.input(index);
    const Tensor x = input.contiguous(), y = empty(index.shape(), x.dtype());
    dispatch_all(x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* const from = x.data<T>();
      T* const to = y.data<T>();
      const Choices choices(kName, index, shape, dim);
      parallel_for(choices.rows, choices.grain(), [&](int64_t begin, int64_t end) {
        choices.each(begin, end, [&](int64_t i, int64_t at) { to[i] = from[at]; });
      });
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    d.add(0, scatter_add(zeros(shape, g.dtype()), dim, saved[0], g));
  }
  static void samples(SampleList& s) {
    const auto along = [](int d) {
      return [d](const auto& x) { return std::vector{gather(x[0], d, x[1])}; };
    };
    s.add("torch.gather(a, 1, b)", {{2, 4}, integers({2, 3}, {3, 0, 3, 1, 1, 2})}, along(1));
    s.add("torch.gather(a, 0, b)", {{3, 2, 2}, integers({1, 2, 1}, {2, 0})}, along(0));
    s.add("torch.gather(a, 1, b)", {{2, 3}, integers({2, 0}, {})}, along(1));
  }
};

// to = x, and to[at] += from[i] for every choice, in double, as an element may be chosen any number of times.
template <class T>
void add_chosen(const Choices& choices, const T* x, const T* from, T* to) {
  if (choices.n == 1 && choices.dim == choices.shape.ndim() - 1) {  // no element twice
    std::copy_n(x, choices.shape.numel(), to);
    return choices.each(0, choices.rows, [&](int64_t i, int64_t at) { to[at] += from[i]; });
  }
  const int64_t last = choices.shape.back(), whole_rows = choices.shape.numel() / std::max<int64_t>(last, 1);
  const bool in_rows = choices.dim == choices.shape.ndim() - 1 && choices.rows == whole_rows;
  if (in_rows && last <= 1 << 16) {  // a row of the sums stays in cache
    return parallel_for(choices.rows, choices.grain(), [&](int64_t begin, int64_t end) {
      std::vector<double> total(static_cast<size_t>(last));
      for (int64_t r = begin; r < end; ++r) {
        T* const row = to + r * last;
        std::copy_n(x + r * last, last, total.begin());
        const int64_t* const chosen = choices.index.data<int64_t>() + r * choices.n;
        const T* const values = from + r * choices.n;
        check_choices(choices.op, choices.n, chosen, choices.shape, choices.dim);
        for (int64_t k = 0; k < choices.n; ++k)
          total[static_cast<size_t>(chosen[k])] += static_cast<double>(values[k]);
        std::transform(total.begin(), total.end(), row, [](double v) { return static_cast<T>(v); });
      }
    });
  }
  std::vector<double> total(x, x + choices.shape.numel());
  choices.each(0, choices.rows, [&](int64_t i, int64_t at) {
    total[static_cast<size_t>(at)] += static_cast<double>(from[i]);
  });
  std::transform(total.begin(), total.end(), to, [](double v) { return static_cast<T>(v); });
}

struct ScatterAdd {
  static constexpr const char* kName = "scatter_add";
  int dim;
  Tensor forward(const Tensor& x, const Tensor& index, const Tensor& source, Saved& saved) const {
    saved.input(index);
    const Tensor dense = x.contiguous(), values = source.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      add_chosen(Choices(kName, index, y.shape(), dim), dense.data<T>(), values.data<T>(), y.data<T>());
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    if (d.wants(0)) d.add(0, g);
    if (d.wants(2)) d.add(2, gather(g, dim, saved[0]));
  }
  static void samples(SampleList& s) {
    const auto along = [](int d) {
      return [d](const auto& x) { return std::vector{scatter_add(x[0], d, x[1], x[2])}; };
    };
    s.add("torch.scatter_add(a, 1, b, c)", {{2, 4}, integers({2, 3}, {3, 0, 3, 1, 1, 2}), {2, 3}}, along(1));
    s.add("torch.scatter_add(a, 0, b, c)", {{3, 2}, integers({2, 2}, {2, 0, 2, 1}), {2, 2}}, along(0));
    s.add("torch.scatter_add(a, 0, b, c)", {{3, 2}, integers({0, 2}, {}), {0, 2}}, along(0));
  }
};

// y[o, j, i] = x[o, ids[j], i], the ids along dim.      dx = g added where it came from
struct IndexSelect {
  static constexpr const char* kName = "index_select";
  int dim;
  Shape shape;
  struct Sizes {
    int64_t outer = 1, n, inner = 1;
  };
  Sizes sizes() const {
    Sizes s{.n = shape[dim]};
    for (int i = 0; i < dim; ++i) s.outer *= shape[i];
    for (int i = dim + 1; i < shape.ndim(); ++i) s.inner *= shape[i];
    return s;
  }
  Tensor forward(const Tensor& input, const Tensor& ids, Saved& saved) const {
    saved.input(ids);
    const Tensor x = input.contiguous(), chosen = ids.contiguous();
    const Tensor y = empty(shape.with(dim, ids.numel()), x.dtype());
    const Sizes size = sizes();
    const int64_t outer = size.outer, n = size.n, inner = size.inner;
    const int64_t count = ids.numel();
    const int64_t* const id = chosen.data<int64_t>();
    dispatch_all(x.dtype(), [&](auto t) {
      using T = decltype(t);
      parallel_for(outer, std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(count * inner, 1)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t o = begin; o < end; ++o) {
                       const T* const from = x.data<T>() + o * n * inner;
                       T* to = y.data<T>() + o * count * inner;
                       if (inner == 1) {
                         for (int64_t j = 0; j < count; ++j) to[j] = from[id[j]];
                       } else {
                         for (int64_t j = 0; j < count; ++j, to += inner)
                           std::copy_n(from + id[j] * inner, inner, to);
                       }
                     }
                   });
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor ids = saved[0];
    if (GradMode::enabled()) {
      Shape column;
      for (int i = 0; i < shape.ndim(); ++i) column.push_back(i == dim ? ids.numel() : 1);
      return d.add(0, scatter_add(zeros(shape, g.dtype()), dim,
                                  expand(reshape(ids, column), shape.with(dim, ids.numel())), g));
    }
    const Tensor dense = g.contiguous(), chosen = ids.contiguous(), dx = empty(shape, g.dtype());
    const Sizes size = sizes();
    const int64_t outer = size.outer, n = size.n, inner = size.inner;
    const int64_t count = ids.numel();
    const int64_t* const id = chosen.data<int64_t>();
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      parallel_for(outer, std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(count * inner, 1)),
                   [&](int64_t begin, int64_t end) {
                     std::vector<double> total(static_cast<size_t>(n * inner));  // an id may come many times
                     for (int64_t o = begin; o < end; ++o) {
                       std::ranges::fill(total, 0.0);
                       const T* from = dense.data<T>() + o * count * inner;
                       for (int64_t j = 0; j < count; ++j, from += inner) {
                         double* const into = total.data() + id[j] * inner;
                         for (int64_t i = 0; i < inner; ++i) into[i] += static_cast<double>(from[i]);
                       }
                       std::ranges::transform(total, dx.data<T>() + o * n * inner,
                                              [](double v) { return static_cast<T>(v); });
                     }
                   });
    });
    d.add(0, dx);
  }
  static void samples(SampleList& s) {
    const auto along = [](int d) {
      return [d](const auto& x) { return std::vector{index_select(x[0], d, x[1])}; };
    };
    s.add("torch.index_select(a, 1, b)", {{2, 4}, integers({3}, {3, 0, 3})}, along(1));
    s.add("torch.index_select(a, 0, b)", {{3, 2, 2}, integers({2}, {2, 0})}, along(0));
    s.add("torch.index_select(a, 0, b)", {{3, 2}, integers({0}, {})}, along(0));
  }
};

struct OneHot {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{one_hot(x[0], 4)}; };
    s.add("torch.nn.functional.one_hot(a, 4).double()", {integers({3}, {3, 0, 2})}, run)
        .without_gradient(kOfIndices);
    s.add("torch.nn.functional.one_hot(a, 4).double()", {integers({2, 2}, {1, 0, 2, 2})}, run)
        .without_gradient(kOfIndices);
    s.again({integers({0, 2}, {})});
  }
};

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

template <bool kLargest>
struct ArgExtreme {
  static void samples(SampleList& s) {
    const auto add = [&](const char* dim_text, const Shape& shape, int dim) {
      s.add(fmt::format("torch.{}(a, {})", kLargest ? "argmax" : "argmin", dim_text),
            {SampleInput(shape, SampleInput::Fill::normal)},
            [dim](const auto& x) { return std::vector{kLargest ? argmax(x[0], dim) : argmin(x[0], dim)}; })
          .without_gradient(kOfIndices);
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

Tensor gather(const Tensor& x, int dim, const Tensor& index) {
  detail::require_defined("gather", x);
  const int d = wrap_dim("gather", dim, x.ndim());
  check_index("gather", index, x.shape(), d);
  return apply(Gather{d, x.shape()}, x, index);
}

Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source) {
  detail::require_defined("scatter_add", x, source);
  const int d = wrap_dim("scatter_add", dim, x.ndim());
  check_index("scatter_add", index, x.shape(), d);
  if (source.shape() != index.shape()) {
    throw ShapeError("scatter_add", fmt::format("the index {} does not fit the source {}",
                                                index.shape().str(), source.shape().str()));
  }
  if (source.dtype() != x.dtype())
    throw DTypeError("scatter_add", fmt::format("dtypes differ: {} and {}", x.describe(), source.describe()));
  return apply(ScatterAdd{d}, x, index, source);
}

Tensor index_select(const Tensor& x, int dim, const Tensor& ids) {
  detail::require_defined("index_select", x, ids);
  const int d = wrap_dim("index_select", dim, x.ndim());
  if (ids.dtype() != DType::i64)
    throw DTypeError("index_select", "the ids must be i64, got " + ids.describe());
  if (ids.ndim() != 1)
    throw ShapeError("index_select",
                     fmt::format("the ids must have one dimension, got {}", ids.shape().str()));
  if (d == 0 && is_floating(x.dtype()) && x.numel() > 0) {  // whole rows
    return detail::composed("index_select", [&] {
      return reshape(embedding(reshape(x, {x.size(0), x.numel() / x.size(0)}), ids),
                     x.shape().with(0, ids.size(0)));
    });
  }
  const Tensor dense = ids.contiguous();
  check_choices("index_select", dense.numel(), dense.data<int64_t>(), x.shape(), d);
  return apply(IndexSelect{d, x.shape()}, x, ids);
}

Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype) {
  detail::require_defined("one_hot", ids);
  if (ids.dtype() != DType::i64) throw DTypeError("one_hot", "the ids must be i64, got " + ids.describe());
  check_at_least("one_hot", "classes", classes, 0);
  const Tensor chosen = ids.contiguous();
  check_choices("one_hot", chosen.numel(), chosen.data<int64_t>(), {classes}, 0);
  return detail::composed("one_hot", [&] {
    Shape shape = ids.shape();
    shape.push_back(classes);
    const Tensor y = zeros(shape, dtype);
    dispatch_all(dtype, [&](auto t) {
      using T = decltype(t);
      T* const to = y.data<T>();
      for (int64_t i = 0; i < chosen.numel(); ++i)
        to[i * classes + chosen.data<int64_t>()[i]] = static_cast<T>(1);
    });
    return y;
  });
}

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

Tensor argmax(const Tensor& x, int dim) {
  return detail::composed("argmax", [&] { return arg_extreme("argmax", x, dim, /*largest=*/true); });
}
Tensor argmin(const Tensor& x, int dim) {
  return detail::composed("argmin", [&] { return arg_extreme("argmin", x, dim, /*largest=*/false); });
}

DEFINE_OP(gather, Gather)
DEFINE_OP(scatter_add, ScatterAdd)
DEFINE_OP(index_select, IndexSelect)
DEFINE_OP(one_hot, OneHot)
DEFINE_OP(sort, Sort)
DEFINE_OP(topk, TopK)
DEFINE_OP(argmax, ArgExtreme<true>)
DEFINE_OP(argmin, ArgExtreme<false>)

}  // namespace heed
