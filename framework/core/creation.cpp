// Tensors made from a few numbers, beside those in tensor.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "framework/core/error.h"
#include "framework/core/tensor.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/naming.h"

namespace heed {
namespace {

// f(i) for each element.
template <class F>
Tensor made(const char* op, const Shape& shape, DType dtype, const F& f) {
  const Tensor x = detail::allocate(op, shape, dtype);
  dispatch_all(dtype, [&](auto t) {
    using T = decltype(t);
    T* const to = x.data<T>();
    const int64_t n = x.numel();
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(f(i));
  });
  return x;
}

// start + (first + i) step in the elements [begin, begin + n).
void set_ramp(const Tensor& x, int64_t begin, int64_t n, int64_t first, double start, double step) {
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    T* const to = x.data<T>() + begin;
    if constexpr (std::is_floating_point_v<T>) {
      kernels::ramp(first, n, start, step, to);
    } else {
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(start + static_cast<double>(first + i) * step);
    }
  });
}

}  // namespace

Tensor arange(Scalar first, Scalar beyond, Scalar step_wanted, std::optional<DType> wanted) {
  const DType common =
      promote(first.with(DType::i64), promote(beyond.with(DType::i64), step_wanted.with(DType::i64)));
  const DType dtype = wanted.value_or(common);
  if (common == DType::i64 && step_wanted.whole() != 0) {
    const auto start = static_cast<uint64_t>(first.whole()), end = static_cast<uint64_t>(beyond.whole()),
               step = static_cast<uint64_t>(step_wanted.whole());
    const bool up = step_wanted.whole() > 0;
    if (up ? first.whole() >= beyond.whole() : first.whole() <= beyond.whole())
      return made("arange", {0}, dtype, [](int64_t) { return 0; });
    const uint64_t n = ((up ? end - start : start - end) - 1) / (up ? step : 0 - step) + 1;
    return made("arange", {static_cast<int64_t>(std::min<uint64_t>(n, INT64_MAX))}, dtype,
                [&](int64_t i) { return static_cast<int64_t>(start + static_cast<uint64_t>(i) * step); });
  }
  const double start = first.value(), end = beyond.value(), step = step_wanted.value();
  if (!(step != 0) || !std::isfinite((end - start) / step)) {
    throw ValueError("arange", fmt::format("from {} to {} in steps of {}", start, end, step));
  }
  const double n = std::max(0.0, std::ceil((end - start) / step));
  if (n >= 0x1p62)
    throw ValueError("arange",
                     fmt::format("from {} to {} in steps of {} are too many elements", start, end, step));
  const Tensor x = detail::allocate("arange", {static_cast<int64_t>(n)}, dtype);
  set_ramp(x, 0, x.numel(), 0, start, step);
  return x;
}

Tensor linspace(double start, double end, int64_t n, DType dtype) {
  if (n < 0) throw ShapeError("linspace", fmt::format("{} values", n));
  const double step = n > 1 ? (end - start) / static_cast<double>(n - 1) : 0;
  const Tensor x = detail::allocate("linspace", {n}, dtype);
  const int64_t half = (n + 1) / 2;  // from the nearer end, so that both are exact
  set_ramp(x, 0, half, 0, start, step);
  set_ramp(x, half, n - half, half - (n - 1), end, step);
  if (n > 1) {  // a zero keeps the sign that the difference has
    dispatch_all(dtype, [&](auto t) {
      using T = decltype(t);
      x.data<T>()[n - 1] = static_cast<T>(end - 0 * step);
    });
  }
  return x;
}

Tensor eye(int64_t rows, int64_t columns, DType dtype) {
  const int64_t n = columns < 0 ? rows : columns;
  if (rows < 0) throw ShapeError("eye", fmt::format("{} rows", rows));
  const Tensor y = detail::composed("eye", [&] { return zeros({rows, n}, dtype); });
  dispatch_all(dtype, [&](auto t) {
    auto* const to = y.data<decltype(t)>();
    for (int64_t i = 0; i < std::min(rows, n); ++i) to[i * n + i] = 1;
  });
  return y;
}

Tensor bernoulli(const Shape& shape, double p, DType dtype) {
  if (!(p >= 0 && p <= 1)) throw ValueError("bernoulli", fmt::format("p = {} is outside [0, 1]", p));
  const Tensor u = detail::composed("bernoulli", [&] { return uniform(shape, 0, 1, DType::f64); });
  return made("bernoulli", shape, dtype, [&](int64_t i) { return u.data<double>()[i] < p ? 1 : 0; });
}

}  // namespace heed
