// One tensor's values in memory that is laid out otherwise: what every op must see through.
#pragma once

#include <vector>

#include "framework/ops/ops.h"

namespace heed {

/// A view of some dense storage. Both functions are differentiable.
struct Layout {
  const char* name;                                           // for messages
  Tensor (*storage)(const Tensor& x);                         // dense
  Tensor (*view)(const Tensor& storage, const Shape& shape);  // of x's shape on it
  bool same_values;                                           // as x has; else x's first slice over and over
};

namespace detail {

inline std::vector<int> reversed_dims(int ndim) {
  std::vector<int> order;
  for (int i = ndim - 1; i >= 0; --i) order.push_back(i);
  return order;
}

inline Tensor stretched(const Tensor& x, int dim) {
  return x.size(dim) > 1 ? slice(x, dim, 0, 1).contiguous() : x;
}

}  // namespace detail

/// @return every second element; dims stored in reverse order, the last two exchanged; the inside of a larger
/// tensor; stride 0 along the first, the last and the dim before it
inline const std::vector<Layout>& layouts() {
  constexpr double kForeign = 7;  // an element that is not x's
  static const std::vector<Layout> all = {
      {"gaps",
       [](const Tensor& x) {
         return x.ndim() < kMaxDims ? stack({x, full(x.shape(), kForeign, x.dtype())}, x.ndim()) : x;
       },
       [](const Tensor& s, const Shape& shape) {
         return s.ndim() > shape.ndim() ? select(s, s.ndim() - 1, 0) : s;
       },
       true},
      {"transposed", [](const Tensor& x) { return permute(x, detail::reversed_dims(x.ndim())).contiguous(); },
       [](const Tensor& s, const Shape& shape) { return permute(s, detail::reversed_dims(shape.ndim())); },
       true},
      {"matrices transposed", [](const Tensor& x) { return x.ndim() > 1 ? transpose(x).contiguous() : x; },
       [](const Tensor& s, const Shape& shape) { return shape.ndim() > 1 ? transpose(s) : s; }, true},
      {"slice",
       [](const Tensor& x) {
         return pad(x, std::vector<Padding>(static_cast<size_t>(x.ndim()), {1, 2}), kForeign);
       },
       [](const Tensor& s, const Shape& shape) {
         Tensor view = s;
         for (int i = 0; i < shape.ndim(); ++i) view = slice(view, i, 1, 1 + shape[i]);
         return view;
       },
       true},
      {"stretched along the first dim",
       [](const Tensor& x) { return x.ndim() > 0 ? detail::stretched(x, 0) : x; }, expand, false},
      {"stretched along the dim before the last",
       [](const Tensor& x) { return x.ndim() > 1 ? detail::stretched(x, -2) : x; }, expand, false},
      {"stretched along the last dim",
       [](const Tensor& x) { return x.ndim() > 0 ? detail::stretched(x, -1) : x; }, expand, false},
  };
  return all;
}

}  // namespace heed
