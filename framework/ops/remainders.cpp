// floor_divide and remainder, as Python's // and %: a = floor_divide(a, b) b + remainder(a, b), and a
// remainder has the sign of b. vjp: remainder: (g, -g floor(a / b)), each summed back to its input's shape;
// floor_divide has steps alone.
#include <fmt/format.h>

#include <cstdint>

#include "framework/ops/apply.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// Of whole numbers, none of which is divided by 0.
struct Division {
  static int64_t remainder(int64_t a, int64_t b) {
    if (b == -1) return 0;  // which the processor cannot do for the lowest number
    const int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  static int64_t floor(int64_t a, int64_t b) {
    if (b == -1) return static_cast<int64_t>(-static_cast<uint64_t>(a));  // wraps around
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
  }
};

struct Remainder {
  static constexpr const char* kName = "remainder";
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    saved.input(saved.wants(1) ? a : Tensor{});
    saved.input(b);
    return detail::in_binary_kernel(kName, kernels::Binary::remainder, a, b);
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Shape& of_b = saved[1].shape();
    if (d.wants(0)) d.add(0, sum_to(g, shape));
    if (d.wants(1)) d.add(1, sum_to(-g * floor_divide(saved[0], saved[1]), of_b));
  }
  Shape shape;  // of a
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{remainder(x[0], x[1])}; };
    s.add("torch.remainder(a, b)", {{3, 4}, positive({3, 4})}, run);
    s.add("torch.remainder(a, b)", {{2, 3, 4}, positive({4})}, run);
    s.add("torch.remainder(a, -b)", {{3, 1}, positive({2, 1, 4})},
          [](const auto& x) { return std::vector{remainder(x[0], -x[1])}; });
    s.add("torch.remainder(a, b)", {{0, 4}, positive({4})}, run);
    s.add("torch.remainder(a, 0.3)", {{3, 4}}, [](const auto& x) { return std::vector{x[0] % 0.3}; });
  }
};

struct FloorDivide {
  static void samples(SampleList& s) {
    constexpr const char* kSteps = "its value is a whole number";
    const auto run = [](const auto& x) { return std::vector{floor_divide(x[0], x[1])}; };
    s.add("torch.floor_divide(a.detach(), b.detach())", {{3, 4}, positive({3, 4})}, run)
        .without_gradient(kSteps);
    s.add("torch.floor_divide(a.detach(), b.detach())", {{2, 3, 4}, positive({4})}, run)
        .without_gradient(kSteps);
    s.add("torch.floor_divide(a, b).double()", {integers({4, 1}, {9, -9, 6, 1}), integers({3}, {-2, 3, 7})},
          run)
        .without_gradient(kSteps);
    s.again({integers({0, 4}, {}), integers({4}, {1, 2, 3, 4})}).without_gradient(kSteps);
  }
};

// f(a, b) in the common type of the operands, masks as i64.
template <class F>
Tensor divided(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  detail::require_defined(op, a, b);
  return detail::in_common_type(op, a, b, /*fractions=*/false, [&](const Tensor& x, const Tensor& y) {
    if (!is_floating(y.dtype()) && y.numel() > 0 && any(eq(y, 0)).item() != 0)
      throw ValueError(op, "a whole number is divided by 0");
    return f(x, y);
  });
}
Tensor of_integers(const char* op, const Tensor& a, const Tensor& b, int64_t (*f)(int64_t, int64_t)) {
  const Tensor y = detail::allocate(op, broadcast_shapes(op, a.shape(), b.shape()), DType::i64);
  detail::fill_pairs<int64_t, int64_t>(y, a, b, f);
  return y;
}
Tensor number_beside(const char* op, const Tensor& x, const Scalar& s) {
  detail::require_defined(op, x);
  return detail::scalar_operand(s, x.dtype());
}

}  // namespace

Tensor remainder(const Tensor& a, const Tensor& b) {
  return divided("remainder", a, b, [](const Tensor& x, const Tensor& y) {
    return is_floating(x.dtype()) ? apply(Remainder{.shape = x.shape()}, x, y)
                                  : of_integers("remainder", x, y, Division::remainder);
  });
}
Tensor floor_divide(const Tensor& a, const Tensor& b) {
  return divided("floor_divide", a, b, [](const Tensor& x, const Tensor& y) {
    return is_floating(x.dtype()) ? detail::in_binary_kernel("floor_divide", kernels::Binary::floor_divide,
                                                             x.detach(), y.detach())
                                  : of_integers("floor_divide", x, y, Division::floor);
  });
}
Tensor remainder(const Tensor& a, Scalar b) { return remainder(a, number_beside("remainder", a, b)); }
Tensor remainder(Scalar a, const Tensor& b) { return remainder(number_beside("remainder", b, a), b); }
Tensor floor_divide(const Tensor& a, Scalar b) {
  return floor_divide(a, number_beside("floor_divide", a, b));
}
Tensor floor_divide(Scalar a, const Tensor& b) {
  return floor_divide(number_beside("floor_divide", b, a), b);
}

DEFINE_OP(remainder, Remainder)
DEFINE_OP(floor_divide, FloorDivide)

}  // namespace heed
