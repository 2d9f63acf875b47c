// What is made in the shape and dtype of another tensor, and meshgrid.
#include <fmt/format.h>

#include "framework/core/random.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

constexpr const char* kValuesUnread = "the values of x are not read";

template <Tensor (*kMake)(const Tensor&)>
struct Alike {
  static void add(SampleList& s, const char* torch) {
    const auto run = [](const auto& x) { return std::vector{kMake(x[0])}; };
    s.add(torch, {{2, 3}}, run).without_gradient(kValuesUnread);
    s.again({integers({3}, {4, 5, 6})});
    s.again({{0, 3}});
  }
};
Tensor three_like(const Tensor& x) { return full_like(x, 3); }

struct ZerosLike {
  static void samples(SampleList& s) { Alike<zeros_like>::add(s, "torch.zeros_like(a)"); }
};
struct OnesLike {
  static void samples(SampleList& s) { Alike<ones_like>::add(s, "torch.ones_like(a)"); }
};
struct FullLike {
  static void samples(SampleList& s) { Alike<three_like>::add(s, "torch.full_like(a, 3)"); }
};

// tests/framework/core/random_test.cpp looks at the distributions.
template <Tensor (*kMake)(const Tensor&)>
struct RandomLike {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) {
      manual_seed(3);
      return std::vector{kMake(x[0])};
    };
    s.add("", {{2, 3}}, run).without_gradient("random: PyTorch draws other numbers");
    s.again({{0, 3}});
  }
};
Tensor some_uniform_like(const Tensor& x) { return uniform_like(x, -1, 2); }

struct Meshgrid {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return meshgrid(x); };
    s.add("torch.meshgrid(a, b, indexing='ij')", {{2}, {3}}, run);
    s.add("torch.meshgrid(a, b, c, indexing='ij')", {{2}, {1}, {3}}, run);
    s.add("torch.meshgrid(a, b, indexing='ij')", {{0}, {3}}, run);
  }
};

}  // namespace

Tensor empty_like(const Tensor& x) {
  detail::require_defined("empty_like", x);
  return detail::allocate("empty_like", x.shape(), x.dtype());
}
Tensor zeros_like(const Tensor& x) {
  detail::require_defined("zeros_like", x);
  return detail::composed("zeros_like", [&] { return zeros(x.shape(), x.dtype()); });
}
Tensor ones_like(const Tensor& x) {
  detail::require_defined("ones_like", x);
  return detail::composed("ones_like", [&] { return ones(x.shape(), x.dtype()); });
}
Tensor full_like(const Tensor& x, Scalar value) {
  detail::require_defined("full_like", x);
  return detail::composed("full_like", [&] { return full(x.shape(), value, x.dtype()); });
}
NestedValues::NestedValues(std::initializer_list<NestedValues> parts) {
  if (parts.size() > 0) shape_ = parts.begin()->shape();
  for (const NestedValues& part : parts) {
    if (part.shape() != shape_)
      throw ShapeError("tensor", fmt::format("parts of shapes {} and {}", shape_.str(), part.shape().str()));
    numbers_.insert(numbers_.end(), part.numbers().begin(), part.numbers().end());
  }
  Shape shape = parts.size();
  for (const int64_t extent : shape_) shape.push_back(extent);
  shape_ = shape;
}
Tensor tensor(const NestedValues& values, std::optional<DType> dtype) {
  DType common = values.numbers().empty() ? DType::f32 : DType::boolean;
  for (const Scalar& number : values.numbers()) common = number.with(common);
  const Tensor y = detail::allocate("tensor", values.shape(), dtype.value_or(common));
  dispatch_all(y.dtype(), [&](auto t) {
    auto* to = y.data<decltype(t)>();
    for (const Scalar& number : values.numbers()) *to++ = number.as<decltype(t)>();
  });
  return y;
}

Tensor uniform_like(const Tensor& x, double low, double high) {
  detail::require_defined("uniform_like", x);
  return detail::composed("uniform_like", [&] { return uniform(x.shape(), low, high, x.dtype()); });
}
Tensor randn_like(const Tensor& x) {
  detail::require_defined("randn_like", x);
  return detail::composed("randn_like", [&] { return randn(x.shape(), x.dtype()); });
}

std::vector<Tensor> meshgrid(std::span<const Tensor> axes) {
  if (axes.size() > static_cast<size_t>(kMaxDims))
    throw ShapeError("meshgrid", fmt::format("{} vectors, more than {} dimensions", axes.size(), kMaxDims));
  Shape shape;
  for (const Tensor& axis : axes) {
    detail::require_defined("meshgrid", axis);
    if (axis.ndim() != 1) throw ShapeError("meshgrid", "takes vectors, got " + axis.shape().str());
    shape.push_back(axis.size(0));
  }
  return detail::composed("meshgrid", [&] {
    std::vector<Tensor> grids;
    for (size_t i = 0; i < axes.size(); ++i) {
      Shape along;
      for (size_t k = 0; k < axes.size(); ++k) along.push_back(k == i ? axes[i].size(0) : 1);
      grids.push_back(expand(reshape(axes[i], along), shape));
    }
    return grids;
  });
}

DEFINE_OP(zeros_like, ZerosLike)
DEFINE_OP(ones_like, OnesLike)
DEFINE_OP(full_like, FullLike)
DEFINE_OP(uniform_like, RandomLike<some_uniform_like>)
DEFINE_OP(randn_like, RandomLike<randn_like>)
DEFINE_OP(meshgrid, Meshgrid)

}  // namespace heed
