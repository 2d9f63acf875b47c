// repeat, tile, repeat_interleave and roll: compositions of expand, index_select, slice and concat.
#include <fmt/format.h>

#include <algorithm>

#include "framework/core/check.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

enum class Copies : bool { behind_each_other, of_each_part };

// x with a dimension `times` as long.
Tensor copies(const Tensor& x, int dim, int64_t times, Copies order) {
  if (times == 1) return x;
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < dim; ++i) outer *= x.shape()[i];
  for (int i = dim + 1; i < x.ndim(); ++i) inner *= x.shape()[i];
  const int64_t extent = x.shape()[dim];
  const Tensor stretched = order == Copies::behind_each_other
                               ? expand(reshape(x, {outer, 1, extent, inner}), {outer, times, extent, inner})
                               : expand(reshape(x, {outer, extent, 1, inner}), {outer, extent, times, inner});
  return reshape(stretched, x.shape().with(dim, extent * times));
}

void check_repeats(const char* op, const Shape& repeats) {
  for (const int64_t times : repeats) {
    if (times < 0) throw ValueError(op, fmt::format("a number of copies is negative: {}", repeats.str()));
  }
}

// As many repeats as dimensions.
Tensor repeated(Tensor x, const Shape& repeats) {
  for (int i = 0; i < x.ndim(); ++i) x = copies(x, i, repeats[i], Copies::behind_each_other);
  return x;
}

struct Repeat {
  static void samples(SampleList& s) {
    s.add("a.repeat(2, 3)", {{2, 2}}, [](const auto& x) { return std::vector{repeat(x[0], {2, 3})}; });
    s.add("a.repeat(3, 1, 2)", {{2, 3}}, [](const auto& x) { return std::vector{repeat(x[0], {3, 1, 2})}; });
    s.add("a.repeat(0, 2)", {{2, 2}}, [](const auto& x) { return std::vector{repeat(x[0], {0, 2})}; });
    s.add("a.repeat(2, 2)", {{0, 2}}, [](const auto& x) { return std::vector{repeat(x[0], {2, 2})}; });
  }
};
struct Tile {
  static void samples(SampleList& s) {
    s.add("torch.tile(a, (2,))", {{2, 3}}, [](const auto& x) { return std::vector{tile(x[0], {2})}; });
    s.add("torch.tile(a, (2, 1, 2))", {{2, 3}}, [](const auto& x) {
      return std::vector{tile(x[0], {2, 1, 2})};
    });
    s.add("torch.tile(a, (2,))", {{3, 0}}, [](const auto& x) { return std::vector{tile(x[0], {2})}; });
  }
};
struct RepeatInterleave {
  static void samples(SampleList& s) {
    s.add("torch.repeat_interleave(a, 2, 1)", {{2, 3}},
          [](const auto& x) { return std::vector{repeat_interleave(x[0], 2, 1)}; });
    s.add("torch.repeat_interleave(a, b, 0)", {{3, 2}, integers({3}, {2, 0, 1})},
          [](const auto& x) { return std::vector{repeat_interleave(x[0], x[1], 0)}; });
    s.add("torch.repeat_interleave(a, b, 1)", {{2, 2, 2}, integers({2}, {1, 3})},
          [](const auto& x) { return std::vector{repeat_interleave(x[0], x[1], -2)}; });
    s.add("torch.repeat_interleave(a, 3, 0)", {{0, 3}},
          [](const auto& x) { return std::vector{repeat_interleave(x[0], 3, 0)}; });
  }
};
struct Roll {
  static void samples(SampleList& s) {
    s.add("torch.roll(a, 2, 1)", {{2, 5}}, [](const auto& x) { return std::vector{roll(x[0], {2}, {1})}; });
    s.add("torch.roll(a, (-1, 7), (0, 2))", {{3, 2, 4}}, [](const auto& x) {
      return std::vector{roll(x[0], {-1, 7}, {0, -1})};
    });
    s.add("torch.roll(a, 3)", {{2, 4}}, [](const auto& x) { return std::vector{roll(x[0], {3})}; });
    s.add("torch.roll(a, 1, 0)", {{0, 3}}, [](const auto& x) { return std::vector{roll(x[0], {1}, {0})}; });
  }
};

