// add, sub, mul, div with NumPy's broadcasting: y = a op b.
// vjp: add (g, g); sub (g, -g); mul (g b, g a); div (g / b, -g y / b), each summed back to its input's shape.
#include <cmath>
#include <utility>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

template <kernels::Binary kOp>
Tensor compute(const char* name, const Tensor& a, const Tensor& b) {
  if (a.shape() == b.shape() && a.is_contiguous() && b.is_contiguous()) {
    Tensor y = empty(a.shape(), a.dtype());
    dispatch_floating(name, a.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::binary_dense<T>(kOp, a.numel(), a.data<T>(), b.data<T>(), y.data<T>());
    });
    return y;
  }
  return detail::in_binary_kernel(name, kOp, a, b);
}

// What backward needs of the operands' shapes: nothing where they are equal, so that the node is small.
struct Equal {
  template <class G>
  // a handle that is not given away is not copied: two locked instructions
  static void add(Grads& d, int i, G&& g) {
    d.add(i, std::forward<G>(g));
  }
};
struct Stretched {
  Shape a, b;
  void add(Grads& d, int i, Tensor g) const {
    const Shape& shape = i == 0 ? a : b;
    d.add(i, g.shape() == shape ? std::move(g) : sum_to(g, shape));
  }
};

template <class Shapes>
struct Add {
  static constexpr const char* kName = "add";
  static uint64_t of_whole(uint64_t p, uint64_t q) { return p + q; }
  static constexpr int kSaved = 0;
  [[no_unique_address]] Shapes shapes;
  Tensor forward(const Tensor& a, const Tensor& b, Saved&) const {
    return compute<kernels::Binary::add>(kName, a, b);
  }
  void vjp(Grads& d, Tensor g, const Saved&) const {
    if (d.wants(1)) shapes.add(d, 1, g);
    if (d.wants(0)) shapes.add(d, 0, std::move(g));
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

template <class Shapes>
struct Sub {
  static constexpr const char* kName = "sub";
  static uint64_t of_whole(uint64_t p, uint64_t q) { return p - q; }
  static constexpr int kSaved = 0;
  [[no_unique_address]] Shapes shapes;
  Tensor forward(const Tensor& a, const Tensor& b, Saved&) const {
    return compute<kernels::Binary::sub>(kName, a, b);
  }
  void vjp(Grads& d, Tensor g, const Saved&) const {
    if (d.wants(1)) shapes.add(d, 1, neg(g));
    if (d.wants(0)) shapes.add(d, 0, std::move(g));
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{sub(x[0], x[1])}; };
    s.add("a - b", {{3, 4}, {3, 4}}, run);
    s.add("a - b", {{4}, {2, 3, 4}}, run);
    s.again({{0, 4}, {4}});
  }
};

template <class Shapes>
struct Mul {
  static constexpr const char* kName = "mul";
  static uint64_t of_whole(uint64_t p, uint64_t q) { return p * q; }
  [[no_unique_address]] Shapes shapes;
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    saved.input(saved.wants(1) ? a : Tensor{});  // each is kept only if the other one needs a gradient
    saved.input(saved.wants(0) ? b : Tensor{});
    return compute<kernels::Binary::mul>(kName, a, b);
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    if (d.wants(0)) shapes.add(d, 0, mul(g, saved[1]));
    if (d.wants(1)) shapes.add(d, 1, mul(g, saved[0]));
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{mul(x[0], x[1])}; };
    s.add("a * b", {{3, 4}, {3, 4}}, run);
    s.add("a * b", {{2, 3, 4}, {3, 1}}, run);
    s.add("a * b", {{2, 3}, {}}, run);
    s.add("a * b", {{0, 4}, {1, 4}}, run);
  }
};

template <class Shapes>
struct Div {
  static constexpr const char* kName = "div";
  [[no_unique_address]] Shapes shapes;
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    const Tensor y = compute<kernels::Binary::div>(kName, a, b);
    saved.input(b);
    saved.output(saved.wants(1) ? y : Tensor{});
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor over_b = div(g, saved[0]);
    if (d.wants(0)) shapes.add(d, 0, over_b);
    if (d.wants(1)) shapes.add(d, 1, neg(mul(over_b, saved[1])));
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{div(x[0], x[1])}; };
    s.add("a / b", {{3, 4}, positive({3, 4})}, run);
    s.add("a / b", {{2, 3, 4}, positive({3, 1})}, run);
    s.again({{0, 4}, positive({4})});
    s.add("a / 49", {{3, 4}}, [](const auto& x) { return std::vector{x[0] / 49}; });
  }
};

