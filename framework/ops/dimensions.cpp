// unbind, movedim, flatten and unflatten: compositions of select, permute and reshape.
#include <fmt/format.h>

#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Unbind {
  static void samples(SampleList& s) {
    s.add("torch.unbind(a)", {{2, 3}}, [](const auto& x) { return unbind(x[0]); });
    s.add("torch.unbind(a, -1)", {{2, 2, 3}}, [](const auto& x) { return unbind(x[0], -1); });
    s.add("torch.unbind(a, 1)", {{0, 2}}, [](const auto& x) { return unbind(x[0], 1); });
  }
};
struct MoveDim {
  static void samples(SampleList& s) {
    s.add("torch.movedim(a, 0, -1)", {{2, 3, 4}},
          [](const auto& x) { return std::vector{movedim(x[0], 0, -1)}; });
    s.add("torch.movedim(a, (3, 0), (0, 2))", {{2, 1, 3, 2}}, [](const auto& x) {
      return std::vector{movedim(x[0], {3, 0}, {0, 2})};
    });
    s.add("torch.movedim(a, 1, 0)", {{0, 3}}, [](const auto& x) { return std::vector{movedim(x[0], 1, 0)}; });
  }
};
struct Flatten {
  static void samples(SampleList& s) {
    s.add("torch.flatten(a)", {{2, 3}}, [](const auto& x) { return std::vector{flatten(x[0])}; });
    s.add("torch.flatten(a, 1, -2)", {{2, 3, 2, 2}},
          [](const auto& x) { return std::vector{flatten(x[0], 1, -2)}; });
    s.add("torch.flatten(a)", {{}}, [](const auto& x) { return std::vector{flatten(x[0])}; });
    s.add("torch.flatten(a)", {{0, 3}}, [](const auto& x) { return std::vector{flatten(x[0])}; });
  }
};
struct Unflatten {
  static void samples(SampleList& s) {
    s.add("torch.unflatten(a, 1, (2, -1))", {{2, 6}}, [](const auto& x) {
      return std::vector{unflatten(x[0], 1, {2, -1})};
    });
    s.add("torch.unflatten(a, 0, (2, 1, 2))", {{4, 3}}, [](const auto& x) {
      return std::vector{unflatten(x[0], -2, {2, 1, 2})};
    });
    s.add("torch.unflatten(a, 1, (2, 2))", {{0, 4}}, [](const auto& x) {
      return std::vector{unflatten(x[0], 1, {2, 2})};
    });
  }
};

}  // namespace

std::vector<Tensor> unbind(const Tensor& x, int dim) {
  detail::require_defined("unbind", x);
  const int d = wrap_dim("unbind", dim, x.ndim());
  return detail::composed("unbind", [&] {
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < x.shape()[d]; ++i) parts.push_back(select(x, d, i));
    return parts;
  });
}

Tensor movedim(const Tensor& x, const std::vector<int>& from, const std::vector<int>& to) {
  detail::require_defined("movedim", x);
  if (from.size() != to.size())
    throw ValueError("movedim", fmt::format("{} dimensions for {} places", from.size(), to.size()));
  const auto moved = named_dims("movedim", from, x.ndim()), taken = named_dims("movedim", to, x.ndim());
  std::vector<int> order(static_cast<size_t>(x.ndim()));
  for (size_t i = 0; i < from.size(); ++i) {
    order[static_cast<size_t>(wrap_dim("movedim", to[i], x.ndim()))] = wrap_dim("movedim", from[i], x.ndim());
  }
  size_t place = 0;
  for (int i = 0; i < x.ndim(); ++i) {
    if (moved[static_cast<size_t>(i)]) continue;
    while (taken[place]) ++place;
    order[place++] = i;
  }
  return detail::composed("movedim", [&] { return permute(x, order); });
}
Tensor movedim(const Tensor& x, int from, int to) { return movedim(x, std::vector{from}, std::vector{to}); }

Tensor flatten(const Tensor& x, int first, int last) {
  detail::require_defined("flatten", x);
  if (x.ndim() == 0) return detail::composed("flatten", [&] { return reshape(x, {1}); });
  const int begin = wrap_dim("flatten", first, x.ndim()), end = wrap_dim("flatten", last, x.ndim());
  if (begin > end)
    throw ValueError("flatten",
                     fmt::format("dimension {} stands behind {} in {}", begin, end, x.shape().str()));
  Shape shape;
  for (int i = 0; i < x.ndim(); ++i) {
    if (i > begin && i <= end) {
      shape[begin] *= x.shape()[i];
    } else {
      shape.push_back(x.shape()[i]);
    }
  }
  return detail::composed("flatten", [&] { return reshape(x, shape); });
}

Tensor unflatten(const Tensor& x, int dim, const Shape& extents) {
  detail::require_defined("unflatten", x);
  const int d = wrap_dim("unflatten", dim, x.ndim());
  Shape shape;
  int64_t product = 1, open = -1;
  for (int i = 0; i < x.ndim(); ++i) {
    if (i != d) {
      shape.push_back(x.shape()[i]);
      continue;
    }
    for (const int64_t extent : extents) {
      if (extent == -1 && open < 0) {
        open = shape.ndim();
      } else {
        product *= extent;
      }
      shape.push_back(extent);
    }
  }
  if (open >= 0 && product > 0 && x.shape()[d] % product == 0) {
    shape[static_cast<int>(open)] = x.shape()[d] / product;
    product = x.shape()[d];
  }
  const bool negative = std::any_of(shape.begin(), shape.end(), [](int64_t extent) { return extent < 0; });
  if (negative || product != x.shape()[d]) {
    throw ShapeError("unflatten",
                     fmt::format("dimension {} of {} does not become {}", d, x.shape().str(), extents.str()));
  }
  return detail::composed("unflatten", [&] { return reshape(x, shape); });
}

DEFINE_OP(unbind, Unbind)
DEFINE_OP(movedim, MoveDim)
DEFINE_OP(flatten, Flatten)
DEFINE_OP(unflatten, Unflatten)

}  // namespace heed
