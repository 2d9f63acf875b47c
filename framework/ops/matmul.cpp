// matmul(a, b): [M, K] x [K, N] or equal batches of them; others are stretched to these.      vjp: da = g
// b^T, db = a^T g
#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct MatMul {
  static constexpr const char* kName = "matmul";
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    saved.input(saved.wants(1) ? a : Tensor{});  // each is kept only if the other one needs a gradient
    saved.input(saved.wants(0) ? b : Tensor{});
    Shape shape = a.shape();
    shape[a.ndim() - 1] = b.shape().back();
    const Tensor y = empty(shape, a.dtype());
    kernels::matmul(a, b, y, 0.0);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const kernels::RoundedOnce rounded(g);
    if (d.wants(0)) d.add_matmul(0, g, transpose(saved[1]));
    if (d.wants(1)) d.add_matmul(1, transpose(saved[0]), g);
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{matmul(x[0], x[1])}; };
    s.add("a @ b", {{3, 4}, {4, 5}}, run);
    s.add("a @ b", {{2, 3, 4}, {2, 4, 5}}, run);
    s.add("a @ b", {{3, 0}, {0, 5}}, run);
    s.add("a @ b", {{1, 70}, {70, 65}}, run);
    s.add("a @ b", {{2, 3, 4}, {4, 5}}, run);
    s.add("a @ b", {{3, 4}, {2, 4, 5}}, run);
    s.add("a @ b", {{2, 1, 3, 4}, {3, 4, 2}}, run);
    s.add("a @ b", {{4}, {4}}, run);
    s.add("a @ b", {{2, 3, 4}, {4}}, run);
    s.add("a @ b", {{4}, {2, 4, 3}}, run);
    s.add("a @ b.transpose(1, 2)", {{2, 3, 4}, {2, 5, 4}},
          [](const auto& x) { return std::vector{matmul(x[0], transpose(x[1]))}; });
  }
};

// What stands before the two dimensions of a matrix.
Shape leading(const Shape& shape) {
  return Shape(std::span(shape.begin(), static_cast<size_t>(shape.ndim() - 2)));
}
Shape common_batch(const Tensor& a, const Tensor& b) {
  try {
    return broadcast_shapes("matmul", leading(a.shape()), leading(b.shape()));
  } catch (const ShapeError&) {
    throw ShapeError("matmul",
                     fmt::format("batches do not broadcast: {} x {}", a.shape().str(), b.shape().str()));
  }
}
Shape batch_of(Shape batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  detail::require_defined("matmul", a, b);
  const auto both = [&] { return a.shape().str() + " x " + b.shape().str(); };
  if (a.dtype() != b.dtype())
    throw DTypeError("matmul", fmt::format("dtypes differ: {} and {}", a.describe(), b.describe()));
  if (a.ndim() == 0 || b.ndim() == 0)
    throw ShapeError("matmul", "takes vectors, matrices and batches of matrices: " + both());
  if (a.shape().back() != b.shape()[std::max(b.ndim() - 2, 0)])
    throw ShapeError("matmul", "inner dimensions differ: " + both());
  if (a.ndim() == b.ndim() && (a.ndim() == 2 || (a.ndim() == 3 && a.shape()[0] == b.shape()[0])))
    return apply(MatMul{}, a, b);
  if (a.ndim() == 1) return squeeze(matmul(unsqueeze(a, 0), b), b.ndim() == 1 ? 0 : -2);
  if (b.ndim() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  const int64_t M = a.size(-2), K = a.size(-1), N = b.size(-1);
  const Shape batch = common_batch(a, b);
  if (b.ndim() == 2)
    return reshape(apply(MatMul{}, reshape(a, {batch.numel() * M, K}), b), batch_of(batch, M, N));
  const auto stretched = [&](const Tensor& x, int64_t rows, int64_t columns) {
    return reshape(expand(x, batch_of(batch, rows, columns)), {batch.numel(), rows, columns});
  };
  return reshape(apply(MatMul{}, stretched(a, M, K), stretched(b, K, N)), batch_of(batch, M, N));
}

DEFINE_OP(matmul, MatMul)

}  // namespace heed
