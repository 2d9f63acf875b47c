// Elements chosen by integers: gather, scatter_add, index_select, one_hot.
// vjp: gather: scatter_add of g into zeros; scatter_add: (g, gather of g); index_select: g added where it
// came from.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "framework/core/check.h"
#include "framework/core/parallel.h"
#include "framework/core/scratch.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/choices.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using detail::check_choices;
using detail::check_index;
using detail::Choices;

constexpr const char* kOfIndices = "whole numbers have no gradient";

// Columns [begin, end) of part o of aligned choices: add_chosen, with the sums in total [extent, end -
// begin].
template <class T>
void add_to_part(const Choices& choices, int64_t o, int64_t begin, int64_t end, const T* x, const T* from,
                 T* to, double* total) {
  const int64_t width = end - begin, step = choices.step, count = choices.count;
  const int64_t first = o * choices.extent * step + begin;
  const bool whole = width == step;  // in one piece
  const int64_t pieces = whole ? 1 : choices.extent, n = whole ? choices.extent * step : width;
  for (int64_t p = 0; p < pieces; ++p) {
    if (x)
      kernels::convert(n, x + first + p * step, total + p * n);
    else
      std::fill_n(total + p * n, n, 0.0);
  }
  const int64_t* const chosen = choices.index.data<int64_t>() + o * count * step + begin;
  const T* const values = from + o * count * step + begin;
  if (step == 1) {
    choices.each_checked(count, chosen,
                         [&](int64_t k, int64_t at) { total[at] += static_cast<double>(values[k]); });
  } else {
    for (int64_t k = 0; k < count; ++k) {
      for (int64_t i = 0; i < width; ++i) {
        total[choices.checked(chosen[k * step + i]) * width + i] += static_cast<double>(values[k * step + i]);
      }
    }
  }
  for (int64_t p = 0; p < pieces; ++p) kernels::convert(n, total + p * n, to + first + p * step);
}

// to = x, and to[at] += from[i] for every choice, in double, as an element may be chosen any number of times;
// without x, zeros.
template <class T>
void add_chosen(const Choices& choices, const T* x, const T* from, T* to) {
  const int64_t numel = choices.shape.numel(), step = choices.step, extent = choices.extent;
  if (choices.count == 1 && choices.aligned) {  // no element twice: a part is written while in cache
    const int64_t part = choices.extent * step;
    const int64_t* const chosen = choices.index.data<int64_t>();
    return parallel_for(choices.outer, std::max<int64_t>(1, (1 << 18) / std::max<int64_t>(part, 1)),
                        [&](int64_t begin, int64_t end) {
                          for (int64_t o = begin; o < end; ++o) {
                            if (x)
                              std::copy_n(x + o * part, part, to + o * part);
                            else
                              std::fill_n(to + o * part, part, T{0});
                            for (int64_t i = 0; i < step; ++i)
                              to[o * part + choices.checked(chosen[o * step + i]) * step + i] +=
                                  from[o * step + i];
                          }
                        });
  }
  if (choices.count == 1) {
    if (x)
      std::copy_n(x, numel, to);
    else
      std::memset(to, 0, static_cast<size_t>(numel) * sizeof(T));
    return choices.each(0, choices.rows, [&](int64_t i, int64_t at) { to[at] += from[i]; });
  }
  if (choices.aligned && choices.outer == 1) {
    return parallel_for(step, std::max<int64_t>(64, (1 << 14) / choices.count),
                        [&](int64_t begin, int64_t end) {
                          const detail::Scratch<double> total(extent * (end - begin));
                          add_to_part(choices, 0, begin, end, x, from, to, total.data());
                        });
  }
  if (choices.aligned) {
    return parallel_for(choices.outer, choices.part_grain(), [&](int64_t begin, int64_t end) {
      const detail::Scratch<double> total(extent * step);
      for (int64_t o = begin; o < end; ++o) add_to_part(choices, o, 0, step, x, from, to, total.data());
    });
  }
  const detail::Scratch<double> total(numel);
  if (x)
    kernels::convert(numel, x, total.data());
  else
    std::fill_n(total.data(), numel, 0.0);
  choices.each(0, choices.rows,
               [&](int64_t i, int64_t at) { total.data()[at] += static_cast<double>(from[i]); });
  kernels::convert(numel, total.data(), to);
}

// to[i] = from[at] for every choice.
template <class T>
void take_chosen(const Choices& choices, const T* from, T* to) {
  const int64_t* const index = choices.index.data<int64_t>();
  if (choices.aligned && choices.step == 1) {
    const int64_t count = choices.count;
    return parallel_for(choices.outer, choices.part_grain(), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const T* const x = from + r * choices.extent;
        T* const y = to + r * count;
        choices.each_checked(count, index + r * count, [&](int64_t i, int64_t at) { y[i] = x[at]; });
      }
    });
  }
  parallel_for(choices.rows, choices.grain(), [&](int64_t begin, int64_t end) {
    choices.each(begin, end, [&](int64_t i, int64_t at) { to[i] = from[at]; });
  });
}

