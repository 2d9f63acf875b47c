// clone, reshape, permute, expand, slice: new views where strides allow, and the views' gradients.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// y = x in storage of its own.  vjp: dx = g
struct Clone {
  static constexpr const char* kName = "clone";
  Tensor forward(const Tensor& x, Saved&) const {
    const Tensor y = empty(x.shape(), x.dtype());
    kernels::copy_strided(x.dtype(), x.shape(), x.raw_data(), x.strides(), y.raw_data(), y.strides());
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, g); }
  static void samples(SampleList& s) {
    s.add("a.clone()", {{2, 3}}, [](const auto& x) { return std::vector{x[0].clone()}; });
    s.add("a.t().contiguous()", {{2, 3}},
          [](const auto& x) { return std::vector{transpose(x[0]).contiguous()}; });
    s.again({{0, 3}});
  }
};

// vjp: dx = reshape(g, shape of x)
struct Reshape {
  static constexpr const char* kName = "reshape";
  Shape from, to;
  Tensor forward(const Tensor& x, Saved&) const {
    const Tensor dense = x.contiguous();
    return make_view(dense, to, contiguous_strides(to), 0);
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, reshape(g, from)); }
  static void samples(SampleList& s) {
    s.add("a.reshape(3, 4)", {{2, 6}}, [](const auto& x) { return std::vector{reshape(x[0], {3, 4})}; });
    s.add("a.permute(2, 0, 1).reshape(-1, 2)", {{2, 3, 4}}, [](const auto& x) {
      return std::vector{reshape(permute(x[0], {2, 0, 1}), {-1, 2})};
    });
    s.add("a.reshape(0, 5)", {{0, 3}}, [](const auto& x) { return std::vector{reshape(x[0], {0, 5})}; });
  }
};

// A dimension of extent 1 more or less: a view, whatever the strides.      vjp: the other way round
struct UnitDimension {
  static constexpr const char* kName = "unit_dimension";
  static constexpr const char* kRow = "unsqueeze";
  int dim;
  bool more;
  Tensor forward(const Tensor& x, Saved&) const {
    Shape shape;
    Strides strides;
    for (int i = 0; i < x.ndim(); ++i) {
      if (more && i == dim) shape.push_back(1), strides.push_back(x.strides()[i] * x.shape()[i]);
      if (!more && i == dim) continue;
      shape.push_back(x.shape()[i]), strides.push_back(x.strides()[i]);
    }
    if (more && dim == x.ndim()) shape.push_back(1), strides.push_back(1);
    return make_view(x, shape, strides, 0);
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    d.add(0, more ? squeeze(g, dim) : unsqueeze(g, dim));
  }
};

// vjp: dx = permute(g, inverse order)
struct Permute {
  static constexpr const char* kName = "permute";
  std::vector<int> order;
  Tensor forward(const Tensor& x, Saved&) const {
    Shape shape;
    Strides strides;
    for (const int dim : order) {
      shape.push_back(x.shape()[dim]);
      strides.push_back(x.strides()[dim]);
    }
    return make_view(x, shape, strides, 0);
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    std::vector<int> inverse(order.size());
    for (size_t i = 0; i < order.size(); ++i) inverse[static_cast<size_t>(order[i])] = static_cast<int>(i);
    d.add(0, permute(g, inverse));
  }
  static void samples(SampleList& s) {
    s.add("a.permute(2, 0, 1)", {{2, 3, 4}}, [](const auto& x) {
      return std::vector{permute(x[0], {2, 0, 1})};
    });
    s.add("a.transpose(0, 1)", {{5, 3}}, [](const auto& x) { return std::vector{transpose(x[0])}; });
    s.again({{0, 3}});
  }
};

// vjp: dx = g summed over what was stretched
struct Expand {
  static constexpr const char* kName = "expand";
  Shape from, to;
  Tensor forward(const Tensor& x, Saved&) const {
    Strides strides = to;
    const int missing = to.ndim() - from.ndim();
    for (int i = 0; i < to.ndim(); ++i) {
      strides[i] = i < missing || (from[i - missing] == 1 && to[i] != 1) ? 0 : x.strides()[i - missing];
    }
    return make_view(x, to, strides, 0);
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, sum_to(g, from)); }
  static void samples(SampleList& s) {
    s.add("a.expand(2, 3, 4)", {{3, 1}}, [](const auto& x) { return std::vector{expand(x[0], {2, 3, 4})}; });
    s.add("a.expand(5)", {{}}, [](const auto& x) { return std::vector{expand(x[0], {5})}; });
    s.add("a.expand(2, 0, 3)", {{0, 1}}, [](const auto& x) { return std::vector{expand(x[0], {2, 0, 3})}; });
    s.add("a.expand(2, -1, 4)", {{3, 1}}, [](const auto& x) {
      return std::vector{expand(x[0], {2, -1, 4})};
    });
  }
};

