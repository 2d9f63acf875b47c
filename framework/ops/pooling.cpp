// max_pool2d, avg_pool2d and their one-dimensional forms.
// vjp: max: g goes to where the largest stands, which a second derivative writes as scatter_add; avg: g
// shared evenly over the window, a linear map whose own gradient is avg_pool2d again.
#include <fmt/format.h>

#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/window.h"

namespace heed {
namespace {

using kernels::PoolSizes;

struct MaxPool2d {
  static constexpr const char* kName = "max_pool2d";
  PoolSizes sizes;
  Shape in, out;
  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(out, x.dtype());
    const Tensor places = saved.recording() ? empty({sizes.images, out[2] * out[3]}, DType::i64) : Tensor{};
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::max_pool2d<T>(sizes, x.data<T>(), y.data<T>(),
                             places.defined() ? places.data<int64_t>() : nullptr);
    });
    saved.input(places);
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor places = saved[0];
    if (GradMode::enabled()) {  // in public ops; the places are a constant
      const Tensor flat = zeros({sizes.images, in[2] * in[3]}, g.dtype());
      return d.add(0, reshape(scatter_add(flat, 1, places, reshape(g, places.shape())), in));
    }
    const Tensor dense = g.contiguous(), dx = empty(in, g.dtype());
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::max_pool2d_backward<T>(sizes, dense.data<T>(), places.data<int64_t>(), dx.data<T>());
    });
    d.add(0, dx);
  }
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.max_pool2d(a, 2)", {{2, 3, 4, 6}},
          [](const auto& x) { return std::vector{max_pool2d(x[0], 2)}; });
    s.add("torch.nn.functional.max_pool2d(a, (3, 2), stride=(2, 1), padding=1)", {{2, 2, 5, 4}},
          [](const auto& x) {
            return std::vector{max_pool2d(x[0], {3, 2}, {.stride = {2, 1}, .padding = 1})};
          });
    s.add("torch.nn.functional.max_pool2d(a, 2)", {{0, 3, 4, 6}},
          [](const auto& x) { return std::vector{max_pool2d(x[0], 2)}; });
    s.again({{1, 1, 4, 4}});
  }
};

Tensor average(const PoolSizes& sizes, bool count_padding, const Shape& in, const Shape& out,
               const Tensor& x);

// The transpose of avg_pool2d: g [out] -> [in].
struct AvgPool2dBackward {
  static constexpr const char* kName = "avg_pool2d_backward";
  static constexpr const char* kRow = "avg_pool2d";
  PoolSizes sizes;
  bool count_padding;
  Shape in, out;
  Tensor forward(const Tensor& input, Saved&) const {
    const Tensor g = input.contiguous(), dx = empty(in, g.dtype());
    if (g.numel() == 0) return dx.fill_(0);
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::avg_pool2d_backward<T>(sizes, count_padding, g.data<T>(), dx.data<T>());
    });
    return dx;
  }
  void vjp(Grads& d, const Tensor& v, const Saved&) const {
    d.add(0, average(sizes, count_padding, in, out, v));
  }
};

struct AvgPool2d {
  static constexpr const char* kName = "avg_pool2d";
  PoolSizes sizes;
  bool count_padding;
  Shape in, out;
  Tensor forward(const Tensor& input, Saved&) const {
    const Tensor x = input.contiguous(), y = empty(out, x.dtype());
    if (y.numel() == 0) return y;
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::avg_pool2d<T>(sizes, count_padding, x.data<T>(), y.data<T>());
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    d.add(0, apply(AvgPool2dBackward{sizes, count_padding, in, out}, g));
  }
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.avg_pool2d(a, 2)", {{2, 3, 4, 6}},
          [](const auto& x) { return std::vector{avg_pool2d(x[0], 2)}; });
    s.add("torch.nn.functional.avg_pool2d(a, (3, 2), stride=(2, 1), padding=1)", {{2, 2, 5, 4}},
          [](const auto& x) {
            return std::vector{avg_pool2d(x[0], {3, 2}, {.stride = {2, 1}, .padding = 1})};
          });
    s.add("torch.nn.functional.avg_pool2d(a, 3, stride=2, padding=1, count_include_pad=False)",
          {{2, 2, 5, 4}}, [](const auto& x) {
            return std::vector{avg_pool2d(x[0], 3, {.stride = 2, .padding = 1}, /*count_padding=*/false)};
          });
    s.add("torch.nn.functional.avg_pool2d(a, 2)", {{0, 3, 4, 6}},
          [](const auto& x) { return std::vector{avg_pool2d(x[0], 2)}; });
    s.again({{1, 1, 4, 4}});
  }
};

