// Functions that are a line or two of other ops; their gradients are those of the ops.
#include "framework/ops/combined.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "framework/core/check.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using detail::composed;
using detail::require_defined;

template <Tensor (*kFunction)(const Tensor&)>
void add_of_one(SampleList& s, const char* torch, const SampleInput& x) {
  const auto run = [](const auto& in) { return std::vector{kFunction(in[0])}; };
  s.add(torch, {x}, run);
  s.again({{0, 3}});
}

struct Relu6 {
  static void samples(SampleList& s) {
    add_of_one<relu6>(s, "torch.nn.functional.relu6(a)", away_from_zero({3, 4}));
    s.add("torch.nn.functional.relu6(a * 5)", {{4, 5}},
          [](const auto& x) { return std::vector{relu6(x[0] * 5)}; });
  }
};
struct Hardtanh {
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.hardtanh(a)", {{4, 5}},
          [](const auto& x) { return std::vector{hardtanh(x[0])}; });
    s.again({{0, 5}});
    s.add("torch.nn.functional.hardtanh(a, -0.5, 2)", {{4, 5}},
          [](const auto& x) { return std::vector{hardtanh(x[0], -0.5, 2)}; });
  }
};
struct Hardsigmoid {
  static void samples(SampleList& s) {
    add_of_one<hardsigmoid>(s, "torch.nn.functional.hardsigmoid(a)", {3, 4});
    s.add("torch.nn.functional.hardsigmoid(a * 4)", {{4, 5}},
          [](const auto& x) { return std::vector{hardsigmoid(x[0] * 4)}; });
  }
};
struct Hardswish {
  static void samples(SampleList& s) {
    add_of_one<hardswish>(s, "torch.nn.functional.hardswish(a)", {3, 4});
    s.add("torch.nn.functional.hardswish(a * 4)", {{4, 5}},
          [](const auto& x) { return std::vector{hardswish(x[0] * 4)}; });
  }
};
struct Selu {
  static void samples(SampleList& s) { add_of_one<selu>(s, "torch.selu(a)", away_from_zero({3, 4})); }
};
struct Mish {
  static void samples(SampleList& s) { add_of_one<mish>(s, "torch.nn.functional.mish(a)", {3, 4}); }
};
struct Softsign {
  static void samples(SampleList& s) {
    add_of_one<softsign>(s, "torch.nn.functional.softsign(a)", away_from_zero({3, 4}));
  }
};
struct Logsigmoid {
  static void samples(SampleList& s) {
    add_of_one<logsigmoid>(s, "torch.nn.functional.logsigmoid(a)", {3, 4});
  }
};
struct Prelu {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{prelu(x[0], x[1])}; };
    s.add("torch.nn.functional.prelu(a, b)", {away_from_zero({2, 3, 4}), {3}}, run);
    s.again({{0, 3}, {3}});
    s.add("torch.nn.functional.prelu(a, b)", {away_from_zero({5}), {1}}, run);
  }
};
struct Glu {
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.glu(a)", {{3, 4}}, [](const auto& x) { return std::vector{glu(x[0])}; });
    s.again({{0, 4}});
    s.add("torch.nn.functional.glu(a, 0)", {{2, 3}}, [](const auto& x) { return std::vector{glu(x[0], 0)}; });
  }
};
struct Log2 {
  static void samples(SampleList& s) { add_of_one<heed::log2>(s, "torch.log2(a)", positive({3, 4})); }
};
struct Log10 {
  static void samples(SampleList& s) { add_of_one<heed::log10>(s, "torch.log10(a)", positive({3, 4})); }
};
struct Tan {
  static void samples(SampleList& s) {
    add_of_one<heed::tan>(s, "torch.tan(a)", positive({3}));
    s.add("torch.tan(a / 4)", {{3, 4}}, [](const auto& x) { return std::vector{heed::tan(x[0] / 4)}; });
  }
};
struct Lerp {
  static void samples(SampleList& s) {
    s.add("torch.lerp(a, b, 0.3)", {{3, 4}, {4}},
          [](const auto& x) { return std::vector{heed::lerp(x[0], x[1], 0.3)}; });
    s.again({{0, 4}, {4}});
    s.add("torch.lerp(a, b, c)", {{3, 4}, {3, 4}, {3, 1}},
          [](const auto& x) { return std::vector{heed::lerp(x[0], x[1], x[2])}; });
  }
};
struct Addcmul {
  static void samples(SampleList& s) {
    s.add("torch.addcmul(a, b, c, value=0.5)", {{3, 4}, {4}, {3, 1}},
          [](const auto& x) { return std::vector{addcmul(x[0], x[1], x[2], 0.5)}; });
    s.again({{0, 4}, {4}, {0, 1}});
  }
};
struct Addcdiv {
  static void samples(SampleList& s) {
    s.add("torch.addcdiv(a, b, c, value=0.5)", {{3, 4}, {4}, positive({3, 1})},
          [](const auto& x) { return std::vector{addcdiv(x[0], x[1], x[2], 0.5)}; });
    s.again({{0, 4}, {4}, {0, 1}});
  }
};
struct Addmm {
  static void samples(SampleList& s) {
    s.add("torch.addmm(a, b, c)", {{5}, {3, 4}, {4, 5}},
          [](const auto& x) { return std::vector{addmm(x[0], x[1], x[2])}; });
    s.again({{5}, {0, 4}, {4, 5}});
    s.add("torch.addmm(a, b, c, beta=0.5, alpha=2)", {{3, 5}, {3, 4}, {4, 5}},
          [](const auto& x) { return std::vector{addmm(x[0], x[1], x[2], 0.5, 2)}; });
  }
};
struct Baddbmm {
  static void samples(SampleList& s) {
    s.add("torch.baddbmm(a, b, c, beta=0.5, alpha=2)", {{2, 3, 5}, {2, 3, 4}, {2, 4, 5}},
          [](const auto& x) { return std::vector{baddbmm(x[0], x[1], x[2], 0.5, 2)}; });
    s.again({{0, 3, 5}, {0, 3, 4}, {0, 4, 5}});
  }
};
struct NanToNum {
  static void samples(SampleList& s) {
    s.add("torch.nan_to_num(a)", {{2, 3}}, [](const auto& x) { return std::vector{nan_to_num(x[0])}; });
    s.again({{0, 3}});
    s.add("torch.nan_to_num(a.masked_fill(b, float('-inf')), 0.5, 7, -3)",
          {{2, 3}, mask({2, 3}, {1, 0, 0, 0, 1, 0})}, [](const auto& x) {
            return std::vector{nan_to_num(masked_fill(x[0], x[1], -INFINITY), 0.5, 7, -3)};
          });
  }
};
struct Narrow {
  static void samples(SampleList& s) {
    s.add("a.narrow(1, 1, 2)", {{3, 4}}, [](const auto& x) { return std::vector{narrow(x[0], 1, 1, 2)}; });
    s.again({{0, 4}});
    s.add("a.narrow(-1, -3, 2)", {{3, 4}},
          [](const auto& x) { return std::vector{narrow(x[0], -1, -3, 2)}; });
  }
};
struct Vstack {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{vstack({x[0], x[1]})}; };
    s.add("torch.vstack([a, b])", {{2, 3}, {3}}, run);
    s.again({{0, 3}, {3}});
    s.again({{3}, {3}});
  }
};
struct Hstack {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{hstack({x[0], x[1]})}; };
    s.add("torch.hstack([a, b])", {{2, 3}, {2, 1}}, run);
    s.again({{0, 3}, {0, 1}});
    s.again({{3}, {2}});
  }
};
struct IndexAdd {
  static void samples(SampleList& s) {
    s.add("a.index_add(0, c, b, alpha=0.5)", {{3, 4}, {4, 4}, integers({4}, {2, 0, 2, 1})},
          [](const auto& x) { return std::vector{index_add(x[0], 0, x[2], x[1], 0.5)}; });
    s.add("a.index_add(1, c, b)", {{3, 4}, {3, 2}, integers({2}, {3, 0})},
          [](const auto& x) { return std::vector{index_add(x[0], 1, x[2], x[1])}; });
    s.again({{0, 4}, {0, 2}, integers({2}, {3, 0})});
  }
};
struct IndexFill {
  static void samples(SampleList& s) {
    s.add("a.index_fill(1, b, -2.5)", {{3, 4}, integers({2}, {3, 0})},
          [](const auto& x) { return std::vector{index_fill(x[0], 1, x[1], -2.5)}; });
    s.again({{0, 4}, integers({2}, {3, 0})});
  }
};
struct Diff {
  static void samples(SampleList& s) {
    s.add("torch.diff(a)", {{3, 4}}, [](const auto& x) { return std::vector{diff(x[0])}; });
    s.again({{0, 4}});
    s.add("torch.diff(a, dim=0)", {{3, 4}}, [](const auto& x) { return std::vector{diff(x[0], 0)}; });
  }
};
struct Quantile {
  static void samples(SampleList& s) {
    s.add("torch.quantile(a, 0.4, -1)", {{3, 4}},
          [](const auto& x) { return std::vector{quantile(x[0], 0.4)}; });
    s.add("", {{0, 4}}, [](const auto& x) { return std::vector{quantile(x[0], 0.4)}; }).reason =
        "PyTorch takes no quantile of no elements, whatever the dimension";
    s.add("torch.quantile(a, 1, 0, True)", {{3, 4}},
          [](const auto& x) { return std::vector{quantile(x[0], 1, 0, KeepDim::yes)}; });
  }
};
struct Bincount {
  static void samples(SampleList& s) {
    constexpr const char* kCounts = "whole numbers have no gradient";
    s.add("torch.bincount(a)", {integers({5}, {3, 0, 3, 1, 3})}, [](const auto& x) {
       return std::vector{bincount(x[0])};
     }).without_gradient(kCounts);
    s.add("torch.bincount(a, minlength=6)", {integers({2}, {3, 0})}, [](const auto& x) {
       return std::vector{bincount(x[0], 6)};
     }).without_gradient(kCounts);
    s.again({integers({0}, {})}).without_gradient(kCounts);
  }
};
struct Normalize {
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.normalize(a)", {{3, 4}},
          [](const auto& x) { return std::vector{normalize(x[0])}; });
    s.again({{0, 4}});
    s.add("torch.nn.functional.normalize(a, p=1, dim=0)", {away_from_zero({3, 4})},
          [](const auto& x) { return std::vector{normalize(x[0], 1, 0)}; });
    s.add("torch.nn.functional.normalize(a, p=3, dim=-1)", {away_from_zero({3, 4})},
          [](const auto& x) { return std::vector{normalize(x[0], 3, -1)}; });
    s.add("torch.nn.functional.normalize(a, p=float('inf'), dim=-1)", {{3, 4}},
          [](const auto& x) { return std::vector{normalize(x[0], INFINITY, -1)}; });
  }
};
struct PairwiseDistance {
  static void samples(SampleList& s) {
    s.add("torch.pairwise_distance(a, b)", {{3, 4}, {3, 4}},
          [](const auto& x) { return std::vector{pairwise_distance(x[0], x[1])}; });
    s.add("torch.pairwise_distance(a, b)", {{3, 4}, {4}},
          [](const auto& x) { return std::vector{pairwise_distance(x[0], x[1])}; });
    s.again({{0, 4}, {0, 4}});
  }
};

