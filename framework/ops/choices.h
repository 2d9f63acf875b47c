// An index beside the tensor that it chooses from: what gather, scatter and scatter_add share.
#pragma once

#include <algorithm>

#include "framework/core/parallel.h"
#include "framework/core/tensor.h"

namespace heed::detail {

// Throws IndexError: the number is not in [0, extent of dim).
[[noreturn]] void throw_outside(const char* op, int64_t number, const Shape& shape, int dim);
// Throws unless all numbers are in [0, extent of dim).
void check_choices(const char* op, int64_t count, const int64_t* chosen, const Shape& shape, int dim);
// Throws unless index fits x: whole numbers, and but along dim no longer than x. Whether they are inside dim
// is checked where they are read (Choices).
void check_index(const char* op, const Tensor& index, const Shape& x, int dim);
// The same, and that source has the index's shape and x's dtype.
void check_source(const char* op, const Tensor& index, const Tensor& source, const Tensor& x, int dim);

// An index beside a dense tensor of `shape`, which has dimensions, along dim: rows of the index and where
// their choices lie.
struct Choices {
  const char* op;
  Tensor index;  // dense
  Shape shape;   // of the tensor that is chosen from
  int dim;
  int64_t n, rows, step;  // elements of a row of the index, its rows, and what one more along dim is worth
  // The tensor is [outer, extent, step]. Where they are aligned, that is where but along dim the index has
  // the tensor's shape, it is [outer, count, step].
  int64_t outer, extent, count;
  bool aligned;

  Choices(const char* name, const Tensor& of_index, const Shape& of, int along)
      : op(name), index(of_index.contiguous()), shape(of), dim(along) {
    n = index.shape().back();
    rows = n == 0 ? 0 : index.numel() / n;
    step = contiguous_strides(shape)[dim];
    extent = shape[dim];
    count = index.shape()[dim];
    outer = 1;
    aligned = index.numel() > 0;
    for (int d = 0; d < shape.ndim(); ++d) {
      if (d < dim) outer *= shape[d];
      aligned = aligned && (d == dim || index.shape()[d] == shape[d]);
    }
  }
  int64_t checked(int64_t number) const {
    if (static_cast<uint64_t>(number) >= static_cast<uint64_t>(extent)) [[unlikely]]
      throw_outside(op, number, shape, dim);
    return number;
  }
  // f(i, number) for so many numbers, which are checked eight at a time: a branch for each costs twice as
  // much.
  template <class F>
  void each_checked(int64_t many, const int64_t* numbers, const F& f) const {
    constexpr int64_t kTogether = 8;
    int64_t i = 0;
    for (; i + kTogether <= many; i += kTogether) {
      uint64_t most = 0;
      for (int64_t k = i; k < i + kTogether; ++k) most = std::max(most, static_cast<uint64_t>(numbers[k]));
      if (most >= static_cast<uint64_t>(extent)) [[unlikely]]
        break;  // the one outside is found below
      for (int64_t k = i; k < i + kTogether; ++k) f(k, numbers[k]);
    }
    for (; i < many; ++i) f(i, checked(numbers[i]));
  }
  // f(i, at) for the elements i of the rows [begin, end): `at` is where the choice lies.
  template <class F>
  void each(int64_t begin, int64_t end, const F& f) const {
    if (begin == end) return;  // an extent may be 0
    const int64_t* const chosen = index.data<int64_t>();
    const int last = shape.ndim() - 1;
    const Strides strides = contiguous_strides(shape);
    Shape at = index.shape();
    int64_t start = 0, rest = begin;
    for (int d = last - 1; d >= 0; --d) {
      at[d] = rest % index.shape()[d];
      rest /= index.shape()[d];
      if (d != dim) start += at[d] * strides[d];
    }
    const auto next = [&] {
      for (int d = last - 1; d >= 0; --d) {
        if (d != dim) start += strides[d];
        if (++at[d] < index.shape()[d]) return;
        if (d != dim) start -= at[d] * strides[d];
        at[d] = 0;
      }
    };
    const int64_t together = std::max<int64_t>(1, 2048 / std::max<int64_t>(n, 1));  // checked while in cache
    for (int64_t r = begin; r < end; ++r, next()) {
      const int64_t first = r * n;
      if ((r - begin) % together == 0)
        check_choices(op, std::min(together, end - r) * n, chosen + first, shape, dim);
      if (dim == last) {
        for (int64_t k = 0; k < n; ++k) f(first + k, start + chosen[first + k]);
      } else {
        for (int64_t k = 0; k < n; ++k) f(first + k, start + chosen[first + k] * step + k);
      }
    }
  }
  // Rows of the index, and of aligned ones parts [extent, step], that a thread should get at least.
  int64_t grain() const { return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(n, 1)); }
  int64_t part_grain() const { return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(count * step, 1)); }
};

}  // namespace heed::detail
