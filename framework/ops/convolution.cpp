// conv2d(x, w, b), conv_transpose2d and conv1d. A convolution is linear in x and in w, so three maps are each
// other's gradients:
//   y = conv(x, w)          dx = input_gradient(g, w)    dw = weight_gradient(g, x)
//                           db = sum of g over batch, height and width
//   input_gradient(g, w):   dg = conv(v, w)          dw = weight_gradient(g, v)
//   weight_gradient(g, x):  dg = conv(x, u)          dx = input_gradient(g, u)
#include <fmt/format.h>

#include "framework/core/flops.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/window.h"

namespace heed {
namespace {

using kernels::ConvSizes;

Shape input_shape(const ConvSizes& s) { return {s.batch, s.in_channels, s.window.in[0], s.window.in[1]}; }
Shape output_shape(const ConvSizes& s) { return {s.batch, s.out_channels, s.window.out[0], s.window.out[1]}; }
Shape weight_shape(const ConvSizes& s) {
  return {s.out_channels, s.in_channels / s.groups, s.window.kernel[0], s.window.kernel[1]};
}
// What has no elements somewhere has no product: the result is zeros (or the bias).
bool empty_product(const ConvSizes& s) {
  return input_shape(s).numel() == 0 || weight_shape(s).numel() == 0 || output_shape(s).numel() == 0;
}

Tensor convolve(const ConvSizes& s, const Tensor& x, const Tensor& w);
Tensor input_gradient(const ConvSizes& s, const Tensor& g, const Tensor& w);
Tensor weight_gradient(const ConvSizes& s, const Tensor& g, const Tensor& x);

void count(const ConvSizes& s) {
  detail::count_flops(2 * output_shape(s).numel() * (weight_shape(s).numel() / s.out_channels));
}

Tensor channel_sum(const Tensor& g) { return sum(g, {0, 2, 3}); }

struct Conv2d {
  static constexpr const char* kName = "conv2d";
  ConvSizes sizes;
  Tensor forward(const Tensor& x, const Tensor& w, const Tensor& bias, Saved& saved) const {
    saved.input(saved.wants(1) ? x : Tensor{});
    saved.input(saved.wants(0) ? w : Tensor{});
    if (empty_product(sizes)) {
      const Tensor y = zeros(output_shape(sizes), x.dtype());
      return bias.defined() ? y + reshape(bias, {sizes.out_channels, 1, 1}) : y;
    }
    const Tensor y = empty(output_shape(sizes), x.dtype()), dense_x = x.contiguous(),
                 dense_w = w.contiguous();
    const Tensor dense_bias = bias.defined() ? bias.contiguous() : bias;
    count(sizes);
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::conv2d<T>(sizes, dense_x.data<T>(), dense_w.data<T>(),
                         bias.defined() ? dense_bias.data<T>() : nullptr, y.data<T>());
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    if (d.wants(0)) d.add(0, input_gradient(sizes, g, saved[1]));
    if (d.wants(1)) d.add(1, weight_gradient(sizes, g, saved[0]));
    if (d.wants(2)) d.add(2, channel_sum(g));
  }
  static void samples(SampleList& s);
};

struct InputGradient {
  static constexpr const char* kName = "conv_transpose2d";
  ConvSizes sizes;
  Tensor forward(const Tensor& g, const Tensor& w, Saved& saved) const {
    saved.input(saved.wants(1) ? g : Tensor{});
    saved.input(saved.wants(0) ? w : Tensor{});
    if (empty_product(sizes)) return zeros(input_shape(sizes), g.dtype());
    const Tensor dx = empty(input_shape(sizes), g.dtype()), dense_g = g.contiguous(),
                 dense_w = w.contiguous();
    count(sizes);
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::conv2d_input_gradient<T>(sizes, dense_g.data<T>(), dense_w.data<T>(), dx.data<T>());
    });
    return dx;
  }
  void vjp(Grads& d, const Tensor& v, const Saved& saved) const {
    if (d.wants(0)) d.add(0, convolve(sizes, v, saved[1]));
    if (d.wants(1)) d.add(1, weight_gradient(sizes, saved[0], v));
  }
  static void samples(SampleList& s);
};

