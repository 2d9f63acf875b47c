// Loops that apply a function to the elements of one or two tensors, for ops without a SIMD kernel. None of
// them records anything for backward.
#pragma once

#include "framework/autograd/grad_mode.h"
#include "framework/core/parallel.h"
#include "framework/core/scalar.h"
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

// Two tensors, broadcast to one shape and converted to their common dtype (promote()): dense, or a single
// element that stands for all.
struct Pair {
  Tensor a, b;
  Shape shape;
  Pair(const char* op, const Tensor& first, const Tensor& second) {
    require_defined(op, first, second);
    const NoGradGuard no_grad;
    const DType dtype = promote(first.dtype(), second.dtype());
    shape = broadcast_shapes(op, first.shape(), second.shape());
    composed(op, [&] {
      a = operand(first.to(dtype));
      b = operand(second.to(dtype));
    });
  }
  DType dtype() const { return a.dtype(); }
  // y[i] = f(a[i], b[i]) with elements of type T.
  template <class T, class Y, class F>
  void fill(const Tensor& y, const F& f) const {
    const T *const from_a = a.data<T>(), *const from_b = b.data<T>();
    if (b.numel() == 1 && y.numel() != 1) {
      const T second = *from_b;
      if (a.numel() == 1) return fill_each<Y>(y, [&](int64_t) { return static_cast<Y>(f(*from_a, second)); });
      return fill_each<Y>(y, [&](int64_t i) { return static_cast<Y>(f(from_a[i], second)); });
    }
    if (a.numel() == 1 && y.numel() != 1) {
      const T first = *from_a;
      return fill_each<Y>(y, [&](int64_t i) { return static_cast<Y>(f(first, from_b[i])); });
    }
    fill_each<Y>(y, [&](int64_t i) { return static_cast<Y>(f(from_a[i], from_b[i])); });
  }

 private:
  Tensor operand(const Tensor& x) const {
    return x.numel() == 1 ? x.detach() : expand(x, shape).contiguous();
  }
};

// f applied to each pair of elements after broadcasting, computed in their common dtype; masks as i64.
template <class F>
Tensor each_pair(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  const Pair pair(op, a, b);
  if (pair.dtype() == DType::boolean) return each_pair(op, a.to(DType::i64), b.to(DType::i64), f);
  const Tensor y = allocate(op, pair.shape, pair.dtype());
  if (pair.dtype() == DType::i64) {
    pair.fill<int64_t, int64_t>(y, f);
    return y;
  }
  dispatch_floating(op, pair.dtype(), [&](auto t) {
    using T = decltype(t);
    pair.fill<T, T>(y, f);
  });
  return y;
}

}  // namespace heed::detail
