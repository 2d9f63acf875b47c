// flip, pad, tril, triu, split and chunk.
// vjp: flip(g); the inside of g; the same triangle of g; the others are compositions.
#include <fmt/format.h>

#include <algorithm>

#include "framework/core/parallel.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Flip {
  static constexpr const char* kName = "flip";
  std::vector<int> dims;
  Tensor forward(const Tensor& x, Saved&) const {
    if (x.numel() == 0) return x.clone();
    Strides strides = x.strides();
    int64_t last = 0;  // the element that comes first
    for (const int dim : dims) {
      last += (x.shape()[dim] - 1) * strides[dim];
      strides[dim] = -strides[dim];
    }
    return make_view(x, x.shape(), strides, last).clone();
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, flip(g, dims)); }
  static void samples(SampleList& s) {
    s.add("torch.flip(a, (1,))", {{3, 4}}, [](const auto& x) { return std::vector{flip(x[0], {1})}; });
    s.add("torch.flip(a, (0, 2))", {{2, 3, 4}}, [](const auto& x) {
      return std::vector{flip(x[0], {0, -1})};
    });
    s.add("torch.flip(a, (0,))", {{0, 3}}, [](const auto& x) { return std::vector{flip(x[0], {0})}; });
  }
};

struct Pad {
  static constexpr const char* kName = "pad";
  std::vector<Padding> widths;
  Scalar value;
  // The part of a padded tensor that is not padding.
  Tensor inside(Tensor y) const {
    for (int i = 0; i < y.ndim(); ++i) {
      const auto [before, after] = widths[static_cast<size_t>(i)];
      if (before != 0 || after != 0) y = slice(y, i, before, y.shape()[i] - after);
    }
    return y;
  }
  Tensor forward(const Tensor& x, Saved&) const {
    Shape shape = x.shape();
    for (int i = 0; i < x.ndim(); ++i) {
      const auto [before, after] = widths[static_cast<size_t>(i)];
      if (__builtin_add_overflow(shape[i], before, &shape[i]) ||
          __builtin_add_overflow(shape[i], after, &shape[i]))
        throw ShapeError(
            kName, fmt::format("too many elements in {} between {} and {}", x.shape()[i], before, after));
    }
    const Tensor y = empty(shape, x.dtype());
    surround(y);
    inside(y).copy_(x);
    return y;
  }
  // Both ends of each dimension, without what those of an earlier one have filled.
  void surround(Tensor y) const {
    for (int i = 0; i < y.ndim(); ++i) {
      const auto [before, after] = widths[static_cast<size_t>(i)];
      const int64_t end = y.shape()[i];
      if (before > 0) slice(y, i, 0, before).fill_(value);
      if (after > 0) slice(y, i, end - after, end).fill_(value);
      y = slice(y, i, before, end - after);
    }
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, inside(g)); }
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.pad(a, (1, 2))", {{2, 3}}, [](const auto& x) {
      return std::vector{pad(x[0], {{}, {1, 2}})};
    });
    s.add("torch.nn.functional.pad(a, (0, 0, 1, 0, 2, 1), value=1.5)", {{2, 3, 2}}, [](const auto& x) {
      return std::vector{pad(x[0], {{2, 1}, {1, 0}, {}}, 1.5)};
    });
    s.add("torch.nn.functional.pad(a, (0, 0, 1, 1))", {{0, 3}}, [](const auto& x) {
      return std::vector{pad(x[0], {{1, 1}, {}})};
    });
  }
};

// x where column - row <= diagonal (below) or >= diagonal (above), 0 elsewhere.      dx = the same of g
template <bool kBelow>
struct Triangle {
  static constexpr const char* kName = kBelow ? "tril" : "triu";
  static constexpr int kSaved = 0;
  int64_t diagonal;
  Tensor forward(const Tensor& input, Saved&) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    const int64_t n = x.shape().back(), of_matrix = x.shape()[x.ndim() - 2],
                  rows = n == 0 ? 0 : x.numel() / n;
    const int64_t near = std::clamp(diagonal, -of_matrix - 1, n + 1);  // no sum overflows
    dispatch_all(x.dtype(), [&](auto t) {
      using T = decltype(t);
      parallel_for(
          rows, std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end) {
            for (int64_t r = begin; r < end; ++r) {
              const T* const from = x.data<T>() + r * n;
              T* const to = y.data<T>() + r * n;
              // the first column above the diagonal, or on it
              const int64_t column = std::clamp<int64_t>(r % of_matrix + near + (kBelow ? 1 : 0), 0, n);
              std::copy(kBelow ? from : from + column, kBelow ? from + column : from + n,
                        kBelow ? to : to + column);
              std::fill(kBelow ? to + column : to, kBelow ? to + n : to + column, T{});
            }
          });
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, of(g, diagonal)); }
  static Tensor of(const Tensor& x, int64_t diagonal) {
    detail::require_defined(kName, x);
    if (x.ndim() < 2) throw ShapeError(kName, fmt::format("takes matrices, got {}", x.shape().str()));
    return apply(Triangle{diagonal}, x);
  }
  static void samples(SampleList& s) {
    const auto add = [&](const Shape& shape, int64_t at) {
      s.add(fmt::format("torch.{}(a, {})", kName, at), {SampleInput(shape, SampleInput::Fill::normal)},
            [at](const auto& x) { return std::vector{of(x[0], at)}; });
    };
    add({3, 4}, 0);
    add({2, 4, 3}, 1);
    add({3, 3}, -1);
    add({0, 3}, 0);
  }
};