Tensor rolled(const Tensor& x, int64_t shift, int dim) {
  const int64_t extent = x.shape()[dim];
  if (extent == 0) return x;
  const int64_t first = (extent - shift % extent) % extent;  // comes to the front
  if (first == 0) return x;
  return concat({slice(x, dim, first, extent), slice(x, dim, 0, first)}, dim);
}

}  // namespace

Tensor repeat(const Tensor& x, const Shape& repeats) {
  detail::require_defined("repeat", x);
  check_repeats("repeat", repeats);
  if (repeats.ndim() < x.ndim()) {
    throw ShapeError("repeat", fmt::format("{} numbers of copies for {}", repeats.ndim(), x.shape().str()));
  }
  Shape shape;
  for (int i = x.ndim(); i < repeats.ndim(); ++i) shape.push_back(1);
  for (const int64_t extent : x.shape()) shape.push_back(extent);
  return detail::composed("repeat", [&] { return repeated(reshape(x, shape), repeats); });
}

Tensor tile(const Tensor& x, const Shape& repeats) {
  detail::require_defined("tile", x);
  check_repeats("tile", repeats);
  Shape padded;
  for (int i = repeats.ndim(); i < x.ndim(); ++i) padded.push_back(1);
  for (const int64_t times : repeats) padded.push_back(times);
  return detail::composed("tile", [&] { return repeat(x, padded); });
}

Tensor repeat_interleave(const Tensor& x, int64_t times, int dim) {
  detail::require_defined("repeat_interleave", x);
  const int d = wrap_dim("repeat_interleave", dim, x.ndim());
  check_at_least("repeat_interleave", "times", times, 0);
  return detail::composed("repeat_interleave", [&] { return copies(x, d, times, Copies::of_each_part); });
}

Tensor repeat_interleave(const Tensor& x, const Tensor& times, int dim) {
  detail::require_defined("repeat_interleave", x, times);
  const int d = wrap_dim("repeat_interleave", dim, x.ndim());
  if (times.dtype() != DType::i64)
    throw DTypeError("repeat_interleave", "the numbers of copies must be i64, got " + times.describe());
  if (times.shape() != Shape{x.size(d)}) {
    throw ShapeError("repeat_interleave", fmt::format("numbers of copies {} for dimension {} of {}",
                                                      times.shape().str(), d, x.shape().str()));
  }
  const std::vector<int64_t> counts = times.to_vector<int64_t>();
  int64_t total = 0;
  for (const int64_t n : counts) {
    check_at_least("repeat_interleave", "times", n, 0);
    if (__builtin_add_overflow(total, n, &total)) total = INT64_MAX;  // which no memory is enough for
  }
  const Tensor ids = detail::allocate("repeat_interleave", {total}, DType::i64);
  auto* id = ids.data<int64_t>();
  int64_t part = 0;
  for (const int64_t n : counts) id = std::fill_n(id, n, part++);
  return detail::composed("repeat_interleave", [&] { return index_select(x, d, ids); });
}

Tensor roll(const Tensor& x, const Shape& shifts, const Dims& wanted) {
  detail::require_defined("roll", x);
  const std::vector<int>& dims = wanted;
  if (shifts.ndim() != std::max(static_cast<int>(dims.size()), 1))
    throw ValueError("roll", fmt::format("{} shifts for {} dimensions", shifts.ndim(), dims.size()));
  named_dims("roll", dims, x.ndim());
  return detail::composed("roll", [&] {
    if (dims.empty()) return reshape(rolled(reshape(x, {x.numel()}), shifts[0], 0), x.shape());
    Tensor y = x;
    for (int i = 0; i < shifts.ndim(); ++i) {
      const int dim = wrap_dim("roll", dims[static_cast<size_t>(i)], x.ndim());
      y = rolled(y, shifts[i], dim);
    }
    return y;
  });
}

DEFINE_OP(repeat, Repeat)
DEFINE_OP(tile, Tile)
DEFINE_OP(repeat_interleave, RepeatInterleave)
DEFINE_OP(roll, Roll)

}  // namespace heed
