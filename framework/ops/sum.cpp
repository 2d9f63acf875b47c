// sum(x, dims): y = sum of x over dims.      vjp: dx = g stretched back over dims.
// mean is the same op with a divisor, so that it is rounded once; sum_to is a composition.
#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/integers.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Sum {
  static constexpr const char* kName = "sum";
  Shape input_shape;
  std::bitset<kMaxDims> reduced;
  double divisor = 1;

  Shape kept_shape() const {  // reduced extents become 1
    Shape shape = input_shape;
    for (int i = 0; i < shape.ndim(); ++i) shape[i] = reduced[static_cast<size_t>(i)] ? 1 : shape[i];
    return shape;
  }

  int64_t count() const {  // elements that make one of the result
    int64_t n = 1;
    for (int i = 0; i < input_shape.ndim(); ++i) n *= reduced[static_cast<size_t>(i)] ? input_shape[i] : 1;
    return n;
  }

  // One run of neighbouring reduced dims at a time, the last first; what lies between two runs is kept in
  // double.
  Tensor forward(const Tensor& input, Saved&) const {
    Tensor x = input.contiguous();
    Shape shape = input_shape;
    bool any = false;
    for (int end = shape.ndim(); end > 0;) {
      if (!reduced[static_cast<size_t>(end - 1)]) {
        --end;
        continue;
      }
      int begin = end;
      int64_t outer = 1, reduce = 1, inner = 1;
      while (begin > 0 && reduced[static_cast<size_t>(begin - 1)]) reduce *= shape[--begin];
      for (int i = 0; i < begin; ++i) outer *= shape[i];
      for (int i = end; i < shape.ndim(); ++i) inner *= shape[i];
      for (int i = begin; i < end; ++i) shape[i] = 1;
      bool last = true;
      for (int i = 0; i < begin; ++i) last = last && !reduced[static_cast<size_t>(i)];
      const Tensor y = empty(shape, last ? input.dtype() : DType::f64);
      dispatch_floating(kName, x.dtype(), [&](auto t) {
        dispatch_floating(kName, y.dtype(), [&](auto u) {
          using T = decltype(t);
          using Y = decltype(u);
          kernels::sum<T, Y>(outer, reduce, inner, x.data<T>(), y.data<Y>(), last ? divisor : 1);
        });
      });
      x = y;
      any = true;
      end = begin;
    }
    return any ? x : x.clone();
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    d.add(0, expand(divisor == 1 ? g : g * (1 / divisor), input_shape));
  }
  static void samples(SampleList& s) {
    s.add("torch.sum(a)", {{3, 4}}, [](const auto& x) { return std::vector{sum(x[0])}; });
    s.add("torch.sum(a, 0)", {{5, 3}}, [](const auto& x) { return std::vector{sum(x[0], {0})}; });
    s.add("torch.sum(a, (0, 2))", {{2, 3, 4}}, [](const auto& x) { return std::vector{sum(x[0], {0, 2})}; });
    s.add("torch.sum(a, -1, keepdim=True)", {{2, 3, 70}},
          [](const auto& x) { return std::vector{sum(x[0], {-1}, KeepDim::yes)}; });
    s.add("torch.sum(a, 0)", {{0, 3}}, [](const auto& x) { return std::vector{sum(x[0], {0})}; });
    s.add("torch.mean(a, 1)", {{2, 3, 4}}, [](const auto& x) { return std::vector{mean(x[0], {1})}; });
  }
};

}  // namespace

namespace {
Tensor reduced_by(const Sum& op, const Tensor& x, KeepDim keep) {
  const Tensor y = apply(op, x);
  if (keep == KeepDim::yes) return y;
  Shape shape;
  for (int i = 0; i < x.ndim(); ++i) {
    if (!op.reduced[static_cast<size_t>(i)]) shape.push_back(x.shape()[i]);
  }
  return reshape(y, shape);
}

Sum sum_over(const char* name, const Tensor& x, const std::vector<int>& dims) {
  detail::require_defined(name, x);
  Sum op{x.shape(), named_dims(name, dims, x.ndim())};
  if (dims.empty()) op.reduced.set();
  return op;
}
}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, KeepDim keep) {
  if (x.defined() && !is_floating(x.dtype())) return detail::sum_of_integers(x, dims, keep);
  return reduced_by(sum_over("sum", x, dims), x, keep);
}

Tensor mean(const Tensor& x, const Dims& dims, KeepDim keep) {
  return detail::composed("mean", [&] {
    if (x.defined() && !is_floating(x.dtype())) return mean(x.to(DType::f64), dims, keep).to(DType::f32);
    Sum op = sum_over("mean", x, dims);
    op.divisor = static_cast<double>(op.count());
    return reduced_by(op, x, keep);
  });
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  detail::require_defined("sum_to", x);
  if (x.shape() == shape) return x;
  if (broadcast_shapes("sum_to", shape, x.shape()) != x.shape()) {
    throw ShapeError("sum_to", fmt::format("{} does not stretch to {}", shape.str(), x.shape().str()));
  }
  const int missing = x.ndim() - shape.ndim();
  std::vector<int> dims;
  for (int i = 0; i < x.ndim(); ++i) {
    if (i < missing || (shape[i - missing] == 1 && x.shape()[i] != 1)) dims.push_back(i);
  }
  return detail::composed("sum_to",
                          [&] { return reshape(dims.empty() ? x : sum(x, dims, KeepDim::yes), shape); });
}

namespace {
struct Mean {
  static void samples(SampleList& s) {
    s.add("torch.mean(a)", {{3, 4}}, [](const auto& x) { return std::vector{mean(x[0])}; });
    s.add("torch.mean(a, (0, 2), keepdim=True)", {{2, 3, 4}}, [](const auto& x) {
      return std::vector{mean(x[0], {0, 2}, KeepDim::yes)};
    });
    s.add("torch.mean(a, 1)", {{0, 3}}, [](const auto& x) { return std::vector{mean(x[0], {1})}; });
  }
};
struct SumTo {
  static void samples(SampleList& s) {
    const auto add = [&](const char* torch, const SampleInput& input, const Shape& shape) {
      s.add(torch, {input}, [shape](const auto& x) { return std::vector{sum_to(x[0], shape)}; });
    };
    add("a.sum_to_size(3, 1)", {2, 3, 4}, {3, 1});
    add("a.sum_to_size(2, 1, 4)", {2, 3, 4}, {2, 1, 4});
    add("a.sum()", {3, 4}, {});
    add("a * 1", {2, 3}, {2, 3});
    add("a.sum_to_size(1, 3)", {0, 3}, {1, 3});
  }
};
}  // namespace
DEFINE_OP(mean, Mean)
DEFINE_OP(sum, Sum)
DEFINE_OP(sum_to, SumTo)

}  // namespace heed