// The ids [count] of an index that chooses whole rows: of one column, expanded along the dims behind dim 0.
std::optional<Tensor> ids_of_rows(const char* op, const Tensor& index, const Shape& shape, int dim) {
  if (dim != 0 || shape.ndim() < 2 || index.numel() == 0 || index.shape() != shape.with(0, index.size(0)))
    return std::nullopt;
  for (int d = 1; d < shape.ndim(); ++d) {
    if (shape[d] > 1 && index.strides()[d] != 0) return std::nullopt;
  }
  Tensor ids = index.detach();
  while (ids.ndim() > 1) ids = select(ids, ids.ndim() - 1, 0);
  ids = ids.contiguous();
  check_choices(op, ids.numel(), ids.data<int64_t>(), shape, dim);
  return ids;
}

// to += the rows of from where the ids say.
template <class T>
void add_rows(const Tensor& ids, const Shape& shape, const T* from, T* to) {
  kernels::scatter_add_rows<T>(ids.numel(), ids.data<int64_t>(), shape[0], shape.numel() / shape[0], from,
                               to);
}

// to[i] = from[ids[i]], four at a time.
template <class T>
void take_elements(int64_t n, const int64_t* ids, const T* from, T* to) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const T a = from[ids[i]], b = from[ids[i + 1]], c = from[ids[i + 2]], d = from[ids[i + 3]];
    to[i] = a, to[i + 1] = b, to[i + 2] = c, to[i + 3] = d;
  }
  for (; i < n; ++i) to[i] = from[ids[i]];
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
      if constexpr (std::is_floating_point_v<T>) {
        if (const auto ids = ids_of_rows(kName, index, shape, dim)) {
          return kernels::gather_rows<T>(kName, ids->numel(), ids->template data<int64_t>(), shape[0],
                                         shape.numel() / shape[0], x.data<T>(), y.data<T>());
        }
      }
      take_chosen(Choices(kName, index, shape, dim), x.data<T>(), y.data<T>());
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    if (GradMode::enabled()) return d.add(0, scatter_add(zeros(shape, g.dtype()), dim, saved[0], g));
    const Tensor values = g.contiguous();
    const auto ids = ids_of_rows(kName, saved[0], shape, dim);
    const Tensor dx = ids ? zeros(shape, g.dtype()) : empty(shape, g.dtype());
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      if (ids) return add_rows(*ids, shape, values.data<T>(), dx.data<T>());
      add_chosen<T>(Choices(kName, saved[0], shape, dim), nullptr, values.data<T>(), dx.data<T>());
    });
    d.add(0, dx);
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
    const auto ids = ids_of_rows(kName, index, x.shape(), dim);
    const Tensor dense = x.contiguous(), values = source.contiguous(),
                 y = ids ? x.clone() : empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      if (ids) return add_rows(*ids, x.shape(), values.data<T>(), y.data<T>());
      add_chosen<T>(Choices(kName, index, y.shape(), dim), dense.data<T>(), values.data<T>(), y.data<T>());
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
                       T* const to = y.data<T>() + o * count * inner;
                       if (inner == 1) {
                         take_elements(count, id, from, to);
                       } else {
                         kernels::take_rows(count, id, inner * static_cast<int64_t>(sizeof(T)), from, to);
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
                     const detail::Scratch<double> total(n * inner);  // an id may come many times
                     for (int64_t o = begin; o < end; ++o) {
                       std::fill_n(total.data(), n * inner, 0.0);
                       const T* from = dense.data<T>() + o * count * inner;
                       for (int64_t j = 0; j < count; ++j, from += inner) {
                         double* const into = total.data() + id[j] * inner;
                         for (int64_t i = 0; i < inner; ++i) into[i] += static_cast<double>(from[i]);
                       }
                       kernels::convert(n * inner, total.data(), dx.data<T>() + o * n * inner);
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
  detail::check_source("scatter_add", index, source, x, d);
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
  const Tensor dense = ids.contiguous();
  check_choices("index_select", dense.numel(), dense.data<int64_t>(), x.shape(), d);
  if (d == 0 && is_floating(x.dtype()) && x.numel() > 0) {  // whole rows
    return detail::composed("index_select", [&] {
      return reshape(embedding(reshape(x, {x.size(0), x.numel() / x.size(0)}), ids),
                     x.shape().with(0, ids.size(0)));
    });
  }
  return apply(IndexSelect{d, x.shape()}, x, ids);
}

Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype) {
  detail::require_defined("one_hot", ids);
  if (ids.dtype() != DType::i64) throw DTypeError("one_hot", "the ids must be i64, got " + ids.describe());
  check_at_least("one_hot", "classes", classes, 1);
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

DEFINE_OP(gather, Gather)
DEFINE_OP(scatter_add, ScatterAdd)
DEFINE_OP(index_select, IndexSelect)
DEFINE_OP(one_hot, OneHot)

}  // namespace heed
