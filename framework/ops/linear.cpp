// linear(x, W, b): y = x W^T + b.      vjp: dx = g W, dW = g^T x, db = sum of g over rows
#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/packed_weights.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

Tensor as_rows(const Tensor& x) {
  return x.ndim() == 2 ? x
                       : reshape(x, {x.numel() / std::max<int64_t>(x.shape().back(), 1), x.shape().back()});
}

struct LinearOp {
  static constexpr const char* kName = "linear";
  Shape input_shape;
  Tensor forward(const Tensor& x, const Tensor& weight, const Tensor& bias, Saved& saved) const {
    saved.input(saved.wants(1) ? x : Tensor{});
    saved.input(saved.wants(0) ? weight : Tensor{});
    const Tensor rows = as_rows(x);
    Shape shape = x.shape();
    shape[x.ndim() - 1] = weight.shape()[0];
    if (!saved.wants(0) && !saved.wants(1)) {
      if (const auto packed = detail::packed_weight(weight, rows.size(0))) {
        const Tensor dense = rows.contiguous(), added = bias.defined() ? bias.contiguous() : Tensor{},
                     y = empty(shape, x.dtype());
        packed->multiply(dense.size(0), dense.data<float>(), dense.size(1),
                         added.defined() ? added.data<float>() : nullptr, y.data<float>(), weight.size(0));
        return y;
      }
    }
    const Tensor y = empty(shape, x.dtype());
    if (bias.defined())
      kernels::linear(rows, weight, bias, as_rows(y));
    else
      kernels::matmul(rows, transpose(weight), as_rows(y), 0.0);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor rows = as_rows(g.contiguous());
    const kernels::RoundedOnce rounded(rows);
    if (d.wants(0)) {
      if (input_shape.ndim() == 2) {
        d.add_matmul(0, rows, saved[1]);
      } else {
        d.add(0, reshape(matmul(rows, saved[1]), input_shape));
      }
    }
    if (d.wants(1)) d.add_matmul(1, transpose(rows), as_rows(saved[0]));
    if (d.wants(2)) d.add(2, sum(rows, {0}));
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) {
      return std::vector{linear(x[0], x[1], x.size() > 2 ? x[2] : Tensor{})};
    };
    s.add("torch.nn.functional.linear(a, b, c)", {{3, 4}, {5, 4}, {5}}, run);
    s.add("torch.nn.functional.linear(a, b)", {{2, 3, 4}, {5, 4}}, run);
    s.add("torch.nn.functional.linear(a, b, c)", {{0, 4}, {5, 4}, {5}}, run);
    s.add("torch.nn.functional.linear(a, b, c)", {{66, 70}, {65, 70}, {65}}, run);
  }
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  detail::require_defined("linear", x, weight);
  if (weight.ndim() != 2 || x.ndim() < 1 || x.shape().back() != weight.shape()[1]) {
    throw ShapeError("linear",
                     fmt::format("input {} does not fit weight {}", x.shape().str(), weight.shape().str()));
  }
  if (bias.defined() && bias.shape() != Shape{weight.shape()[0]}) {
    throw ShapeError("linear",
                     fmt::format("bias {} does not fit weight {}", bias.shape().str(), weight.shape().str()));
  }
  for (const Tensor& other : {weight, bias}) {
    if (other.defined() && other.dtype() != x.dtype()) {
      throw DTypeError("linear", fmt::format("dtypes differ: {} and {}", x.describe(), other.describe()));
    }
  }
  if (!is_floating(x.dtype()))
    throw DTypeError("linear", fmt::format("takes f32 or f64, got {}", name_of(x.dtype())));
  return apply(LinearOp{x.shape()}, x, weight, bias);
}

DEFINE_OP(linear, LinearOp)

}  // namespace heed