// A weight of a dimension beside tensors of `dims` dimensions.
Tensor along(const Tensor& weight, int dim, int dims) {
  Shape shape;
  for (int d = 0; d < dims; ++d) shape.push_back(d == dim ? weight.numel() : 1);
  return reshape(weight, shape);
}

void require_index(const char* op, const Tensor& index) {
  require_defined(op, index);
  if (index.dtype() != DType::i64 || index.ndim() != 1)
    throw DTypeError(op, fmt::format("the index must be i64 [n], got {}", index.describe()));
}

}  // namespace

Tensor relu6(const Tensor& x) {
  return composed("relu6", [&] { return hardtanh(x, 0, 6); });
}
Tensor hardtanh(const Tensor& x, double low, double high) {
  return composed("hardtanh", [&] {  // with the gradient 0 at the bounds, where clamp's is 1
    return where((x > low) & (x < high), x, clamp(x.detach(), low, high));
  });
}
Tensor hardsigmoid(const Tensor& x) {
  return composed("hardsigmoid", [&] { return clamp(affine(x, 1.0 / 6, 0.5), 0, 1); });
}
Tensor hardswish(const Tensor& x) {
  return composed("hardswish", [&] { return x * hardsigmoid(x); });
}
Tensor selu(const Tensor& x) {
  return composed("selu", [&] { return elu(x, 1.6732632423543772) * 1.0507009873554805; });
}
Tensor mish(const Tensor& x) {
  return composed("mish", [&] { return x * tanh(softplus(x)); });
}
Tensor softsign(const Tensor& x) {
  return composed("softsign", [&] { return x / (1 + abs(x)); });
}
Tensor logsigmoid(const Tensor& x) {
  return composed("logsigmoid", [&] { return affine(softplus(-x), -1, 0); });
}
Tensor prelu(const Tensor& x, const Tensor& weight) {
  require_defined("prelu", x, weight);
  const int64_t C = weight.numel();
  if (weight.ndim() != 1 || (C != 1 && (x.ndim() < 2 || x.size(1) != C)))
    throw ShapeError("prelu",
                     fmt::format("the weight {} does not fit {}", weight.shape().str(), x.shape().str()));
  return composed("prelu", [&] {
    const Tensor above = x > 0, slope = C == 1 ? weight : along(weight, 1, x.ndim());
    return where(above, x, slope * where(above, 0, x));
  });
}
Tensor glu(const Tensor& x, int dim) {
  require_defined("glu", x);
  const int d = wrap_dim("glu", dim, x.ndim());
  const int64_t n = x.size(d);
  if (n % 2 != 0) throw ShapeError("glu", fmt::format("dim {} of {} is not even", dim, x.shape().str()));
  return composed("glu", [&] { return slice(x, d, 0, n / 2) * sigmoid(slice(x, d, n / 2, n)); });
}

