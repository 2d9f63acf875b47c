// add, sub, mul, div with NumPy's broadcasting: y = a op b.
// vjp: add (g, g); sub (g, -g); mul (g b, g a); div (g / b, -g y / b), each summed back to its input's shape.
#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// Strides of x seen as `shape`: 0 where x is stretched.
Strides broadcast_strides(const Tensor& x, const Shape& shape) {
  Strides strides = shape;
  const int missing = shape.ndim() - x.ndim();
  for (int i = 0; i < shape.ndim(); ++i) {
    strides[i] = i < missing || (x.shape()[i - missing] == 1 && shape[i] != 1) ? 0 : x.strides()[i - missing];
  }
  return strides;
}

template <kernels::Binary kOp>
Tensor compute(const char* name, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    throw DTypeError(fmt::format("{}: dtypes differ: {} and {}", name, a.describe(), b.describe()));
  }
  const Shape shape = broadcast_shapes(name, a.shape(), b.shape());
  const Tensor y = empty(shape, a.dtype());
  dispatch_floating(name, a.dtype(), [&](auto t) {
    using T = decltype(t);
    kernels::binary<T>(kOp, shape, a.data<T>(), broadcast_strides(a, shape), b.data<T>(), broadcast_strides(b, shape), y.data<T>());
  });
  return y;
}

void add_reduced(Grads& d, int i, const Tensor& g, const Shape& shape) { d.add(i, g.shape() == shape ? g : sum_to(g, shape)); }

struct Add {
  static constexpr const char* kName = "add";
  Shape a_shape, b_shape;
  Tensor forward(const Tensor& a, const Tensor& b, Saved&) const { return compute<kernels::Binary::add>(kName, a, b); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    if (d.wants(0)) add_reduced(d, 0, g, a_shape);
    if (d.wants(1)) add_reduced(d, 1, g, b_shape);
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{add(x[0], x[1])}; };
    s.add("a + b", {{3, 4}, {3, 4}}, run);
    s.add("a + b", {{2, 3, 4}, {4}}, run);
    s.add("a + b", {{2, 1, 4}, {3, 1}}, run);
    s.add("a + b", {{0, 4}, {4}}, run);
    s.add("a + b", {{}, {2, 2}}, run);
  }
};

struct Sub {
  static constexpr const char* kName = "sub";
  Shape a_shape, b_shape;
  Tensor forward(const Tensor& a, const Tensor& b, Saved&) const { return compute<kernels::Binary::sub>(kName, a, b); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    if (d.wants(0)) add_reduced(d, 0, g, a_shape);
    if (d.wants(1)) add_reduced(d, 1, neg(g), b_shape);
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{sub(x[0], x[1])}; };
    s.add("a - b", {{3, 4}, {3, 4}}, run);
    s.add("a - b", {{4}, {2, 3, 4}}, run);
    s.again({{0, 4}, {4}});
  }
};

struct Mul {
  static constexpr const char* kName = "mul";
  Shape a_shape, b_shape;
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    saved.input(saved.wants(1) ? a : Tensor{});  // each is kept only if the other one needs a gradient
    saved.input(saved.wants(0) ? b : Tensor{});
    return compute<kernels::Binary::mul>(kName, a, b);
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    if (d.wants(0)) add_reduced(d, 0, mul(g, saved[1]), a_shape);
    if (d.wants(1)) add_reduced(d, 1, mul(g, saved[0]), b_shape);
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{mul(x[0], x[1])}; };
    s.add("a * b", {{3, 4}, {3, 4}}, run);
    s.add("a * b", {{2, 3, 4}, {3, 1}}, run);
    s.add("a * b", {{2, 3}, {}}, run);
    s.add("a * b", {{0, 4}, {1, 4}}, run);
  }
};

struct Div {
  static constexpr const char* kName = "div";
  Shape a_shape, b_shape;
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    const Tensor y = compute<kernels::Binary::div>(kName, a, b);
    saved.input(b);
    saved.output(saved.wants(1) ? y : Tensor{});
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor over_b = div(g, saved[0]);
    if (d.wants(0)) add_reduced(d, 0, over_b, a_shape);
    if (d.wants(1)) add_reduced(d, 1, neg(mul(over_b, saved[1])), b_shape);
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{div(x[0], x[1])}; };
    s.add("a / b", {{3, 4}, positive({3, 4})}, run);
    s.add("a / b", {{2, 3, 4}, positive({3, 1})}, run);
    s.again({{0, 4}, positive({4})});
  }
};

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return apply(Add{a.shape(), b.shape()}, a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return apply(Sub{a.shape(), b.shape()}, a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return apply(Mul{a.shape(), b.shape()}, a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return apply(Div{a.shape(), b.shape()}, a, b); }

DEFINE_OP(add, Add)
DEFINE_OP(sub, Sub)
DEFINE_OP(mul, Mul)
DEFINE_OP(div, Div)

}  // namespace heed
