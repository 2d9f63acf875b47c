// Arithmetic that writes into its first operand, and assignment to a part of a tensor; none of it is
// recorded.
#include <fmt/format.h>

#include <cmath>

#include "framework/autograd/grad_mode.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"

namespace heed {
namespace {

void require_fit(const char* op, const Tensor& x, const Tensor& y) {
  detail::require_defined(op, x, y);
  detail::require_writable(op, x, y);
  if (broadcast_shapes(op, x.shape(), y.shape()) != x.shape())
    throw ShapeError(op, fmt::format("{} does not stretch to {}", y.shape().str(), x.shape().str()));
}

// x = x op y, where y's type is one that x's can hold.
template <kernels::Binary kOp, class F>
const Tensor& write(const char* op, const Tensor& x, const Tensor& y, const F& computed) {
  require_fit(op, x, y);
  if (promote(x.dtype(), y.dtype()) != x.dtype())
    throw DTypeError(op, fmt::format("{} has no place in {}", y.describe(), x.describe()));
  const NoGradGuard no_grad;
  detail::composed(op, [&] {
    const bool direct = is_floating(x.dtype()) && x.dtype() == y.dtype() && x.shape() == y.shape() &&
                        x.is_contiguous() && y.is_contiguous() &&
                        (x.raw_data() == y.raw_data() || x.body()->storage.get() != y.body()->storage.get());
    if (!direct) {
      const Tensor z = computed(x.detach(), y.detach());
      if (z.dtype() != x.dtype())
        throw DTypeError(op,
                         fmt::format("the result is {}, and {} cannot hold it", z.describe(), x.describe()));
      x.copy_(z);
      return 0;
    }
    ++x.body()->storage->version;
    dispatch_floating(op, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::binary_dense<T>(kOp, x.numel(), x.data<T>(), y.data<T>(), x.data<T>());
    });
    return 0;
  });
  return x;
}

// alpha y, in the type of the sum; of whole numbers by a whole one.
Tensor scaled(const char* op, const Tensor& x, const Tensor& y, double alpha) {
  if (alpha == 1) return y;
  require_fit(op, x, y);
  const NoGradGuard no_grad;
  const Tensor wide = y.detach().to(promote(x.dtype(), y.dtype()));
  constexpr double kExact = 9007199254740992;  // 2^53
  if (!is_floating(wide.dtype()) && std::abs(alpha) <= kExact && alpha == std::trunc(alpha))
    return wide * static_cast<int64_t>(alpha);
  return wide * alpha;
}

}  // namespace

Tensor detail::without_leading_ones(const Tensor& values, int most) {
  Tensor y = values;
  while (y.ndim() > most && y.size(0) == 1) y = select(y, 0, 0);
  return y;
}

const Tensor& Tensor::add_(const Tensor& y, double alpha) const {
  return write<kernels::Binary::add>("add_", *this, scaled("add_", *this, y, alpha),
                                     [](const Tensor& a, const Tensor& b) { return a + b; });
}
const Tensor& Tensor::sub_(const Tensor& y, double alpha) const {
  return write<kernels::Binary::sub>("sub_", *this, scaled("sub_", *this, y, alpha),
                                     [](const Tensor& a, const Tensor& b) { return a - b; });
}
const Tensor& Tensor::mul_(const Tensor& y) const {
  return write<kernels::Binary::mul>("mul_", *this, y,
                                     [](const Tensor& a, const Tensor& b) { return a * b; });
}
const Tensor& Tensor::div_(const Tensor& y) const {
  return write<kernels::Binary::div>("div_", *this, y,
                                     [](const Tensor& a, const Tensor& b) { return a / b; });
}

const Tensor& Tensor::add_(Scalar y) const { return add_(detail::scalar_operand(y, dtype())); }
const Tensor& Tensor::sub_(Scalar y) const { return sub_(detail::scalar_operand(y, dtype())); }
const Tensor& Tensor::mul_(Scalar y) const { return mul_(detail::scalar_operand(y, dtype())); }
const Tensor& Tensor::div_(Scalar y) const { return div_(detail::scalar_operand(y, dtype())); }
const Tensor& Tensor::assign(Scalar values) const { return assign(full({}, values, dtype())); }

const Tensor& Tensor::assign(const Tensor& values) const {
  detail::require_defined("assignment", *this, values);
  if (shares_nothing())
    throw ValueError("assignment",
                     "nobody has the tensor that is written to: where integers or a mask choose, "
                     "x[ids] = values and x.index({...}) = values write");
  const Tensor fitting = detail::without_leading_ones(values, ndim());
  require_fit("assignment", *this, fitting);
  const NoGradGuard no_grad;
  const bool shared = values.body()->storage.get() == body()->storage.get();  // then parts may overlap
  return copy_(heed::expand((shared ? fitting.clone() : fitting.detach()).to(dtype()), shape()));
}

}  // namespace heed