struct Split {
  static void samples(SampleList& s) {
    s.add("torch.split(a, (1, 3), 1)", {{2, 4}}, [](const auto& x) { return split(x[0], {1, 3}, 1); });
    s.add("torch.split(a, (2, 0), 0)", {{2, 3}}, [](const auto& x) { return split(x[0], {2, 0}, 0); });
    s.again({{2, 0}});
  }
};
struct Chunk {
  static void samples(SampleList& s) {
    s.add("torch.chunk(a, 2, 1)", {{2, 5}}, [](const auto& x) { return chunk(x[0], 2, 1); });
    s.add("torch.chunk(a, 3, 0)", {{6, 2}}, [](const auto& x) { return chunk(x[0], 3, 0); });
    s.again({{6, 0}});
  }
};

}  // namespace

Tensor flip(const Tensor& x, const Dims& wanted) {
  detail::require_defined("flip", x);
  std::vector<int> dims = wanted;
  named_dims("flip", dims, x.ndim());
  for (int& dim : dims) dim = wrap_dim("flip", dim, x.ndim());
  return apply(Flip{std::move(dims)}, x);
}

Tensor pad(const Tensor& x, std::vector<Padding> widths, Scalar value) {
  detail::require_defined("pad", x);
  if (static_cast<int>(widths.size()) != x.ndim()) {
    throw ShapeError("pad", fmt::format("{} widths for shape {}", widths.size(), x.shape().str()));
  }
  for (const Padding& width : widths) {
    if (width.before < 0 || width.after < 0)
      throw ValueError("pad", fmt::format("a width is negative: {}, {}", width.before, width.after));
  }
  return apply(Pad{std::move(widths), value}, x);
}

Tensor tril(const Tensor& x, int64_t diagonal) { return Triangle<true>::of(x, diagonal); }
Tensor triu(const Tensor& x, int64_t diagonal) { return Triangle<false>::of(x, diagonal); }

std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int dim) {
  detail::require_defined("split", x);
  const int d = wrap_dim("split", dim, x.ndim());
  int64_t total = 0;
  bool beyond = false;  // what int64 counts
  for (const int64_t size : sizes) beyond |= __builtin_add_overflow(total, size, &total);
  if (beyond || total != x.size(d) || std::ranges::any_of(sizes, [](int64_t size) { return size < 0; })) {
    throw ValueError("split",
                     fmt::format("parts of {} do not make up dimension {} of {}", total, d, x.shape().str()));
  }
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (const int64_t size : sizes) {
    parts.push_back(slice(x, d, start, start + size));
    start += size;
  }
  return parts;
}

std::vector<Tensor> split(const Tensor& x, int64_t size, int dim) {
  detail::require_defined("split", x);
  const int d = wrap_dim("split", dim, x.ndim());
  if (size < 1) throw ValueError("split", fmt::format("parts of at least 1, got {}", size));
  const int64_t extent = x.size(d);
  std::vector<int64_t> sizes;
  for (int64_t left = extent; left > 0 || sizes.empty(); left -= sizes.back())
    sizes.push_back(std::min(size, left));
  return split(x, sizes, d);
}

std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int dim) {
  detail::require_defined("chunk", x);
  const int d = wrap_dim("chunk", dim, x.ndim());
  if (chunks < 1) throw ValueError("chunk", fmt::format("needs at least 1 part, got {}", chunks));
  const int64_t extent = x.size(d);
  return split(x, std::max<int64_t>(1, extent / chunks + (extent % chunks == 0 ? 0 : 1)), d);
}

DEFINE_OP(flip, Flip)
DEFINE_OP(pad, Pad)
DEFINE_OP(tril, Triangle<true>)
DEFINE_OP(triu, Triangle<false>)
DEFINE_OP(split, Split)
DEFINE_OP(chunk, Chunk)

}  // namespace heed
