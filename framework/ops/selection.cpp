// scatter, masked_select and nonzero; count_nonzero.
// vjp of scatter: dx = g with zeros where something was put; dsource = gather of g, 0 where another one
// stayed; of masked_select: dx = g in the places chosen, 0 elsewhere. The others are compositions.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "framework/autograd/grad_mode.h"
#include "framework/core/scratch.h"
#include "framework/ops/apply.h"
#include "framework/ops/choices.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Scatter {
  static constexpr const char* kName = "scatter";
  int dim;
  Shape shape;
  Tensor forward(const Tensor& x, const Tensor& index, const Tensor& source, Saved& saved) const {
    saved.input(index);
    const Tensor values = source.contiguous(), y = x.clone();
    const detail::Choices choices(kName, index, shape, dim);
    dispatch_all(x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* const from = values.data<T>();
      T* const to = y.data<T>();
      choices.each(0, choices.rows, [&](int64_t i, int64_t at) { to[at] = from[i]; });
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor index = saved[0];
    if (d.wants(0)) d.add(0, scatter(g, dim, index, zeros(index.shape(), g.dtype())));
    if (!d.wants(2)) return;
    if (!GradMode::enabled()) return d.add(2, of_source(g, index));
    const Tensor order = reshape(arange(index.numel()), index.shape());
    const Tensor last = gather(scatter(zeros(shape, DType::i64), dim, index, order), dim, index);
    d.add(2, masked_fill(gather(g, dim, index), ne(last, order), 0));
  }
  // The gradient of what was put last in its place; 0 where another one was put behind it.
  Tensor of_source(const Tensor& cotangent, const Tensor& index) const {
    const Tensor g = cotangent.contiguous(), dsource = empty(index.shape(), g.dtype());
    const detail::Choices choices(kName, index, shape, dim);
    const detail::Scratch<int64_t> memory(shape.numel());
    int64_t* const last = memory.data();  // only what is written here is read
    choices.each(0, choices.rows, [&](int64_t i, int64_t at) { last[at] = i; });
    dispatch_all(g.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* const from = g.data<T>();
      T* const to = dsource.data<T>();
      choices.each(0, choices.rows, [&](int64_t i, int64_t at) { to[i] = last[at] == i ? from[at] : T{0}; });
    });
    return dsource;
  }
  static void samples(SampleList& s) {
    const auto along = [](int d) {
      return [d](const auto& x) { return std::vector{scatter(x[0], d, x[1], x[2])}; };
    };
    s.add("torch.scatter(a, 1, b, c)", {{2, 4}, integers({2, 3}, {3, 0, 2, 1, 0, 2}), {2, 3}}, along(1));
    s.add("torch.scatter(a, 0, b, c)", {{3, 2}, integers({2, 1}, {2, 0}), {2, 1}}, along(0));
    s.add("torch.scatter(a, 0, b, c)", {{3, 2}, integers({0, 2}, {}), {0, 2}}, along(0));
  }
};

// The places in row-major order of what differs from 0.
std::vector<int64_t> places_of_nonzero(const Tensor& x) {
  const Tensor dense = x.detach().contiguous();
  std::vector<int64_t> places;
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    const T* const from = dense.data<T>();
    const int64_t n = dense.numel();
    size_t count = 0, next = 0;
    for (int64_t i = 0; i < n; ++i) count += from[i] != T{0} ? 1 : 0;
    places.resize(count + 1);  // the last one is written over and over: no branch that is hard to foretell
    for (int64_t i = 0; i < n; ++i) {
      places[next] = i;
      next += from[i] != T{0} ? 1 : 0;
    }
    places.resize(count);
  });
  return places;
}

constexpr const char* kOfPlaces = "whole numbers have no gradient";