Tensor log2(const Tensor& x) {
  return composed("log2", [&] { return log(x) * std::numbers::log2e; });
}
Tensor log10(const Tensor& x) {
  return composed("log10", [&] { return log(x) * std::numbers::log10e; });
}
Tensor tan(const Tensor& x) {
  return composed("tan", [&] { return sin(x) / cos(x); });
}
// From the nearer end, so that the weight 1 gives b.
Tensor lerp(const Tensor& a, const Tensor& b, double weight) {
  return composed("lerp", [&] {
    const Tensor way = b - a;
    return std::abs(weight) < 0.5 ? a + way * weight : b - way * (1 - weight);
  });
}
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight) {
  return composed("lerp", [&] {
    const Tensor way = b - a;
    return where(abs(weight) < 0.5, a + way * weight, b - way * (1 - weight));
  });
}
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, double value) {
  return composed("addcmul", [&] { return value == 1 ? x + a * b : x + a * value * b; });
}
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, double value) {
  return composed("addcdiv", [&] { return value == 1 ? x + a / b : x + a * value / b; });
}
namespace {
Tensor added(const char* op, const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha,
             int dims) {
  require_defined(op, c, a, b);
  if (a.ndim() != dims || b.ndim() != dims)
    throw ShapeError(op, fmt::format("takes a product of {} dimensions, got {} and {}", dims, a.shape().str(),
                                     b.shape().str()));
  return composed(op, [&] {
    const Tensor product = matmul(a, b), scaled = alpha == 1 ? product : product * alpha;
    if (broadcast_shapes(op, c.shape(), product.shape()) != product.shape())
      throw ShapeError(op, fmt::format("{} does not stretch to {}", c.shape().str(), product.shape().str()));
    return beta == 1 ? c + scaled : c * beta + scaled;
  });
}
}  // namespace
Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha) {
  return added("addmm", c, a, b, beta, alpha, 2);
}
Tensor baddbmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha) {
  return added("baddbmm", c, a, b, beta, alpha, 3);
}
Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> infinity,
                  std::optional<double> minus_infinity) {
  require_defined("nan_to_num", x);
  return composed("nan_to_num", [&] {
    const double largest = x.dtype() == DType::f32 ? static_cast<double>(std::numeric_limits<float>::max())
                                                   : std::numeric_limits<double>::max();
    const Tensor finite = where(isnan(x), nan, x),
                 below = where(x == -INFINITY, minus_infinity.value_or(-largest), finite);
    return where(x == INFINITY, infinity.value_or(largest), below);
  });
}
bool equal(const Tensor& a, const Tensor& b) {
  require_defined("equal", a, b);
  return a.shape() == b.shape() && composed("equal", [&] { return all(a == b).item<bool>(); });
}

