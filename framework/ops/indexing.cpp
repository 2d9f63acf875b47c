// Elements chosen by integers: gather, scatter_add, index_select, one_hot; and what chooses them: sort, topk,
// argmax, argmin.
// vjp: gather: scatter_add of g into zeros; scatter_add: (g, gather of g). The others are compositions.
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "framework/core/check.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

constexpr const char* kOfIndices = "whole numbers have no gradient";

// Calls f(i, at) for each element i of index: `at` is where its choice lies in a dense tensor of `shape`.
template <class F>
void each_choice(const Tensor& index, const Shape& shape, int dim, const F& f) {
  const Tensor dense = index.contiguous();
  const int64_t* const chosen = dense.data<int64_t>();
  const Strides strides = contiguous_strides(shape);
  for (int64_t i = 0; i < dense.numel(); ++i) {
    int64_t at = 0, rest = i;
    for (int d = index.ndim() - 1; d >= 0; --d) {
      const int64_t coordinate = rest % index.shape()[d];
      rest /= index.shape()[d];
      at += (d == dim ? chosen[i] : coordinate) * strides[d];
    }
    f(i, at);
  }
}

// Throws unless index fits x: whole numbers inside dim, and elsewhere no longer than x.
void check_index(const char* op, const Tensor& index, const Shape& x, int dim) {
  detail::require_defined(op, index);
  if (index.dtype() != DType::i64)
    throw DTypeError(op, fmt::format("the index must be i64, got {}", index.describe()));
  bool fits = index.ndim() == x.ndim();
  for (int i = 0; fits && i < x.ndim(); ++i) fits = i == dim || index.shape()[i] <= x[i];
  if (!fits)
    throw ShapeError(op, fmt::format("the index {} does not fit {} along dimension {}", index.shape().str(),
                                     x.str(), dim));
  for (const int64_t i : index.to_vector<int64_t>()) {
    if (i < 0 || i >= x[dim])
      throw IndexError(
          op, fmt::format("index {} is outside 0..{} of dimension {} of {}", i, x[dim] - 1, dim, x.str()));
  }
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
      each_choice(index, shape, dim, [&](int64_t i, int64_t at) { to[i] = from[at]; });
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

struct ScatterAdd {
  static constexpr const char* kName = "scatter_add";
  int dim;
  Tensor forward(const Tensor& x, const Tensor& index, const Tensor& source, Saved& saved) const {
    saved.input(index);
    const Tensor values = source.contiguous(), y = x.clone();
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* const from = values.data<T>();
      T* const to = y.data<T>();
      std::vector<double> total(to, to + y.numel());  // an element may be chosen any number of times
      each_choice(index, y.shape(), dim, [&](int64_t i, int64_t at) {
        total[static_cast<size_t>(at)] += static_cast<double>(from[i]);
      });
      std::transform(total.begin(), total.end(), to, [](double v) { return static_cast<T>(v); });
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

struct IndexSelect {
  static void samples(SampleList& s) {
    const auto along = [](int dim) {
      return [dim](const auto& x) { return std::vector{index_select(x[0], dim, x[1])}; };
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

// The places of a row's elements in order, equal ones as they stand; NaN counts as the largest.
template <class T>
std::vector<int64_t> row_order(const T* row, int64_t n, int64_t stride, bool descending) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const auto less = [](T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
    }
    return a < b;
  };
  std::ranges::stable_sort(order, [&](int64_t i, int64_t j) {
    const T a = row[i * stride], b = row[j * stride];
    return descending ? less(b, a) : less(a, b);
  });
  return order;
}

// The first k places in order along dim.
Tensor ordered(const Tensor& input, int64_t k, int dim, bool descending) {
  const Tensor x = input.detach().contiguous(), y = empty(x.shape().with(dim, k), DType::i64);
  int64_t inner = 1;
  for (int i = dim + 1; i < x.ndim(); ++i) inner *= x.shape()[i];
  const int64_t n = x.shape()[dim], rows = n == 0 ? 0 : x.numel() / n;
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t outer = r / inner, column = r % inner;
      const std::vector<int64_t> order =
          row_order(x.data<T>() + outer * n * inner + column, n, inner, descending);
      for (int64_t i = 0; i < k; ++i)
        y.data<int64_t>()[(outer * k + i) * inner + column] = order[static_cast<size_t>(i)];
    }
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

template <class Better>
Tensor arg_extreme(const char* op, const Tensor& input, int dim, const Better& better) {
  detail::require_defined(op, input);
  if (input.ndim() == 0)
    throw ShapeError(op, fmt::format("nothing to choose from in {}", input.shape().str()));
  const int d = wrap_dim(op, dim, input.ndim());
  if (input.shape()[d] == 0)
    throw ShapeError(op, fmt::format("nothing to choose from in {}", input.shape().str()));
  const Tensor x = input.contiguous(), y = empty(x.shape().without(d), DType::i64);
  int64_t inner = 1;
  for (int i = d + 1; i < x.ndim(); ++i) inner *= x.shape()[i];
  const int64_t n = x.shape()[d];
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto is_nan = [](T v) { return v != v; };
    for (int64_t r = 0; r < y.numel(); ++r) {
      const T* const row = x.data<T>() + r / inner * n * inner + r % inner;
      int64_t best = 0;
      for (int64_t i = 1; i < n && !is_nan(row[best * inner]); ++i) {
        if (is_nan(row[i * inner]) || better(row[i * inner], row[best * inner])) best = i;
      }
      y.data<int64_t>()[r] = best;
    }
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
  Shape column;
  for (int i = 0; i < x.ndim(); ++i) column.push_back(i == d ? ids.size(0) : 1);
  return detail::composed("index_select", [&] {
    return gather(x, d, expand(reshape(ids, column), x.shape().with(d, ids.size(0))));
  });
}

Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype) {
  detail::require_defined("one_hot", ids);
  if (ids.dtype() != DType::i64) throw DTypeError("one_hot", "the ids must be i64, got " + ids.describe());
  check_at_least("one_hot", "classes", classes, 0);
  check_index("one_hot", reshape(ids, {ids.numel()}), {classes}, 0);
  return detail::composed("one_hot", [&] { return eq(unsqueeze(ids, -1), arange(classes)).to(dtype); });
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
  return detail::composed(
      "argmax", [&] { return arg_extreme("argmax", x, dim, [](auto a, auto b) { return a > b; }); });
}
Tensor argmin(const Tensor& x, int dim) {
  return detail::composed(
      "argmin", [&] { return arg_extreme("argmin", x, dim, [](auto a, auto b) { return a < b; }); });
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
