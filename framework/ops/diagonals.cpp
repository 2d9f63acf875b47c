// diagonal(x): a view.      vjp: dx = zeros with g on the diagonal, a linear map whose own gradient is
// diagonal again. diag and trace are made of the two.
#include <fmt/format.h>

#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// Which elements of a tensor of `shape` are the diagonal.
struct DiagonalPlaces {
  Shape shape;
  int64_t offset;
  int row, column;

  int64_t length() const {
    const int64_t rows = shape[row] + std::min<int64_t>(offset, 0),
                  columns = shape[column] - std::max<int64_t>(offset, 0);
    return std::max<int64_t>(0, std::min(rows, columns));
  }
  Tensor of(const Tensor& x) const {
    Shape extents;
    Strides strides;
    for (int i = 0; i < shape.ndim(); ++i) {
      if (i != row && i != column) extents.push_back(shape[i]), strides.push_back(x.strides()[i]);
    }
    extents.push_back(length());
    strides.push_back(x.strides()[row] + x.strides()[column]);
    const int64_t first = length() == 0 ? 0
                          : offset < 0  ? -offset * x.strides()[row]
                                        : offset * x.strides()[column];
    return make_view(x, extents, strides, first);
  }
};

Tensor on_diagonal(const DiagonalPlaces& places, const Tensor& values);

struct Diagonal {
  static constexpr const char* kName = "diagonal";
  DiagonalPlaces places;
  Tensor forward(const Tensor& x, Saved&) const { return places.of(x); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, on_diagonal(places, g)); }
  static void samples(SampleList& s) {
    s.add("torch.diagonal(a)", {{3, 4}}, [](const auto& x) { return std::vector{diagonal(x[0])}; });
    s.add("torch.diagonal(a, 1, 0, 2)", {{3, 2, 4}},
          [](const auto& x) { return std::vector{diagonal(x[0], 1, 0, 2)}; });
    s.add("torch.diagonal(a, -1, -1, -2)", {{2, 3, 4}},
          [](const auto& x) { return std::vector{diagonal(x[0], -1, -1, -2)}; });
    s.add("torch.diagonal(a, 5)", {{2, 3}}, [](const auto& x) { return std::vector{diagonal(x[0], 5)}; });
    s.add("torch.diagonal(a)", {{0, 3}}, [](const auto& x) { return std::vector{diagonal(x[0])}; });
  }
};

// Zeros with values on the diagonal.      vjp: dvalues = diagonal(g)
struct OnDiagonal {
  static constexpr const char* kName = "diag";
  static constexpr const char* kRow = "diagonal";
  DiagonalPlaces places;
  Tensor forward(const Tensor& values, Saved&) const {
    const Tensor y = zeros(places.shape, values.dtype());
    places.of(y).copy_(values);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    d.add(0, diagonal(g, places.offset, places.row, places.column));
  }
};

Tensor on_diagonal(const DiagonalPlaces& places, const Tensor& values) {
  return apply(OnDiagonal{places}, values);
}

struct Diag {
  static void samples(SampleList& s) {
    s.add("torch.diag(a)", {{3}}, [](const auto& x) { return std::vector{diag(x[0])}; });
    s.add("torch.diag(a, -2)", {{2}}, [](const auto& x) { return std::vector{diag(x[0], -2)}; });
    s.add("torch.diag(a, 1)", {{3, 3}}, [](const auto& x) { return std::vector{diag(x[0], 1)}; });
    s.add("torch.diag(a)", {{0}}, [](const auto& x) { return std::vector{diag(x[0])}; });
  }
};
struct Trace {
  static void samples(SampleList& s) {
    s.add("torch.trace(a)", {{3, 3}}, [](const auto& x) { return std::vector{trace(x[0])}; });
    s.add("torch.trace(a)", {{2, 4}}, [](const auto& x) { return std::vector{trace(x[0])}; });
    s.add("torch.trace(a)", {{0, 2}}, [](const auto& x) { return std::vector{trace(x[0])}; });
  }
};

}  // namespace

Tensor diagonal(const Tensor& x, int64_t offset, int row_dim, int column_dim) {
  detail::require_defined("diagonal", x);
  named_dims("diagonal", std::vector{row_dim, column_dim}, x.ndim());
  return apply(Diagonal{{x.shape(), offset, wrap_dim("diagonal", row_dim, x.ndim()),
                         wrap_dim("diagonal", column_dim, x.ndim())}},
               x);
}

Tensor diag(const Tensor& x, int64_t offset) {
  detail::require_defined("diag", x);
  if (x.ndim() != 1 && x.ndim() != 2)
    throw ShapeError("diag", "takes a vector or a matrix, got " + x.shape().str());
  return detail::composed("diag", [&] {
    if (x.ndim() == 2) return diagonal(x, offset);
    int64_t n = x.size(0);
    const int64_t beside = std::max(offset, -INT64_MAX);
    if (__builtin_add_overflow(n, std::abs(beside), &n))
      throw ShapeError("diag", fmt::format("too many elements beside a diagonal at {}", offset));
    return on_diagonal({{n, n}, offset, 0, 1}, x);
  });
}

Tensor trace(const Tensor& x) {
  detail::require_defined("trace", x);
  if (x.ndim() != 2) throw ShapeError("trace", "takes a matrix, got " + x.shape().str());
  return detail::composed("trace", [&] { return sum(diagonal(x)); });
}

DEFINE_OP(diagonal, Diagonal)
DEFINE_OP(diag, Diag)
DEFINE_OP(trace, Trace)

}  // namespace heed
