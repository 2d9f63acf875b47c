#include "framework/ops/matrices.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <limits>

#include "framework/ops/naming.h"
#include "framework/ops/ops.h"

namespace heed::detail {
namespace {

// Whether no exponent has all its bits set; without a branch for each value.
template <class T>
bool all_finite(int64_t n, const T* x) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr Bits kInfinity = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  Bits infinite = 0;
  for (int64_t i = 0; i < n; ++i)
    infinite |= (std::bit_cast<Bits>(x[i]) & kInfinity) == kInfinity ? Bits{1} : Bits{0};
  return infinite == 0;
}

}  // namespace

Matrices matrices_of(const char* op, const Tensor& x) {
  require_defined(op, x);
  if (x.ndim() < 2) throw ShapeError(op, "takes matrices, got " + x.shape().str());
  const Matrices m{leading_dims(x.shape(), 2).numel(), x.size(-2), x.size(-1)};
  const Tensor dense = x.detach().contiguous();
  dispatch_floating(op, x.dtype(), [&](auto t) {
    using T = decltype(t);
    const T* const values = dense.data<T>();
    const int64_t each = m.rows * m.columns;
    for (int64_t i = 0; i < m.count; ++i) {
      if (!all_finite(each, values + i * each)) require_none(op, x, i, "has a NaN or an infinity");
    }
  });
  return m;
}

Matrices square_matrices_of(const char* op, const Tensor& x) {
  require_defined(op, x);
  if (x.ndim() < 2 || x.size(-1) != x.size(-2))
    throw ShapeError(op, "takes square matrices, got " + x.shape().str());
  return matrices_of(op, x);
}

Shape leading_dims(const Shape& shape, int last) {
  return Shape(std::span(shape.begin(), static_cast<size_t>(shape.ndim() - last)));
}

Shape with_last(Shape leading, std::initializer_list<int64_t> last) {
  for (const int64_t extent : last) leading.push_back(extent);
  return leading;
}

void require_none(const char* op, const Tensor& x, int64_t index, const char* what) {
  if (index >= 0) throw ValueError(op, fmt::format("matrix {} of {} {}", index, x.describe(), what));
}

Tensor regular(const Tensor& x) {
  const Tensor small = x * 0.2;
  return small + eye(x.size(-1), -1, x.dtype()) * 2.0;
}

Tensor positive_definite(const Tensor& x) {
  const Tensor small = (x + transpose(x)) * 0.1;
  return small + eye(x.size(-1), -1, x.dtype()) * 3.0;
}

Tensor with_distinct_values(const Tensor& x) {
  const Tensor small = x * 0.1;
  return small + eye(x.size(-2), x.size(-1), x.dtype()) * ((arange(x.size(-1), x.dtype()) + 1.0) * 1.5);
}

}  // namespace heed::detail
