// maximum, minimum and pow of two tensors, with NumPy's broadcasting.
// vjp: maximum (g [a > b], g [b > a]), halves where equal; minimum the other way round; pow (g b a^(b-1), g y
// log a), each summed back to its input's shape. weighed (w v, 0 where w = 0 and v is infinite): (g v, g w).
#include <fmt/format.h>

#include <cmath>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/weighed.h"

namespace heed {
namespace {

using detail::each_pair;

template <bool kLarger>
struct Extreme {
  static constexpr const char* kName = kLarger ? "maximum" : "minimum";
  static Tensor of(const Tensor& a, const Tensor& b) { return kLarger ? maximum(a, b) : minimum(a, b); }
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    saved.input(a);
    saved.input(b);
    if (!is_floating(a.dtype()))
      return each_pair(kName, a, b, [](auto p, auto q) { return (p < q) == kLarger ? q : p; });
    return detail::in_binary_kernel(kName, kLarger ? kernels::Binary::maximum : kernels::Binary::minimum, a,
                                    b);
  }
  // What part of the gradient the first of two gets; all of it beside a NaN.
  template <class T>
  static T share(T p, T q) {
    return p == q ? T(0.5) : (kLarger ? p < q : p > q) ? T(0) : T(1);
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor a = saved[0], b = saved[1];
    if (d.wants(0))
      d.add(0, sum_to(g * each_pair(kName, a, b, [](auto p, auto q) { return share(p, q); }), a.shape()));
    if (d.wants(1))
      d.add(1, sum_to(g * each_pair(kName, a, b, [](auto p, auto q) { return share(q, p); }), b.shape()));
  }
  static void samples(SampleList& s) {
    const std::string torch = fmt::format("torch.{}(a, b)", kName);
    const auto run = [](const auto& x) { return std::vector{of(x[0], x[1])}; };
    s.add(torch, {{3, 4}, {3, 4}}, run);
    s.add(torch, {{2, 3, 4}, {4}}, run);
    s.add(torch, {{3, 1}, {2, 1, 4}}, run);
    s.add(torch, {{0, 4}, {4}}, run);
    s.add(torch, {{}, {2, 2}}, run);
  }
};

struct Pow {
  static constexpr const char* kName = "pow";
  static constexpr int kSaved = 3;
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    const Tensor y = detail::in_binary_kernel(kName, kernels::Binary::pow, a, b);
    saved.input(a);
    saved.input(b);
    saved.output(saved.wants(1) ? y : Tensor{});
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor a = saved[0], b = saved[1];
    if (d.wants(0)) {  // a^0 is 1 whatever a is: no gradient, where a^(b - 1) is no number
      const Tensor constant =
          each_pair(kName, a, b, [](auto p, auto q) { return q == 0 && (p == 0 || !std::isfinite(p)); });
      d.add(0, sum_to(g * b * pow(a, b + constant - 1.0), a.shape()));
    }
    if (d.wants(1)) {  // 0^b for b > 0 and inf^b for b < 0 are 0: no gradient, where log a is infinite
      const Tensor none = each_pair(
          kName, a, b, [](auto p, auto q) { return p == 0 ? q >= 0 : std::isinf(p) && p > 0 && q < 0; });
      d.add(1, sum_to(g * saved[2] * log(where(none.to(DType::boolean), ones({}, a.dtype()), a)), b.shape()));
    }
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{pow(x[0], x[1])}; };
    s.add("torch.pow(a, b)", {positive({3, 4}), {3, 4}}, run);
    s.add("torch.pow(a, b)", {positive({2, 3, 4}), {3, 1}}, run);
    s.add("torch.pow(a, b)", {positive({4}), {2, 3, 4}}, run);
    s.add("torch.pow(a, b)", {positive({0, 4}), {4}}, run);
  }
};

struct Weighed {
  static constexpr const char* kName = "weighed";
  Tensor forward(const Tensor& weight, const Tensor& value, Saved& saved) const {
    saved.input(weight);
    saved.input(value);
    return each_pair(kName, weight, value,
                     [](auto w, auto v) { return w == 0 && std::isinf(v) ? w : w * v; });
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor weight = saved[0], value = saved[1];
    if (d.wants(0)) d.add(0, sum_to(detail::weighed(g, value), weight.shape()));
    if (d.wants(1)) d.add(1, sum_to(detail::weighed(weight, g), value.shape()));
  }
};

}  // namespace

Tensor detail::weighed(const Tensor& weight, const Tensor& value) { return apply(Weighed{}, weight, value); }

namespace {
Tensor number_beside(const char* op, const Tensor& x, const Scalar& s) {
  detail::require_defined(op, x);
  return detail::scalar_operand(s, x.dtype());
}

// Op on operands of any types; both keep theirs where it is the same.
template <class Op>
Tensor promoted(const Tensor& a, const Tensor& b) {
  detail::require_defined(Op::kName, a, b);
  const DType dtype = promote(a.dtype(), b.dtype());
  if (dtype == DType::boolean)
    return detail::composed(Op::kName, [&] { return apply(Op{}, a, b).to(DType::boolean); });
  if (a.dtype() == b.dtype()) return apply(Op{}, a, b);
  return detail::composed(Op::kName, [&] { return apply(Op{}, a.to(dtype), b.to(dtype)); });
}

// a^b of whole numbers, which wraps around at 2^63.
Tensor whole_pow(const Tensor& a, const Tensor& b) {
  const Tensor y = detail::allocate("pow", broadcast_shapes("pow", a.shape(), b.shape()), DType::i64);
  const Tensor lowest = b.numel() > 0 ? amin(b) : b;
  if (b.numel() > 0 && lowest.item() < 0) {
    throw ValueError(
        "pow",
        fmt::format("a whole number to the power of {} is none: convert one of them to f32", lowest.item()));
  }
  detail::fill_pairs<int64_t, int64_t>(y, a, b, [](int64_t base, int64_t exponent) {
    uint64_t power = 1, factor = static_cast<uint64_t>(base);
    for (auto rest = static_cast<uint64_t>(exponent); rest > 0; rest /= 2, factor *= factor) {
      if (rest % 2 == 1) power *= factor;
    }
    return static_cast<int64_t>(power);
  });
  return y;
}
}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) { return promoted<Extreme<true>>(a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return promoted<Extreme<false>>(a, b); }
Tensor pow(const Tensor& a, const Tensor& b) {
  detail::require_defined("pow", a, b);
  return detail::in_common_type("pow", a, b, /*fractions=*/false, [](const Tensor& x, const Tensor& z) {
    return is_floating(x.dtype()) ? apply(Pow{}, x, z) : whole_pow(x, z);
  });
}
Tensor maximum(const Tensor& x, Scalar s) { return maximum(x, number_beside("maximum", x, s)); }
Tensor minimum(const Tensor& x, Scalar s) { return minimum(x, number_beside("minimum", x, s)); }
Tensor pow(Scalar base, const Tensor& x) { return pow(number_beside("pow", x, base), x); }

DEFINE_OP(maximum, Extreme<true>)
DEFINE_OP(minimum, Extreme<false>)
DEFINE_OP(pow, Pow)

}  // namespace heed