struct WeightGradient {
  static constexpr const char* kName = "conv2d_weight_gradient";
  static constexpr const char* kRow = "conv2d";
  ConvSizes sizes;
  Tensor forward(const Tensor& g, const Tensor& x, Saved& saved) const {
    saved.input(saved.wants(1) ? g : Tensor{});
    saved.input(saved.wants(0) ? x : Tensor{});
    if (empty_product(sizes)) return zeros(weight_shape(sizes), g.dtype());
    const Tensor dw = empty(weight_shape(sizes), g.dtype()), dense_g = g.contiguous(),
                 dense_x = x.contiguous();
    count(sizes);
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::conv2d_weight_gradient<T>(sizes, dense_g.data<T>(), dense_x.data<T>(), dw.data<T>());
    });
    return dw;
  }
  void vjp(Grads& d, const Tensor& u, const Saved& saved) const {
    if (d.wants(0)) d.add(0, convolve(sizes, saved[1], u));
    if (d.wants(1)) d.add(1, input_gradient(sizes, saved[0], u));
  }
};

Tensor convolve(const ConvSizes& s, const Tensor& x, const Tensor& w) {
  return apply(Conv2d{s}, x, w, Tensor{});
}
Tensor input_gradient(const ConvSizes& s, const Tensor& g, const Tensor& w) {
  return apply(InputGradient{s}, g, w);
}
Tensor weight_gradient(const ConvSizes& s, const Tensor& g, const Tensor& x) {
  return apply(WeightGradient{s}, g, x);
}

// What a convolution on images (dims 4) or on sequences (3) is given.
void check_operands(const char* op, int dims, const Tensor& x, const Tensor& weight, const Tensor& bias,
                    int64_t groups, int64_t weight_channels, int64_t bias_size) {
  if (x.ndim() != dims || weight.ndim() != dims) {
    throw ShapeError(op, fmt::format("takes {} and a weight of {} dimensions, got {} and {}",
                                     dims == 3 ? "[B, C, L]" : "[B, C, H, W]", dims, x.shape().str(),
                                     weight.shape().str()));
  }
  if (groups < 1 || weight.shape()[0] % groups != 0) {
    throw ValueError(op, fmt::format("{} groups do not divide {} channels", groups, weight.shape()[0]));
  }
  if (x.shape()[1] != weight_channels) {
    throw ShapeError(op, fmt::format("channels differ: {} with a weight {} in {} groups", x.shape().str(),
                                     weight.shape().str(), groups));
  }
  if (bias.defined() && bias.shape() != Shape{bias_size}) {
    throw ShapeError(op, fmt::format("bias {} for {} channels", bias.shape().str(), bias_size));
  }
  for (const Tensor& other : {weight, bias}) {
    if (other.defined() && other.dtype() != x.dtype()) {
      throw DTypeError(op, fmt::format("dtypes differ: {} and {}", x.describe(), other.describe()));
    }
  }
  if (!is_floating(x.dtype()))
    throw DTypeError(op, fmt::format("takes f32 or f64, got {}", name_of(x.dtype())));
}

// Samples: one expression, two inputs or three, options.
template <class Op>
void add_sample(SampleList& s, Op op, const std::string& torch, const Shape& x, const Shape& w, bool bias,
                int64_t bias_size, const Conv2dOptions& o) {
  const std::string call = fmt::format(
      "torch.nn.functional.{}(a, b{}, stride=({}, {}), padding=({}, {}), dilation=({}, {}), groups={})",
      torch, bias ? ", c" : "", o.stride.height, o.stride.width, o.padding.height, o.padding.width,
      o.dilation.height, o.dilation.width, o.groups);
  std::vector<SampleInput> inputs{{x, SampleInput::Fill::normal}, {w, SampleInput::Fill::normal}};
  if (bias) inputs.push_back({{bias_size}, SampleInput::Fill::normal});
  s.add(call, inputs, [op, o](const auto& in) {
    return std::vector{op(in[0], in[1], in.size() > 2 ? in[2] : Tensor{}, o)};
  });
}

void Conv2d::samples(SampleList& s) {
  add_sample(s, conv2d, "conv2d", {2, 3, 5, 4}, {4, 3, 3, 2}, true, 4, {});
  add_sample(s, conv2d, "conv2d", {2, 4, 7, 6}, {6, 2, 3, 3}, true, 6,
             {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2});
  add_sample(s, conv2d, "conv2d", {1, 2, 4, 4}, {3, 2, 1, 1}, false, 3, {});
  add_sample(s, conv2d, "conv2d", {2, 3, 6, 5}, {3, 1, 3, 3}, true, 3, {.padding = 1, .groups = 3});
  add_sample(s, conv2d, "conv2d", {1, 1, 6, 7}, {2, 1, 2, 3}, false, 2, {.stride = 3});
  add_sample(s, conv2d, "conv2d", {0, 3, 5, 4}, {4, 3, 3, 2}, true, 4, {});
  add_sample(s, conv2d, "conv2d", {1, 1, 3, 3}, {1, 1, 2, 2}, true, 1, {});
}

