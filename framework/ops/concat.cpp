// concat(parts, dim): parts one behind the other.      vjp: each part's slice of g.
#include <fmt/format.h>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

struct Concat {
  static constexpr const char* kName = "concat";
  static constexpr int kSaved = 0;
  int dim;
  std::vector<int64_t> extents;

  Tensor forward(std::span<const Tensor> parts, Saved&) const {
    int64_t total = 0;
    for (const int64_t extent : extents) total += extent;
    const Tensor y = empty(parts[0].shape().with(dim, total), parts[0].dtype());
    int64_t start = 0;
    for (const Tensor& part : parts) {
      const Tensor into = slice(y, dim, start, start + part.shape()[dim]);
      kernels::copy_strided(y.dtype(), part.shape(), part.raw_data(), part.strides(), into.raw_data(),
                            into.strides());
      start += part.shape()[dim];
    }
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    int64_t start = 0;
    for (size_t i = 0; i < extents.size(); ++i) {
      const int input = static_cast<int>(i);
      if (d.wants(input)) d.add(input, slice(g, dim, start, start + extents[i]));
      start += extents[i];
    }
  }
  static void samples(SampleList& s) {
    s.add("torch.cat((a, b), 1)", {{2, 3}, {2, 4}}, [](const auto& x) { return std::vector{concat(x, 1)}; });
    s.add("torch.cat((a, b, c), 0)", {{2, 3}, {0, 3}, {1, 3}},
          [](const auto& x) { return std::vector{concat(x, 0)}; });
    s.add("torch.stack((a, b), 1)", {{2, 3}, {2, 3}}, [](const auto& x) { return std::vector{stack(x, 1)}; });
  }
};

}  // namespace

Tensor concat(std::span<const Tensor> parts, int dim) {
  if (parts.empty()) throw ValueError("concat", "no tensors given");
  for (const Tensor& part : parts) detail::require_defined("concat", part);
  Concat op{wrap_dim("concat", dim, parts[0].ndim()), {}};
  for (const Tensor& part : parts) {
    if (part.dtype() != parts[0].dtype()) {
      throw DTypeError("concat",
                       fmt::format("dtypes differ: {} and {}", parts[0].describe(), part.describe()));
    }
    if (part.ndim() != parts[0].ndim() || part.shape().with(op.dim, 0) != parts[0].shape().with(op.dim, 0)) {
      throw ShapeError("concat", fmt::format("shapes differ outside dimension {}: {} and {}", op.dim,
                                             parts[0].shape().str(), part.shape().str()));
    }
    op.extents.push_back(part.shape()[op.dim]);
  }
  return apply_list(std::move(op), parts);
}

Tensor stack(std::span<const Tensor> parts, int dim) {
  if (parts.empty()) throw ValueError("stack", "no tensors given");
  for (const Tensor& part : parts) {
    detail::require_defined("stack", part);
    if (part.dtype() != parts[0].dtype()) {
      throw DTypeError("stack",
                       fmt::format("dtypes differ: {} and {}", parts[0].describe(), part.describe()));
    }
    if (part.shape() != parts[0].shape()) {
      throw ShapeError("stack",
                       fmt::format("shapes differ: {} and {}", parts[0].shape().str(), part.shape().str()));
    }
  }
  return detail::composed("stack", [&] {
    std::vector<Tensor> raised;
    for (const Tensor& part : parts) raised.push_back(unsqueeze(part, dim));
    return concat(raised, dim);
  });
}

namespace {
struct Stack {
  static void samples(SampleList& s) {
    s.add("torch.stack((a, b, c), -1)", {{2, 3}, {2, 3}, {2, 3}},
          [](const auto& x) { return std::vector{stack(x, -1)}; });
    s.add("torch.stack((a, b), 0)", {{0, 3}, {0, 3}}, [](const auto& x) { return std::vector{stack(x, 0)}; });
  }
};
}  // namespace
DEFINE_OP(stack, Stack)
DEFINE_OP(concat, Concat)

}  // namespace heed