// Zeros with x in a slice.      vjp: dx = the slice of g
struct Unslice {
  static constexpr const char* kName = "unslice";
  static constexpr const char* kRow = "slice";
  Shape into;
  int dim;
  int64_t start, end, step;
  Tensor forward(const Tensor& x, Saved&) const {
    const Tensor y = zeros(into, x.dtype());
    slice(y, dim, start, end, step).copy_(x);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, slice(g, dim, start, end, step)); }
};

// vjp: dx = zeros with g in the slice; the engine adds it into the buffer in place
struct Slice {
  static constexpr const char* kName = "slice";
  Shape from;
  int dim;
  int64_t start, end, step;
  Tensor forward(const Tensor& x, Saved&) const {
    Strides strides = x.strides();
    strides[dim] *= step;
    return make_view(x, from.with(dim, (end - start + step - 1) / step), strides, start * x.strides()[dim]);
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    if (step == 1) return d.add_slice(0, from, dim, start, g);
    d.add(0, apply(Unslice{from, dim, start, end, step}, g));
  }
  static void samples(SampleList& s) {
    s.add("a[:, 1:3]", {{3, 5}}, [](const auto& x) { return std::vector{slice(x[0], 1, 1, 3)}; });
    s.add("a[2:2]", {{3, 5}}, [](const auto& x) { return std::vector{slice(x[0], 0, 2, 2)}; });
    s.add("a[:, 2]", {{2, 3, 4}}, [](const auto& x) { return std::vector{select(x[0], 1, 2)}; });
    s.add("a[:, 0:2] * a[:, 1:3]", {{3, 3}},
          [](const auto& x) { return std::vector{slice(x[0], 1, 0, 2) * slice(x[0], 1, 1, 3)}; });
    s.again({{0, 3}});
    s.add("a[:, -4:-1:2]", {{2, 5, 3}}, [](const auto& x) { return std::vector{slice(x[0], 1, -4, -1, 2)}; });
  }
};

}  // namespace

Tensor Tensor::clone() const {
  detail::require_defined("clone", *this);
  return apply(Clone{}, *this);
}

Tensor Tensor::view(const Shape& wanted) const {
  detail::require_defined("view", *this);
  if (!is_contiguous())
    throw ShapeError("view", fmt::format("{} is not contiguous: reshape() copies it", shape().str()));
  return detail::composed("view", [&] { return reshape(wanted); });
}

Tensor Tensor::t() const {
  detail::require_defined("t", *this);
  if (ndim() > 2) throw ShapeError("t", "takes a matrix, got " + shape().str());
  return ndim() == 2 ? transpose() : *this;
}

Tensor reshape(const Tensor& x, const Shape& wanted) {
  detail::require_defined("reshape", x);
  Shape shape = wanted;
  int open = -1;
  int64_t known = 1;
  bool beyond = false;  // what int64 counts
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] != -1) {
      beyond |= __builtin_mul_overflow(known, shape[i], &known);
    } else if (open >= 0) {
      throw ShapeError("reshape", "more than one -1 in " + wanted.str());
    } else {
      open = i;
    }
  }
  if (open >= 0 && known > 0) shape[open] = x.numel() / known;
  const bool negative = std::any_of(shape.begin(), shape.end(), [](int64_t extent) { return extent < 0; });
  if (beyond || negative || shape.numel() != x.numel() || (open >= 0 && known <= 0)) {
    throw ShapeError("reshape",
                     fmt::format("element counts differ: {} to {}", x.shape().str(), wanted.str()));
  }
  detail::countable("reshape", shape, x.dtype());
  return apply(Reshape{x.shape(), shape}, x);
}

Tensor permute(const Tensor& x, std::vector<int> order) {
  detail::require_defined("permute", x);
  if (static_cast<int>(order.size()) != x.ndim()) {
    throw ShapeError("permute", fmt::format("{} dims for shape {}", order.size(), x.shape().str()));
  }
  named_dims("permute", order, x.ndim());
  for (int& dim : order) dim = wrap_dim("permute", dim, x.ndim());
  return apply(Permute{std::move(order)}, x);
}

Tensor transpose(const Tensor& x, int dim_a, int dim_b) {
  detail::require_defined("transpose", x);
  std::vector<int> order;
  for (int i = 0; i < x.ndim(); ++i) order.push_back(i);
  std::swap(order[static_cast<size_t>(wrap_dim("transpose", dim_a, x.ndim()))],
            order[static_cast<size_t>(wrap_dim("transpose", dim_b, x.ndim()))]);
  return permute(x, std::move(order));
}