// x / s for a number s, rounded once: x times 1 / s is not that.      dx = g / s
struct Quotient {
  static constexpr const char* kName = "div";
  static constexpr int kSaved = 0;
  double divisor;
  Tensor forward(const Tensor& input, Saved&) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T by = static_cast<T>(divisor);
      kernels::binary<T>(kernels::Binary::div, {x.numel()}, x.data<T>(), {1}, &by, {0}, y.data<T>());
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, div(g, divisor)); }
};

template <template <class> class Op>
Tensor run(const Tensor& a, const Tensor& b);

// Operands of two types, of whole numbers or masks. Whole numbers wrap around at 2^63; there is no gradient.
template <template <class> class Op>
Tensor run_promoted(const Tensor& a, const Tensor& b) {
  constexpr const char* kName = Op<Equal>::kName;
  constexpr bool kWhole = requires { Op<Equal>::of_whole(1, 1); };
  return detail::in_common_type(kName, a, b, /*fractions=*/!kWhole, [](const Tensor& x, const Tensor& z) {
    if constexpr (kWhole) {
      if (!is_floating(x.dtype())) {
        const Tensor y = detail::allocate(kName, broadcast_shapes(kName, x.shape(), z.shape()), DType::i64);
        detail::fill_pairs<int64_t, int64_t>(y, x, z, [](int64_t p, int64_t q) {
          return static_cast<int64_t>(
              Op<Equal>::of_whole(static_cast<uint64_t>(p), static_cast<uint64_t>(q)));
        });
        return y;
      }
    }
    return run<Op>(x, z);
  });
}

template <template <class> class Op>
Tensor run(const Tensor& a, const Tensor& b) {
  detail::require_defined(Op<Equal>::kName, a, b);
  if (a.dtype() != b.dtype() || !is_floating(a.dtype())) [[unlikely]]
    return run_promoted<Op>(a, b);
  if (a.shape() == b.shape()) return apply(Op<Equal>{}, a, b);
  return apply(Op<Stretched>{{a.shape(), b.shape()}}, a, b);
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return run<Add>(a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return run<Sub>(a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return run<Mul>(a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return run<Div>(a, b); }

// With a number: one affine for what is floating.
namespace {
template <template <class> class Op>
Tensor with_number(const Tensor& x, const Scalar& s, double scale, double shift, bool number_first = false) {
  constexpr const char* kName = Op<Equal>::kName;
  detail::require_defined(kName, x);
  if (is_floating(x.dtype())) [[likely]]
    return affine(x, scale, shift);
  const Tensor number = detail::scalar_operand(s, x.dtype());
  return number_first ? run<Op>(number, x) : run<Op>(x, number);
}
}  // namespace

Tensor add(const Tensor& x, Scalar s) { return with_number<Add>(x, s, 1, s.value()); }
Tensor sub(const Tensor& x, Scalar s) { return with_number<Sub>(x, s, 1, -s.value()); }
Tensor sub(Scalar s, const Tensor& x) { return with_number<Sub>(x, s, -1, s.value(), /*number_first=*/true); }
// Adding -0 leaves the sign of a zero.
Tensor mul(const Tensor& x, Scalar s) { return with_number<Mul>(x, s, s.value(), -0.0); }
Tensor div(const Tensor& x, Scalar s) {
  detail::require_defined("div", x);
  if (!is_floating(x.dtype())) return run<Div>(x, detail::scalar_operand(s, x.dtype()));
  int exponent = 0;  // of a power of two the reciprocal is exact
  if (std::frexp(s.value(), &exponent) == 0.5 && std::abs(exponent) < 120)
    return affine(x, 1 / s.value(), -0.0);
  return apply(Quotient{s.value()}, x);
}
Tensor div(Scalar s, const Tensor& x) {
  detail::require_defined("div", x);
  return run<Div>(detail::scalar_operand(s, x.dtype()), x);
}

DEFINE_OP(add, Add<Stretched>)
DEFINE_OP(sub, Sub<Stretched>)
DEFINE_OP(mul, Mul<Stretched>)
DEFINE_OP(div, Div<Stretched>)

}  // namespace heed
