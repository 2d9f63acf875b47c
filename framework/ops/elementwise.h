// Loops that apply a function to the elements of one or two tensors, for ops without a SIMD kernel. None of
// them records anything for backward.
#pragma once

#include <array>

#include "framework/autograd/grad_mode.h"
#include "framework/core/parallel.h"
#include "framework/core/scalar.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"

namespace heed::detail {

constexpr int64_t kElementGrain = 4096;  // smallest number of elements worth giving to a thread

// Sets element i of y to f(i), for every i.
template <class T, class F>
void fill_each(const Tensor& y, const F& f) {
  T* const to = y.data<T>();
  parallel_for(y.numel(), kElementGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = f(i);
  });
}

// A new tensor with f applied to each element of a floating tensor.
template <class F>
Tensor each(const char* op, const Tensor& x, const F& f) {
  const Tensor dense = x.detach().contiguous(), y = empty(x.shape(), x.dtype());
  dispatch_floating(op, x.dtype(), [&](auto t) {
    using T = decltype(t);
    const T* const from = dense.data<T>();
    fill_each<T>(y, [&](int64_t i) { return static_cast<T>(f(from[i])); });
  });
  return y;
}

// The type in which ops compute with elements of `dtype`: masks count as i64; with `fractions`, i64 as f32.
constexpr DType computed_in(DType dtype, bool fractions = false) {
  if (fractions && !is_floating(dtype)) return DType::f32;
  return dtype == DType::boolean ? DType::i64 : dtype;
}

// Calls f with x in the type that it is computed in; an error names op.
template <class F>
auto in_type(const char* op, const Tensor& x, DType dtype, const F& f) {
  require_defined(op, x);
  return composed(op, [&] { return f(x.to(dtype)); });
}
// The same for both operands in their common type.
template <class F>
auto in_common_type(const char* op, const Tensor& a, const Tensor& b, bool fractions, const F& f) {
  require_defined(op, a, b);
  const DType dtype = computed_in(promote(a.dtype(), b.dtype()), fractions);
  return composed(op, [&] { return f(a.to(dtype), b.to(dtype)); });
}
// A tensor without dimensions that holds a number, in the type that it has beside elements of `dtype`.
inline Tensor scalar_operand(const Scalar& s, DType dtype) {
  const Tensor y = empty({}, s.with(dtype));
  dispatch_all(y.dtype(), [&](auto t) { *y.data<decltype(t)>() = s.as<decltype(t)>(); });
  return y;
}

// Values for a place of `most` dimensions: of more, the first ones are dropped where they have one element.
Tensor without_leading_ones(const Tensor& values, int most);

// Strides of x seen as `shape`: 0 where x is stretched.
inline Strides broadcast_strides(const Tensor& x, const Shape& shape) {
  Strides strides = shape;
  const int missing = shape.ndim() - x.ndim();
  for (int i = 0; i < shape.ndim(); ++i) {
    strides[i] = i < missing || (x.shape()[i - missing] == 1 && shape[i] != 1) ? 0 : x.strides()[i - missing];
  }
  return strides;
}

// kind(a, b) of two tensors of one floating dtype, broadcast, by the kernel.
inline Tensor in_binary_kernel(const char* op, kernels::Binary kind, const Tensor& a, const Tensor& b) {
  const Shape shape = broadcast_shapes(op, a.shape(), b.shape());
  const Tensor y = allocate(op, shape, a.dtype());
  dispatch_floating(op, a.dtype(), [&](auto t) {
    using T = decltype(t);
    kernels::binary<T>(kind, shape, a.data<T>(), broadcast_strides(a, shape), b.data<T>(),
                       broadcast_strides(b, shape), y.data<T>());
  });
  return y;
}

