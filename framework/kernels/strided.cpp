// Copies and sums between strided layouts.
#include <algorithm>
#include <cstring>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"

namespace heed::kernels {
namespace {

// f(x, y, n, x_stride, y_stride) for each innermost row of two layouts of one shape.
template <class T, class F>
void walk(const Shape& shape, const T* x, const Strides& xs, T* y, const Strides& ys, const F& f) {
  if (shape.numel() == 0) return;
  if (shape.ndim() == 0) return f(x, y, int64_t{1}, int64_t{1}, int64_t{1});
  const int last = shape.ndim() - 1;
  const int64_t n = shape[last], rows = shape.numel() / n;
  parallel_for(rows, std::max<int64_t>(1, (1 << 14) / n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      int64_t rest = r, at_x = 0, at_y = 0;
      for (int d = last - 1; d >= 0; --d) {
        const int64_t i = rest % shape[d];
        rest /= shape[d];
        at_x += i * xs[d];
        at_y += i * ys[d];
      }
      f(x + at_x, y + at_y, n, xs[last], ys[last]);
    }
  });
}

// Where x runs along another dimension than y, in tiles: what a line of the cache brings is used while it is
// there.
template <class T>
bool copy_turned(const Shape& shape, const T* x, const Strides& xs, T* y, const Strides& ys) {
  constexpr int64_t kTile = 32, kWorth = 8;
  const int last = shape.ndim() - 1;
  if (last < 1 || shape.numel() == 0 || xs[last] == 1 || ys[last] != 1 || shape[last] < kWorth) return false;
  int turned = -1;
  for (int d = 0; d < last; ++d) {
    if (xs[d] == 1 && shape[d] >= kWorth) turned = d;
  }
  if (turned < 0) return false;
  const int64_t n = shape[last], m = shape[turned], tiles = (m + kTile - 1) / kTile,
                images = shape.numel() / (n * m);
  parallel_for(images * tiles, std::max<int64_t>(1, (1 << 14) / (n * kTile)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t first = t % tiles * kTile, stop = std::min(m, first + kTile);
                   int64_t rest = t / tiles, at_x = 0, at_y = 0;
                   for (int d = last - 1; d >= 0; --d) {
                     if (d == turned) continue;
                     const int64_t i = rest % shape[d];
                     rest /= shape[d];
                     at_x += i * xs[d];
                     at_y += i * ys[d];
                   }
                   for (int64_t column = 0; column < n; column += kTile) {
                     const int64_t columns = std::min(n, column + kTile);
                     for (int64_t i = first; i < stop; ++i) {
                       const T* const from = x + at_x + i;
                       T* const into = y + at_y + i * ys[turned];
                       for (int64_t k = column; k < columns; ++k) into[k] = from[k * xs[last]];
                     }
                   }
                 }
               });
  return true;
}

template <class T>
void copy_typed(const Shape& shape, const T* x, const Strides& xs, T* y, const Strides& ys) {
  if (copy_turned(shape, x, xs, y, ys)) return;
  walk(shape, x, xs, y, ys, [](const T* from, T* into, int64_t n, int64_t sx, int64_t sy) {
    if (sx == 1 && sy == 1) {
      std::memcpy(into, from, static_cast<size_t>(n) * sizeof(T));
    } else {
      for (int64_t i = 0; i < n; ++i) into[i * sy] = from[i * sx];
    }
  });
}

}  // namespace

void copy_strided(DType dtype, const Shape& shape, const void* x, const Strides& xs, void* y,
                  const Strides& ys) {
  if (size_of(dtype) == 1) {
    copy_typed(shape, static_cast<const uint8_t*>(x), xs, static_cast<uint8_t*>(y), ys);
  } else if (size_of(dtype) == 4) {
    copy_typed(shape, static_cast<const uint32_t*>(x), xs, static_cast<uint32_t*>(y), ys);
  } else {
    copy_typed(shape, static_cast<const uint64_t*>(x), xs, static_cast<uint64_t*>(y), ys);
  }
}

void add_strided(DType dtype, const Shape& shape, const void* x, const Strides& xs, void* y,
                 const Strides& ys) {
  dispatch_floating("add", dtype, [&](auto t) {
    using T = decltype(t);
    walk(shape, static_cast<const T*>(x), xs, static_cast<T*>(y), ys,
         [](const T* from, T* into, int64_t n, int64_t sx, int64_t sy) {
           for (int64_t i = 0; i < n; ++i) into[i * sy] += from[i * sx];
         });
  });
}

}  // namespace heed::kernels