Tensor narrow(const Tensor& x, int dim, int64_t start, int64_t length) {
  require_defined("narrow", x);
  const int d = wrap_dim("narrow", dim, x.ndim());
  const int64_t extent = x.size(d), first = start < 0 ? start + extent : start;
  if (length < 0 || first < 0 || first > extent || length > extent - first)
    throw IndexError("narrow",
                     fmt::format("{} from {} on of dim {} of {}", length, start, dim, x.shape().str()));
  return composed("narrow", [&] { return slice(x, d, first, first + length); });
}
Tensor vstack(std::span<const Tensor> parts) {
  return composed("vstack", [&] {
    std::vector<Tensor> rows;
    for (const Tensor& part : parts)
      rows.push_back(part.ndim() < 2 ? reshape(part, {1, part.numel()}) : part);
    return concat(rows, 0);
  });
}
Tensor hstack(std::span<const Tensor> parts) {
  return composed("hstack", [&] {
    std::vector<Tensor> columns;
    for (const Tensor& part : parts) columns.push_back(part.ndim() < 1 ? reshape(part, {1}) : part);
    return concat(columns, columns.empty() || columns.front().ndim() == 1 ? 0 : 1);
  });
}
Tensor scatter(const Tensor& x, int dim, const Tensor& index, double value) {
  require_defined("scatter", x, index);
  return scatter(x, dim, index, full(index.shape(), value, x.dtype()));
}
Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source, double alpha) {
  require_defined("index_add", x, source);
  require_index("index_add", index);
  const int d = wrap_dim("index_add", dim, x.ndim());
  if (source.shape() != x.shape().with(d, index.numel()))
    throw ShapeError("index_add", fmt::format("{} slices of {} along dim {} are not {}", index.numel(),
                                              x.shape().str(), dim, source.shape().str()));
  return composed("index_add", [&] {
    const Tensor places = expand(along(index, d, x.ndim()), source.shape());
    return scatter_add(x, d, places, alpha == 1 ? source : source * alpha);
  });
}
Tensor index_fill(const Tensor& x, int dim, const Tensor& index, Scalar value) {
  require_defined("index_fill", x);
  require_index("index_fill", index);
  const int d = wrap_dim("index_fill", dim, x.ndim());
  return composed("index_fill", [&] {
    std::vector<Index> places(static_cast<size_t>(d), Range{});
    places.emplace_back(index);
    return index_put(x, places, full({}, value, x.dtype()));
  });
}

