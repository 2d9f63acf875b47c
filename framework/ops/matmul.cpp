// matmul(a, b): [M, K] x [K, N] or equal batches of them.      vjp: da = g b^T, db = a^T g
#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
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
    if (d.wants(0)) d.add_matmul(0, g, transpose(saved[1]));
    if (d.wants(1)) d.add_matmul(1, transpose(saved[0]), g);
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{matmul(x[0], x[1])}; };
    s.add("a @ b", {{3, 4}, {4, 5}}, run);
    s.add("a @ b", {{2, 3, 4}, {2, 4, 5}}, run);
    s.add("a @ b", {{3, 0}, {0, 5}}, run);
    s.add("a @ b", {{1, 70}, {70, 65}}, run);
    s.add("a @ b.transpose(1, 2)", {{2, 3, 4}, {2, 5, 4}}, [](const auto& x) { return std::vector{matmul(x[0], transpose(x[1]))}; });
  }
};

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  const auto both = [&] { return a.shape().str() + " x " + b.shape().str(); };
  if (a.dtype() != b.dtype()) throw DTypeError(fmt::format("matmul: dtypes differ: {} and {}", a.describe(), b.describe()));
  if (a.ndim() != b.ndim() || (a.ndim() != 2 && a.ndim() != 3)) {
    throw ShapeError("matmul: takes two matrices or two batches of matrices: " + both());
  }
  if (a.shape().back() != b.shape()[b.ndim() - 2]) throw ShapeError("matmul: inner dimensions differ: " + both());
  if (a.ndim() == 3 && a.shape()[0] != b.shape()[0]) throw ShapeError("matmul: batch sizes differ: " + both());
  return apply(MatMul{}, a, b);
}

DEFINE_OP(matmul, MatMul)

}  // namespace heed
