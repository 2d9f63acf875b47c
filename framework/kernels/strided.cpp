// Copies and sums between strided layouts.
#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "framework/core/parallel.h"
#include "framework/kernels/kernels.h"

namespace heed::kernels {
namespace {

// Two layouts of one shape, without dimensions of extent 1, and with neighbours joined that both walk alike.
struct Layouts {
  Shape shape;
  Strides xs, ys;

  Layouts(const Shape& full, const Strides& of_x, const Strides& of_y) {
    for (int i = 0; i < full.ndim(); ++i) {
      const int64_t n = full[i];
      if (n == 1) continue;
      const int last = shape.ndim() - 1;
      if (last >= 0 && xs[last] == of_x[i] * n && ys[last] == of_y[i] * n) {
        shape[last] *= n;
        xs[last] = of_x[i];
        ys[last] = of_y[i];
      } else {
        shape.push_back(n);
        xs.push_back(of_x[i]);
        ys.push_back(of_y[i]);
      }
    }
    if (shape.ndim() == 0) shape.push_back(1), xs.push_back(1), ys.push_back(1);
  }
};

// Innermost rows of n that lie one behind the other in both layouts.
struct Rows {
  int64_t rows, x_step, y_step;  // what one more row is worth
  int64_t n, x_stride, y_stride;
  // f(x, y, n, x_stride, y_stride) for each row
  template <class T, class F>
  void each(const T* x, T* y, const F& f) const {
    for (int64_t r = 0; r < rows; ++r) f(x + r * x_step, y + r * y_step, n, x_stride, y_stride);
  }
};

// f(x, y, Rows) for all innermost rows.
template <class T, class F>
void walk(const Layouts& both, const T* x, T* y, const F& f) {
  const Shape& shape = both.shape;
  if (shape.numel() == 0) return;
  const int last = shape.ndim() - 1;
  const int64_t n = shape[last], rows = shape.numel() / n;
  // a thread should get at least
  const int64_t elements = std::abs(both.xs[last]) <= 1 && both.ys[last] == 1 ? 1 << 16 : 1 << 14;
  if (rows == 1 && n > elements) {
    return parallel_for(n, elements, [&](int64_t begin, int64_t end) {
      f(x + begin * both.xs[0], y + begin * both.ys[0], Rows{1, 0, 0, end - begin, both.xs[0], both.ys[0]});
    });
  }
  parallel_for(rows, std::max<int64_t>(1, elements / n), [&](int64_t begin, int64_t end) {
    Shape index = shape;
    int64_t rest = begin, at_x = 0, at_y = 0;
    for (int d = last - 1; d >= 0; --d) {
      index[d] = rest % shape[d];
      rest /= shape[d];
      at_x += index[d] * both.xs[d];
      at_y += index[d] * both.ys[d];
    }
    const int64_t x_step = last > 0 ? both.xs[last - 1] : 0, y_step = last > 0 ? both.ys[last - 1] : 0;
    for (int64_t r = begin; r < end;) {
      const int64_t together = last > 0 ? std::min(shape[last - 1] - index[last - 1], end - r) : 1;
      f(x + at_x, y + at_y, Rows{together, x_step, y_step, n, both.xs[last], both.ys[last]});
      r += together;
      int64_t by = together;
      for (int d = last - 1; d >= 0; --d, by = 1) {
        at_x += both.xs[d] * by;
        at_y += both.ys[d] * by;
        index[d] += by;
        if (index[d] < shape[d]) break;
        at_x -= both.xs[d] * shape[d];
        at_y -= both.ys[d] * shape[d];
        index[d] = 0;
      }
    }
  });
}

// Where x runs along another dimension than y: matrices that are transposed.
template <class T>
bool copy_turned(const Layouts& both, const T* x, T* y) {
  constexpr int64_t kTile = 64, kWorth = 4;
  const Shape& shape = both.shape;
  const int last = shape.ndim() - 1;
  if (last < 1 || shape.numel() == 0 || both.xs[last] == 1 || both.xs[last] == 0 || both.ys[last] != 1 ||
      shape[last] < kWorth)
    return false;
  int turned = -1;
  for (int d = 0; d < last; ++d) {
    if (both.xs[d] == 1 && shape[d] >= kWorth) turned = d;
  }
  if (turned < 0) return false;
  const int64_t n = shape[last], m = shape[turned], tiles = (m + kTile - 1) / kTile,
                images = shape.numel() / (n * m);
  parallel_for(images * tiles, std::max<int64_t>(1, (1 << 17) / (n * std::min(m, kTile))),
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t first = t % tiles * kTile;
                   int64_t rest = t / tiles, at_x = first, at_y = first * both.ys[turned];
                   for (int d = last - 1; d >= 0; --d) {
                     if (d == turned) continue;
                     const int64_t i = rest % shape[d];
                     rest /= shape[d];
                     at_x += i * both.xs[d];
                     at_y += i * both.ys[d];
                   }
                   transpose(n, std::min(kTile, m - first), x + at_x, both.xs[last], y + at_y,
                             both.ys[turned]);
                 }
               });
  return true;
}

template <class T>
void copy_typed(const Layouts& both, const T* x, T* y) {
  if (copy_turned(both, x, y)) return;
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  walk(both, x, y, [](const T* from, T* into, const Rows& all) {
    if (all.x_stride == 1 && all.y_stride == 1) {
      copy_rows(all.rows, all.n * kSize, from, all.x_step * kSize, into, all.y_step * kSize);
    } else if (all.x_stride == 0 && all.y_stride == 1) {
      constexpr int64_t kShort = 16;  // not worth a call
      all.each(from, into, [](const T* value, T* to, int64_t n, int64_t, int64_t) {
        n < kShort ? static_cast<void>(std::fill_n(to, n, *value)) : fill(n, *value, to);
      });
    } else if (all.x_stride == -1 && all.y_stride == 1) {
      all.each(from, into, [](const T* last, T* to, int64_t n, int64_t, int64_t) {
        std::reverse_copy(last - n + 1, last + 1, to);
      });
    } else {
      all.each(from, into, [](const T* each, T* to, int64_t n, int64_t sx, int64_t sy) {
        for (int64_t i = 0; i < n; ++i) to[i * sy] = each[i * sx];
      });
    }
  });
}

}  // namespace

void copy_strided(DType dtype, const Shape& shape, const void* x, const Strides& xs, void* y,
                  const Strides& ys) {
  const Layouts both(shape, xs, ys);
  if (size_of(dtype) == 1) {
    copy_typed(both, static_cast<const uint8_t*>(x), static_cast<uint8_t*>(y));
  } else if (size_of(dtype) == 4) {
    copy_typed(both, static_cast<const uint32_t*>(x), static_cast<uint32_t*>(y));
  } else {
    copy_typed(both, static_cast<const uint64_t*>(x), static_cast<uint64_t*>(y));
  }
}

void add_strided(DType dtype, const Shape& shape, const void* x, const Strides& xs, void* y,
                 const Strides& ys) {
  const Layouts both(shape, xs, ys);
  dispatch_floating("add", dtype, [&](auto t) {
    using T = decltype(t);
    walk(both, static_cast<const T*>(x), static_cast<T*>(y), [](const T* all, T* to, const Rows& rows) {
      rows.each(all, to, [](const T* from, T* into, int64_t n, int64_t sx, int64_t sy) {
        if (sx == 1 && sy == 1) return add_row(n, from, into);
        for (int64_t i = 0; i < n; ++i) into[i * sy] += from[i * sx];
      });
    });
  });
}

}  // namespace heed::kernels