void InputGradient::samples(SampleList& s) {
  add_sample(s, conv_transpose2d, "conv_transpose2d", {2, 3, 3, 4}, {3, 2, 3, 2}, true, 2, {});
  add_sample(s, conv_transpose2d, "conv_transpose2d", {2, 4, 3, 3}, {4, 2, 3, 3}, true, 4,
             {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2});
  add_sample(s, conv_transpose2d, "conv_transpose2d", {0, 3, 3, 4}, {3, 2, 3, 2}, true, 2, {});
  add_sample(s, conv_transpose2d, "conv_transpose2d", {1, 1, 2, 2}, {1, 1, 2, 2}, true, 1, {});
}

struct Conv1d {
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.conv1d(a, b, c)", {{2, 3, 7}, {4, 3, 3}, {4}},
          [](const auto& x) { return std::vector{conv1d(x[0], x[1], x[2])}; });
    s.add("torch.nn.functional.conv1d(a, b, c, stride=2, padding=3, dilation=2, groups=2)",
          {{2, 4, 9}, {6, 2, 3}, {6}}, [](const auto& x) {
            return std::vector{
                conv1d(x[0], x[1], x[2], {.stride = 2, .padding = 3, .dilation = 2, .groups = 2})};
          });
    s.again({{0, 4, 9}, {6, 2, 3}, {6}});
    s.add("torch.nn.functional.conv1d(a, b, c)", {{1, 2, 4}, {1, 2, 2}, {1}},
          [](const auto& x) { return std::vector{conv1d(x[0], x[1], x[2])}; });
  }
};

}  // namespace

namespace {
Tensor convolved(const char* op, int dims, const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const Conv2dOptions& o) {
  detail::require_defined(op, x, weight);
  const bool fits = weight.ndim() == dims;
  check_operands(op, dims, x, weight, bias, o.groups, fits ? weight.shape()[1] * o.groups : 0,
                 fits ? weight.shape()[0] : 0);
  const Extent2d kernel{dims == 3 ? 1 : weight.shape()[2], weight.shape().back()};
  const kernels::Window window = detail::window_on(op, x.shape(), kernel, o.stride, o.padding, o.dilation);
  const Conv2d conv{{x.shape()[0], x.shape()[1], weight.shape()[0], o.groups, window}};
  if (dims == 4) return apply(conv, x, weight, bias);
  return detail::composed(
      op, [&] { return squeeze(apply(conv, unsqueeze(x, 2), unsqueeze(weight, 2), bias), 2); });
}
}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options) {
  return convolved("conv2d", 4, x, weight, bias, options);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& o) {
  detail::require_defined("conv_transpose2d", x, weight);
  const int64_t channels = weight.ndim() == 4 ? weight.shape()[1] * o.groups : 0;
  check_operands("conv_transpose2d", 4, x, weight, bias, o.groups, weight.ndim() == 4 ? weight.shape()[0] : 0,
                 channels);
  Shape image{x.shape()[0], channels, 0, 0};
  const auto stride = detail::pair(o.stride), padding = detail::pair(o.padding),
             dilation = detail::pair(o.dilation);
  for (int i = 0; i < 2; ++i) {
    const auto k = static_cast<size_t>(i);
    image[2 + i] =
        (x.shape()[2 + i] - 1) * stride[k] - 2 * padding[k] + dilation[k] * (weight.shape()[2 + i] - 1) + 1;
  }
  const kernels::Window window = detail::window_on(
      "conv_transpose2d", image, {weight.shape()[2], weight.shape()[3]}, o.stride, o.padding, o.dilation);
  const Tensor y = input_gradient({x.shape()[0], channels, weight.shape()[0], o.groups, window}, x, weight);
  return bias.defined() ? y + reshape(bias, {channels, 1, 1}) : y;
}

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv1dOptions& o) {
  return convolved(
      "conv1d", 3, x, weight, bias,
      {.stride = {1, o.stride}, .padding = {0, o.padding}, .dilation = {1, o.dilation}, .groups = o.groups});
}

DEFINE_OP(conv2d, Conv2d)
DEFINE_OP(conv_transpose2d, InputGradient)
DEFINE_OP(conv1d, Conv1d)

}  // namespace heed