Tensor diff(const Tensor& x, int dim) {
  require_defined("diff", x);
  const int d = wrap_dim("diff", dim, x.ndim());
  const int64_t n = x.size(d);
  if (n == 0) throw ShapeError("diff", fmt::format("dim {} of {} is empty", dim, x.shape().str()));
  return composed("diff", [&] { return slice(x, d, 1, n) - slice(x, d, 0, n - 1); });
}
Tensor quantile(const Tensor& x, double q, int dim, KeepDim keep) {
  require_defined("quantile", x);
  if (!(q >= 0 && q <= 1)) throw ValueError("quantile", fmt::format("q must be in [0, 1], got {}", q));
  const int d = wrap_dim("quantile", dim, x.ndim());
  const int64_t n = x.size(d);
  if (n == 0) throw ShapeError("quantile", fmt::format("dim {} of {} is empty", dim, x.shape().str()));
  if (!is_floating(x.dtype()))
    throw DTypeError("quantile", fmt::format("takes f32 or f64, got {}", name_of(x.dtype())));
  return composed("quantile", [&] {
    const Tensor rising = sort(x, d).values;  // NaN last
    const double place = q * static_cast<double>(n - 1);
    const auto below = static_cast<int64_t>(place), above = std::min(below + 1, n - 1);
    const double share = place - static_cast<double>(below);
    const auto at = [&](int64_t i) { return slice(rising, d, i, i + 1); };
    const Tensor value = share == 0 ? at(below) : lerp(at(below), at(above), share),
                 with_nan = where(isnan(at(n - 1)), at(n - 1), value);
    return keep == KeepDim::yes ? with_nan : squeeze(with_nan, d);
  });
}
Tensor bincount(const Tensor& ids, int64_t least) {
  require_defined("bincount", ids);
  if (ids.dtype() != DType::i64)
    throw DTypeError("bincount", fmt::format("takes i64, got {}", name_of(ids.dtype())));
  if (ids.ndim() != 1) throw ShapeError("bincount", "takes [n], got " + ids.shape().str());
  if (least < 0) throw ValueError("bincount", fmt::format("a length of {}", least));
  return composed("bincount", [&] {
    const std::vector<int64_t> numbers = ids.to_vector<int64_t>();
    int64_t length = least;
    for (const int64_t n : numbers) {
      if (n < 0) throw ValueError("bincount", fmt::format("{} is negative", n));
      length = std::max(length, n < INT64_MAX ? n + 1 : n);
    }
    const Tensor counts = zeros({length}, DType::i64);
    for (const int64_t n : numbers) ++counts.data<int64_t>()[n];
    return counts;
  });
}

