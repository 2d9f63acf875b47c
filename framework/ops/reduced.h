// Which dims a reduction works on, and reductions row by row.
#pragma once

#include <algorithm>
#include <bitset>
#include <optional>
#include <vector>

#include "framework/core/parallel.h"
#include "framework/ops/naming.h"
#include "framework/ops/reductions.h"
#include "framework/ops/shapes.h"

namespace heed::detail {

// Which dims of a shape are reduced.
struct Reduced {
  Shape shape;
  std::bitset<kMaxDims> dims;

  Reduced(const char* op, const Tensor& x, const std::vector<int>& named) {
    require_defined(op, x);
    shape = x.shape();
    dims = named_dims(op, named, shape.ndim());
    if (named.empty()) dims.set();
  }
  bool is(int dim) const { return dims[static_cast<size_t>(dim)]; }
  Shape without(bool keep) const {
    Shape result;
    for (int i = 0; i < shape.ndim(); ++i) {
      if (!is(i)) {
        result.push_back(shape[i]);
      } else if (keep) {
        result.push_back(1);
      }
    }
    return result;
  }
  int64_t count() const {  // elements that make one of the result
    int64_t n = 1;
    for (int i = 0; i < shape.ndim(); ++i) n *= is(i) ? shape[i] : 1;
    return n;
  }
  // x as [outer, reduce, inner], where the reduced dims are neighbours.
  struct Run {
    int64_t outer = 1, reduce = 1, inner = 1;
  };
  std::optional<Run> run() const {
    Run result;
    int64_t before = 1;  // what is not reduced since the last dim that is
    for (int i = 0; i < shape.ndim(); ++i) {
      if (shape[i] == 1) continue;
      if (!is(i)) {
        before *= shape[i];
        continue;
      }
      if (result.reduce > 1 && before > 1) return std::nullopt;
      result.outer *= before;
      before = 1;
      result.reduce *= shape[i];
    }
    result.inner = before;
    if (result.reduce == 1) std::swap(result.outer, result.inner);  // nothing is reduced: rows of one
    return result;
  }
  std::vector<int> list() const {
    std::vector<int> result;
    for (int i = 0; i < shape.ndim(); ++i) {
      if (is(i)) result.push_back(i);
    }
    return result;
  }
  // x as dense rows of count() elements.
  Tensor rows(const Tensor& x) const {
    std::vector<int> order;
    for (const bool last : {false, true}) {
      for (int i = 0; i < shape.ndim(); ++i) {
        if (is(i) == last) order.push_back(i);
      }
    }
    return permute(x, order).contiguous();
  }
};

// y[r] = f(row r, n) as Y, of the rows of n elements of type T that are made one.
template <class T, class Y, class F>
Tensor reduce_rows(const char* op, const Reduced& reduced, const Tensor& input, KeepDim keep, const F& f) {
  const Tensor x = reduced.rows(input),
               y = allocate(op, reduced.without(keep == KeepDim::yes), dtype_of<Y>());
  const int64_t n = reduced.count();
  const T* const from = x.data<T>();
  Y* const to = y.data<Y>();
  parallel_for(y.numel(), std::max<int64_t>(1, 32768 / std::max<int64_t>(n, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t r = begin; r < end; ++r) to[r] = static_cast<Y>(f(from + r * n, n));
               });
  return y;
}

}  // namespace heed::detail
