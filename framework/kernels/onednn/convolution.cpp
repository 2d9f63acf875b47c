// f32 convolutions in oneDNN, which picks the layouts; groups are a leading dimension of the weights there.
// Under autocast what is multiplied is rounded to bf16 on its way into those layouts, and sums and results
// are f32.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "framework/core/autocast.h"
#include "framework/core/error.h"
#include "framework/core/parallel.h"
#include "framework/kernels/onednn/gemm.h"
#include "framework/kernels/onednn/task.h"
#include "framework/kernels/spatial.h"

namespace heed::kernels {
namespace {

using dnnl::memory;
using onednn::plain;
using onednn::Task;

memory::desc any(const memory::dims& dims, bool bf16 = false) {
  return {dims, bf16 ? memory::data_type::bf16 : memory::data_type::f32, memory::format_tag::any};
}
memory::dims dims(const std::array<int64_t, 2>& pair) { return {pair[0], pair[1]}; }

struct Layouts {
  memory::dims x, w, bias, y, stride, dilation, before, after;
  explicit Layouts(const ConvSizes& s)
      : x{s.batch, s.in_channels, s.window.in[0], s.window.in[1]},
        w{s.out_channels, s.in_channels, s.window.kernel[0], s.window.kernel[1]},
        bias{s.out_channels},
        y{s.batch, s.out_channels, s.window.out[0], s.window.out[1]},
        stride(dims(s.window.stride)),
        before(dims(s.window.padding)) {
    if (s.groups > 1)
      w = {s.groups, s.out_channels / s.groups, s.in_channels / s.groups, s.window.kernel[0],
           s.window.kernel[1]};
    for (size_t i = 0; i < 2; ++i) {
      const Window& v = s.window;
      dilation.push_back(v.dilation[i] - 1);  // oneDNN counts the gaps
      after.push_back((v.out[i] - 1) * v.stride[i] + (v.kernel[i] - 1) * v.dilation[i] + 1 - v.in[i] -
                      v.padding[i]);
    }
  }
  dnnl::convolution_forward::primitive_desc forward(bool with_bias, bool bf16) const {
    return onednn::descriptor<dnnl::convolution_forward>(
        dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, any(x, bf16), any(w, bf16),
        with_bias ? any(bias) : memory::desc(), any(y), stride, dilation, before, after);
  }
};

// Rounding reads and writes everything once more: it pays where a value is multiplied many times, forward
// from some 30, backward, where oneDNN reorders more, from 80.
bool wants_bf16(const ConvSizes& s, bool backward) {
  if (!heed::detail::RoundedProducts::active() || !onednn::has_bf16()) return false;
  if (heed::detail::round_every_size) return true;
  const Window& v = s.window;
  const int64_t kernel = v.kernel[0] * v.kernel[1], out = v.out[0] * v.out[1],
                depth = s.in_channels / s.groups * kernel;
  const int64_t values =
      s.batch * s.in_channels * v.in[0] * v.in[1] + s.out_channels * depth + s.batch * s.out_channels * out;
  return depth >= 32 && s.out_channels / s.groups >= 16 &&
         s.batch * out * s.out_channels * depth >= (backward ? 80 : 30) * values;
}

// The kept primitive of these sizes; make(task, bf16) fills a new one.
template <int kUse, class Make>
Task& kept(const ConvSizes& s, bool with_bias, const Make& make) {
  const heed::detail::ProductThreads alone;
  thread_local std::map<std::array<int64_t, 19>, Task> tasks;
  const Window& v = s.window;
  const bool bf16 = wants_bf16(s, kUse != 0);
  const std::array<int64_t, 19> key{s.batch,       s.in_channels, s.out_channels, s.groups,     v.in[0],
                                    v.in[1],       v.out[0],      v.out[1],       v.kernel[0],  v.kernel[1],
                                    v.stride[0],   v.stride[1],   v.padding[0],   v.padding[1], v.dilation[0],
                                    v.dilation[1], with_bias,     bf16,           num_threads()};
  if (!tasks.contains(key)) onednn::bound(tasks);
  Task& task = tasks[key];
  if (!task) {
    try {
      make(task, bf16);
    } catch (const dnnl::error& e) {
      throw Error("conv2d", fmt::format("oneDNN has no kernel: {}", e.what()));
    }
  }
  return task;
}

}  // namespace

template <>
void conv2d(const ConvSizes& s, const float* x, const float* w, const float* bias, float* y) {
  Task& task = kept<0>(s, bias != nullptr, [&](Task& made, bool bf16) {
    const Layouts l(s);
    const auto pd = l.forward(bias != nullptr, bf16);
    made.set(dnnl::convolution_forward(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_SRC, plain(l.x), pd.src_desc());
    made.input(DNNL_ARG_WEIGHTS, plain(l.w), pd.weights_desc());
    made.output(DNNL_ARG_DST, plain(l.y), pd.dst_desc());
    if (bias) made.input(DNNL_ARG_BIAS, plain(l.bias), pd.bias_desc());
  });
  if (bias) {
    task.run({x, w, y, bias});
  } else {
    task.run({x, w, y});
  }
}

template <>
void conv2d_input_gradient(const ConvSizes& s, const float* g, const float* w, float* dx) {
  kept<1>(s, false, [&](Task& made, bool bf16) {
    const Layouts l(s);
    const auto pd = onednn::backward_descriptor<dnnl::convolution_backward_data>(
        l.forward(false, bf16), dnnl::algorithm::convolution_direct, any(l.x), any(l.w, bf16), any(l.y, bf16),
        l.stride, l.dilation, l.before, l.after);
    made.set(dnnl::convolution_backward_data(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_DIFF_DST, plain(l.y), pd.diff_dst_desc());
    made.input(DNNL_ARG_WEIGHTS, plain(l.w), pd.weights_desc());
    made.output(DNNL_ARG_DIFF_SRC, plain(l.x), pd.diff_src_desc());
  }).run({g, w, dx});
}

namespace {

void weight_gradient_share(const ConvSizes& s, const float* g, const float* x, float* dw) {
  kept<2>(s, false, [&](Task& made, bool bf16) {
    const Layouts l(s);
    const auto pd = onednn::backward_descriptor<dnnl::convolution_backward_weights>(
        l.forward(false, bf16), dnnl::algorithm::convolution_direct, any(l.x, bf16), any(l.w), any(l.y, bf16),
        l.stride, l.dilation, l.before, l.after);
    made.set(dnnl::convolution_backward_weights(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_DIFF_DST, plain(l.y), pd.diff_dst_desc());
    made.input(DNNL_ARG_SRC, plain(l.x), pd.src_desc());
    made.output(DNNL_ARG_DIFF_WEIGHTS, plain(l.w), pd.diff_weights_desc());
  }).run({g, x, dw});
}

// oneDNN keeps sums over all outputs in f32, which drift. Of more than kManyOutputs the gradient is summed in
// double over shares of kShare.
constexpr int64_t kManyOutputs = int64_t{1} << 16, kShare = 256;

// Calls f(sizes, g, x) for the outputs [begin, end) of one image along `dim`, which are copied with the
// pixels they see.
template <class F>
void part_of_image(const ConvSizes& s, size_t dim, int64_t begin, int64_t end, const float* g, const float* x,
                   const F& f) {
  const Window& v = s.window;
  const int64_t reach = (v.kernel[dim] - 1) * v.dilation[dim] + 1;
  const int64_t first = begin * v.stride[dim] - v.padding[dim],
                length = (end - begin - 1) * v.stride[dim] + reach;
  ConvSizes part = s;
  part.batch = 1;
  part.window.in[dim] = length;
  part.window.out[dim] = end - begin;
  part.window.padding[dim] = 0;
  // Both as [channels, above, dim, below].
  const auto copy = [dim](int64_t channels, const std::array<int64_t, 2>& size, int64_t from, int64_t count,
                          const float* all) {
    const int64_t above = channels * (dim == 1 ? size[0] : 1), below = dim == 1 ? 1 : size[1];
    std::vector<float> some(static_cast<size_t>(above * count * below), 0.0F);
    const int64_t low = std::max<int64_t>(from, 0), high = std::min(from + count, size[dim]);
    for (int64_t a = 0; a < above && low < high; ++a) {
      std::copy_n(all + (a * size[dim] + low) * below, (high - low) * below,
                  some.data() + (a * count + low - from) * below);
    }
    return some;
  };
  f(part, copy(s.out_channels, v.out, begin, end - begin, g).data(),
    copy(s.in_channels, v.in, first, length, x).data());
}

}  // namespace

template <>
void conv2d_weight_gradient(const ConvSizes& s, const float* g, const float* x, float* dw) {
  const Window& v = s.window;
  if (s.groups > 1 && s.in_channels == s.groups && v.stride == std::array<int64_t, 2>{1, 1} &&
      !wants_bf16(s, true)) {
    return depthwise_weight_gradient(s, g, x, dw);
  }
  const int64_t each = v.out[0] * v.out[1], each_in = v.in[0] * v.in[1];
  if (s.batch * each <= kManyOutputs) return weight_gradient_share(s, g, x, dw);
  const auto weights =
      static_cast<size_t>(s.out_channels * (s.in_channels / s.groups) * v.kernel[0] * v.kernel[1]);
  std::vector<float> share(weights);
  std::vector<double> total(weights, 0.0);
  const auto add = [&](const ConvSizes& some, const float* their_g, const float* their_x) {
    weight_gradient_share(some, their_g, their_x, share.data());
    for (size_t i = 0; i < weights; ++i) total[i] += static_cast<double>(share[i]);
  };
  if (each <= kShare) {
    const int64_t images = kShare / each;
    for (int64_t b = 0; b < s.batch; b += images) {
      ConvSizes some = s;
      some.batch = std::min(images, s.batch - b);
      add(some, g + b * s.out_channels * each, x + b * s.in_channels * each_in);
    }
  } else {
    const size_t dim = v.out[1] > v.out[0] ? 1 : 0;
    const int64_t step = std::max<int64_t>(1, kShare / v.out[1 - dim]);
    for (int64_t b = 0; b < s.batch; ++b) {
      for (int64_t o = 0; o < v.out[dim]; o += step) {
        part_of_image(s, dim, o, std::min(o + step, v.out[dim]), g + b * s.out_channels * each,
                      x + b * s.in_channels * each_in, add);
      }
    }
  }
  std::transform(total.begin(), total.end(), dw, [](double sum) { return static_cast<float>(sum); });
}

}  // namespace heed::kernels