Tensor detail::normalized(const Tensor& x, double p, int dim, double eps) {
  require_defined("normalize", x);
  if (!(p > 0)) throw ValueError("normalize", fmt::format("p must be above 0, got {}", p));
  check_number("normalize", "eps", eps, Allowed::positive);
  const int d = wrap_dim("normalize", dim, x.ndim());
  return composed("normalize", [&] {
    const auto length = [&] {
      if (p == 2) return norm(x, {d}, KeepDim::yes);
      if (p == 1) return sum(abs(x), {d}, KeepDim::yes);
      if (std::isinf(p)) return amax(abs(x), {d}, KeepDim::yes);
      // the root of 0 has no slope
      const double least = std::max(std::pow(eps, p), double{std::numeric_limits<float>::min()});
      return pow(clamp_min(sum(pow(abs(x), p), {d}, KeepDim::yes), least), 1 / p);
    };
    return x / clamp_min(length(), eps);
  });
}
Tensor pairwise_distance(const Tensor& a, const Tensor& b, double eps) {
  return composed("pairwise_distance", [&] { return norm(a - b + eps, {-1}); });
}

DEFINE_OP(relu6, Relu6)
DEFINE_OP(hardtanh, Hardtanh)
DEFINE_OP(hardsigmoid, Hardsigmoid)
DEFINE_OP(hardswish, Hardswish)
DEFINE_OP(selu, Selu)
DEFINE_OP(mish, Mish)
DEFINE_OP(softsign, Softsign)
DEFINE_OP(logsigmoid, Logsigmoid)
DEFINE_OP(prelu, Prelu)
DEFINE_OP(glu, Glu)
DEFINE_OP(log2, Log2)
DEFINE_OP(log10, Log10)
DEFINE_OP(tan, Tan)
DEFINE_OP(lerp, Lerp)
DEFINE_OP(addcmul, Addcmul)
DEFINE_OP(addcdiv, Addcdiv)
DEFINE_OP(addmm, Addmm)
DEFINE_OP(baddbmm, Baddbmm)
DEFINE_OP(nan_to_num, NanToNum)
DEFINE_OP(narrow, Narrow)
DEFINE_OP(vstack, Vstack)
DEFINE_OP(hstack, Hstack)
DEFINE_OP(index_add, IndexAdd)
DEFINE_OP(index_fill, IndexFill)
DEFINE_OP(diff, Diff)
DEFINE_OP(quantile, Quantile)
DEFINE_OP(bincount, Bincount)
DEFINE_OP(normalize, Normalize)
DEFINE_OP(pairwise_distance, PairwiseDistance)

}  // namespace heed
