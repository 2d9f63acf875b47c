// Loops that apply a function to the elements of one or two tensors, for ops without a SIMD kernel. None of
// them records anything for backward.
#pragma once

#include "framework/autograd/grad_mode.h"
#include "framework/core/parallel.h"
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

// Two tensors of one dtype, broadcast to one shape and dense.
struct Pair {
  Tensor a, b;
  Pair(const char* op, const Tensor& first, const Tensor& second) {
    require_defined(op, first, second);
    if (first.dtype() != second.dtype()) {
      throw DTypeError(op, "dtypes differ: " + first.describe() + " and " + second.describe());
    }
    const NoGradGuard no_grad;
    const Shape shape = broadcast_shapes(op, first.shape(), second.shape());
    composed(op, [&] {
      a = expand(first, shape).contiguous();
      b = expand(second, shape).contiguous();
    });
  }
};

// f applied to each pair of elements after broadcasting, computed in the tensors' floating dtype.
template <class F>
Tensor each_pair(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  const Pair pair(op, a, b);
  const Tensor y = empty(pair.a.shape(), a.dtype());
  dispatch_floating(op, a.dtype(), [&](auto t) {
    using T = decltype(t);
    const T *const from_a = pair.a.data<T>(), *const from_b = pair.b.data<T>();
    fill_each<T>(y, [&](int64_t i) { return static_cast<T>(f(from_a[i], from_b[i])); });
  });
  return y;
}

}  // namespace heed::detail