Tensor expand(const Tensor& x, const Shape& wanted) {
  detail::require_defined("expand", x);
  Shape shape = wanted;
  for (int i = 0; i < shape.ndim(); ++i) {
    const int of_x = i - (shape.ndim() - x.ndim());  // the dimension that it keeps
    if (shape[i] == -1 && of_x >= 0) shape[i] = x.shape()[of_x];
  }
  const bool negative = std::any_of(shape.begin(), shape.end(), [](int64_t extent) { return extent < 0; });
  if (negative || broadcast_shapes("expand", x.shape(), shape) != shape) {
    throw ShapeError("expand", fmt::format("{} does not stretch to {}", x.shape().str(), wanted.str()));
  }
  detail::countable("expand", shape, x.dtype());
  return apply(Expand{x.shape(), shape}, x);
}

Tensor slice(const Tensor& x, int dim, int64_t start, int64_t end, int64_t step) {
  detail::require_defined("slice", x);
  const int d = wrap_dim("slice", dim, x.ndim());
  const int64_t n = x.shape()[d], first = start < 0 ? start + n : start, last = end < 0 ? end + n : end;
  if (first < 0 || last < first || last > n) {
    throw IndexError("slice", fmt::format("{}:{} is outside 0..{} of dimension {} of {}", start, end, n, d,
                                          x.shape().str()));
  }
  if (step < 1) throw ValueError("slice", fmt::format("the step must be at least 1, got {}", step));
  return apply(Slice{x.shape(), d, first, last, std::min(step, std::max<int64_t>(n, 1))}, x);
}

Tensor select(const Tensor& x, int dim, int64_t index) {
  detail::require_defined("select", x);
  const int d = wrap_dim("select", dim, x.ndim());
  const int64_t i = wrap_index("select", index, d, x.shape());
  return squeeze(slice(x, d, i, i + 1), d);
}

Tensor unsqueeze(const Tensor& x, int dim) {
  detail::require_defined("unsqueeze", x);
  return apply(UnitDimension{wrap_dim("unsqueeze", dim, x.ndim() + 1), /*more=*/true}, x);
}

Tensor squeeze(const Tensor& x, int dim) {
  detail::require_defined("squeeze", x);
  const int d = wrap_dim("squeeze", dim, x.ndim());
  if (x.shape()[d] != 1)
    throw ShapeError("squeeze", fmt::format("dimension {} of {} is not 1", d, x.shape().str()));
  return apply(UnitDimension{d, /*more=*/false}, x);
}
Tensor squeeze(const Tensor& x) {
  detail::require_defined("squeeze", x);
  Tensor y = x;
  for (int d = x.ndim() - 1; d >= 0; --d) {
    if (x.shape()[d] == 1) y = squeeze(y, d);
  }
  return y;
}

DEFINE_OP(clone, Clone)
namespace {
// Forms of permute, reshape and slice under names of their own.
struct Transpose {
  static void samples(SampleList& s) {
    s.add("a.transpose(-2, -1)", {{2, 3, 4}}, [](const auto& x) { return std::vector{transpose(x[0])}; });
    s.add("a.transpose(0, 2)", {{2, 0, 4}}, [](const auto& x) { return std::vector{transpose(x[0], 0, 2)}; });
  }
};
struct Squeeze {
  static void samples(SampleList& s) {
    s.add("a.squeeze(1)", {{2, 1, 3}}, [](const auto& x) { return std::vector{squeeze(x[0], 1)}; });
    s.again({{0, 1, 3}});
  }
};
struct Unsqueeze {
  static void samples(SampleList& s) {
    s.add("a.unsqueeze(-1)", {{2, 3}}, [](const auto& x) { return std::vector{unsqueeze(x[0], -1)}; });
    s.add("a.unsqueeze(0)", {{0, 3}}, [](const auto& x) { return std::vector{unsqueeze(x[0], 0)}; });
  }
};
struct Select {
  static void samples(SampleList& s) {
    s.add("a.select(1, 2)", {{2, 3, 4}}, [](const auto& x) { return std::vector{select(x[0], 1, 2)}; });
    s.again({{0, 3, 4}});
  }
};
}  // namespace
DEFINE_OP(transpose, Transpose)
DEFINE_OP(squeeze, Squeeze)
DEFINE_OP(unsqueeze, Unsqueeze)
DEFINE_OP(select, Select)
DEFINE_OP(reshape, Reshape)
DEFINE_OP(permute, Permute)
DEFINE_OP(expand, Expand)
DEFINE_OP(slice, Slice)

}  // namespace heed