Tensor average(const PoolSizes& sizes, bool count_padding, const Shape& in, const Shape& out,
               const Tensor& x) {
  return apply(AvgPool2d{sizes, count_padding, in, out}, x);
}

struct MaxPool1d {
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.max_pool1d(a, 3, stride=2, padding=1)", {{2, 3, 7}},
          [](const auto& x) { return std::vector{max_pool1d(x[0], 3, 2, 1)}; });
    s.again({{0, 3, 7}});
    s.again({{1, 1, 7}});
  }
};
struct AvgPool1d {
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.avg_pool1d(a, 3, stride=2, padding=1, count_include_pad=False)", {{2, 3, 7}},
          [](const auto& x) { return std::vector{avg_pool1d(x[0], 3, 2, 1, false)}; });
    s.again({{0, 3, 7}});
    s.again({{1, 1, 7}});
  }
};

// On images (dims 4), or on sequences (3) as on images of height 1.
struct Pooled {
  PoolSizes sizes;
  Shape in, out;
  Pooled(const char* op, int dims, const Tensor& x, Extent2d window, const Pool2dOptions& o) {
    detail::require_defined(op, x);
    if (x.ndim() != dims) {
      throw ShapeError(
          op, fmt::format("takes {}, got {}", dims == 3 ? "[B, C, L]" : "[B, C, H, W]", x.shape().str()));
    }
    const Extent2d stride{o.stride.height == 0 ? window.height : o.stride.height,
                          o.stride.width == 0 ? window.width : o.stride.width};
    if (2 * o.padding.height > window.height || 2 * o.padding.width > window.width) {
      const auto said = [&](Extent2d e) {
        return dims == 3 ? std::to_string(e.width) : fmt::format("{}, {}", e.height, e.width);
      };
      throw ValueError(
          op, fmt::format("padding {} is more than half of the window {}", said(o.padding), said(window)));
    }
    sizes = {x.shape()[0] * x.shape()[1], detail::window_on(op, x.shape(), window, stride, o.padding)};
    if (!is_floating(x.dtype()))
      throw DTypeError(op, fmt::format("takes f32 or f64, got {}", name_of(x.dtype())));
    in = {x.shape()[0], x.shape()[1], sizes.window.in[0], sizes.window.in[1]};
    out = {x.shape()[0], x.shape()[1], sizes.window.out[0], sizes.window.out[1]};
  }
};

}  // namespace

Tensor max_pool2d(const Tensor& x, Extent2d window, const Pool2dOptions& options) {
  const Pooled pooled("max_pool2d", 4, x, window, options);
  return apply(MaxPool2d{pooled.sizes, pooled.in, pooled.out}, x);
}
Tensor avg_pool2d(const Tensor& x, Extent2d window, const Pool2dOptions& options, bool count_padding) {
  const Pooled pooled("avg_pool2d", 4, x, window, options);
  return average(pooled.sizes, count_padding, pooled.in, pooled.out, x);
}
Tensor max_pool1d(const Tensor& x, int64_t window, int64_t stride, int64_t padding) {
  const Pooled pooled("max_pool1d", 3, x, {1, window}, {.stride = {1, stride}, .padding = {0, padding}});
  return detail::composed("max_pool1d", [&] {
    return squeeze(apply(MaxPool2d{pooled.sizes, pooled.in, pooled.out}, unsqueeze(x, 2)), 2);
  });
}
Tensor avg_pool1d(const Tensor& x, int64_t window, int64_t stride, int64_t padding, bool count_padding) {
  const Pooled pooled("avg_pool1d", 3, x, {1, window}, {.stride = {1, stride}, .padding = {0, padding}});
  return detail::composed("avg_pool1d", [&] {
    return squeeze(average(pooled.sizes, count_padding, pooled.in, pooled.out, unsqueeze(x, 2)), 2);
  });
}

DEFINE_OP(max_pool2d, MaxPool2d)
DEFINE_OP(avg_pool2d, AvgPool2d)
DEFINE_OP(max_pool1d, MaxPool1d)
DEFINE_OP(avg_pool1d, AvgPool1d)

}  // namespace heed