// Calls row(out, n, at, step) for rows of a dense result of `shape` (out: its first element) and of the
// tensors that are stretched to it: element k of tensor i lies at[i] + k * step[i] behind its first one.
// Neighbouring dimensions that all of them walk alike are one row.
template <size_t N, class F>
void each_row(const Shape& shape, const std::array<Tensor, N>& tensors, const F& row) {
  if (shape.numel() == 0) return;
  Shape extents;
  std::array<Strides, N> strides;
  std::array<Strides, N> full;
  for (size_t t = 0; t < N; ++t) full[t] = broadcast_strides(tensors[t], shape);
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] == 1) continue;
    const int last = extents.ndim() - 1;
    bool alike = last >= 0;
    for (size_t t = 0; t < N && alike; ++t) alike = strides[t][last] == full[t][i] * shape[i];
    if (alike) {
      extents[last] *= shape[i];
      for (size_t t = 0; t < N; ++t) strides[t][last] = full[t][i];
    } else {
      extents.push_back(shape[i]);
      for (size_t t = 0; t < N; ++t) strides[t].push_back(full[t][i]);
    }
  }
  if (extents.ndim() == 0) {
    extents.push_back(1);
    for (Strides& s : strides) s.push_back(0);
  }
  const int last = extents.ndim() - 1;
  const int64_t n = extents[last], rows = extents.numel() / n;
  std::array<int64_t, N> step;
  for (size_t t = 0; t < N; ++t) step[t] = strides[t][last];
  if (rows == 1) {
    return parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
      std::array<int64_t, N> at;
      for (size_t t = 0; t < N; ++t) at[t] = begin * step[t];
      row(begin, end - begin, at, step);
    });
  }
  parallel_for(rows, std::max<int64_t>(1, kElementGrain / n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      std::array<int64_t, N> at{};
      int64_t rest = r;
      for (int d = last - 1; d >= 0; --d) {
        const int64_t i = rest % extents[d];
        rest /= extents[d];
        for (size_t t = 0; t < N; ++t) at[t] += i * strides[t][d];
      }
      row(r * n, n, at, step);
    }
  });
}

// y[i] = f(a[i], b[i]) for a row; loops with steps that the compiler knows.
template <class T, class Y, class F>
void pair_row(int64_t n, const T* a, int64_t step_a, const T* b, int64_t step_b, Y* y, const F& f) {
  if (step_a == 1 && step_b == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Y>(f(a[i], b[i]));
  } else if (step_a == 1 && step_b == 0) {
    const T only = *b;
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Y>(f(a[i], only));
  } else if (step_a == 0 && step_b == 1) {
    const T only = *a;
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Y>(f(only, b[i]));
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Y>(f(a[i * step_a], b[i * step_b]));
  }
}

// y = f(a, b) for each pair of elements of type T after broadcasting.
template <class T, class Y, class F>
void fill_pairs(const Tensor& y, const Tensor& a, const Tensor& b, const F& f) {
  each_row<2>(y.shape(), {a, b}, [&](int64_t out, int64_t n, const auto& at, const auto& step) {
    pair_row(n, a.data<T>() + at[0], step[0], b.data<T>() + at[1], step[1], y.data<Y>() + out, f);
  });
}

// f applied to each pair of elements after broadcasting, computed in their common dtype; masks as i64.
template <class F>
Tensor each_pair(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  require_defined(op, a, b);
  const DType dtype = computed_in(promote(a.dtype(), b.dtype()));
  if (a.dtype() != dtype || b.dtype() != dtype) {
    const NoGradGuard no_grad;
    return each_pair(op, a.to(dtype), b.to(dtype), f);
  }
  const Tensor y = allocate(op, broadcast_shapes(op, a.shape(), b.shape()), dtype);
  if (dtype == DType::i64) {
    fill_pairs<int64_t, int64_t>(y, a, b, f);
    return y;
  }
  dispatch_floating(op, dtype, [&](auto t) {
    using T = decltype(t);
    fill_pairs<T, T>(y, a, b, f);
  });
  return y;
}

}  // namespace heed::detail