// y_i = x at places_i, of which none is there twice; back: y of `shape`, 0 but for y at places_i = x_i. Each
// is the other's vjp.
template <bool kBack>
struct AtPlaces {
  static constexpr const char* kName = kBack ? "masked_select_backward" : "masked_select";
  static constexpr const char* kRow = "masked_select";
  Shape shape;
  Tensor forward(const Tensor& input, const Tensor& places, Saved& saved) const {
    saved.input(places);
    const Tensor x = input.contiguous(), y = empty(kBack ? shape : places.shape(), x.dtype());
    const int64_t* const at = places.data<int64_t>();
    const int64_t n = places.numel();
    dispatch_all(x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* const from = x.data<T>();
      T* const to = y.data<T>();
      if constexpr (kBack) {
        std::fill_n(to, y.numel(), T{0});
        for (int64_t i = 0; i < n; ++i) to[at[i]] = from[i];
      } else {
        for (int64_t i = 0; i < n; ++i) to[i] = from[at[i]];
      }
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    d.add(0, apply(AtPlaces<!kBack>{shape}, g, saved[0]));
  }
};

struct MaskedSelect {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{masked_select(x[0], x[1])}; };
    s.add("torch.masked_select(a, b)", {{2, 3}, mask({2, 3}, {1, 0, 0, 1, 1, 0})}, run);
    s.add("torch.masked_select(a, b)", {{2, 1}, mask({3}, {1, 0, 1})}, run);
    s.add("torch.masked_select(a, b)", {{0, 3}, mask({3}, {1, 0, 1})}, run);
    s.add("torch.masked_select(a, b)", {{2, 3}, mask({3}, {0, 0, 0})}, run);
  }
};
struct NonZero {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{nonzero(x[0])}; };
    s.add("torch.nonzero(a)", {mask({2, 3}, {0, 1, 0, 1, 1, 0})}, run).without_gradient(kOfPlaces);
    s.again({integers({2, 2, 2}, {0, -3, 0, 0, 7, 0, 0, 1})});
    s.again({integers({0, 2}, {})});
  }
};
struct CountNonZero {
  static void samples(SampleList& s) {
    s.add("torch.count_nonzero(a)", {{2, 3}}, [](const auto& x) {
       return std::vector{count_nonzero(x[0])};
     }).without_gradient(kOfPlaces);
    s.add("torch.count_nonzero(a, 1)", {integers({2, 3}, {0, 4, -1, 0, 0, 2})}, [](const auto& x) {
       return std::vector{count_nonzero(x[0], {1})};
     }).without_gradient(kOfPlaces);
    s.add("torch.count_nonzero(a, (0, 2))", {{2, 3, 2}}, [](const auto& x) {
       return std::vector{count_nonzero(x[0], {0, 2})};
     }).without_gradient(kOfPlaces);
    s.add("torch.count_nonzero(a, 0)", {{0, 3}}, [](const auto& x) {
       return std::vector{count_nonzero(x[0], {0})};
     }).without_gradient(kOfPlaces);
  }
};

}  // namespace

Tensor scatter(const Tensor& x, int dim, const Tensor& index, const Tensor& source) {
  detail::require_defined("scatter", x, index, source);
  const int d = wrap_dim("scatter", dim, x.ndim());
  detail::check_source("scatter", index, source, x, d);
  return apply(Scatter{d, x.shape()}, x, index, source);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  detail::require_defined("masked_select", x, mask);
  if (mask.dtype() != DType::boolean)
    throw DTypeError("masked_select", "takes a mask (bool), got " + mask.describe());
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  return detail::composed("masked_select", [&] {
    const std::vector<int64_t> places = places_of_nonzero(expand(mask, shape));
    const Tensor at = from_vector(places, {static_cast<int64_t>(places.size())});
    return apply(AtPlaces<false>{shape}, expand(x, shape), at);
  });
}

Tensor nonzero(const Tensor& x) {
  detail::require_defined("nonzero", x);
  const std::vector<int64_t> places = places_of_nonzero(x);
  const Tensor y = detail::allocate("nonzero", {static_cast<int64_t>(places.size()), x.ndim()}, DType::i64);
  int64_t* to = y.data<int64_t>();
  const int dims = x.ndim(), last = dims - 1;
  if (last < 0) return y;
  const int64_t extent = x.shape()[last];
  int64_t row = -1, row_begin = 0, row_end = 0;  // that the place is in
  for (const int64_t place : places) {
    if (place >= row_end) {
      row = place / extent;
      row_begin = row * extent;
      row_end = row_begin + extent;
      int64_t rest = row;
      for (int d = last - 1; d >= 0; --d) {
        to[d] = rest % x.shape()[d];
        rest /= x.shape()[d];
      }
    } else {
      std::copy_n(to - dims, last, to);
    }
    to[last] = place - row_begin;
    to += dims;
  }
  return y;
}

Tensor count_nonzero(const Tensor& x, const Dims& dims, KeepDim keep) {
  detail::require_defined("count_nonzero", x);
  return detail::composed("count_nonzero", [&] { return sum(ne(x.detach(), 0), dims, keep); });
}

DEFINE_OP(scatter, Scatter)
DEFINE_OP(masked_select, MaskedSelect)
DEFINE_OP(nonzero, NonZero)
DEFINE_OP(count_nonzero, CountNonZero)

}  // namespace heed
