// f32 pooling and batch normalisation in oneDNN, on row-major tensors as they are.
#include <array>

#include "framework/core/parallel.h"
#include "framework/kernels/onednn/task.h"
#include "framework/kernels/spatial.h"

namespace heed::kernels {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using onednn::plain;
using onednn::PoolingBackward;
using onednn::PoolingForward;
using onednn::Task;

memory::dims dims(const std::array<int64_t, 2>& pair) { return {pair[0], pair[1]}; }

struct Pooling {
  memory::desc x, y;
  memory::dims stride, kernel, dilation{0, 0}, before, after;
  explicit Pooling(const PoolSizes& s)
      : x(plain({s.images, 1, s.window.in[0], s.window.in[1]})),
        y(plain({s.images, 1, s.window.out[0], s.window.out[1]})),
        stride(dims(s.window.stride)),
        kernel(dims(s.window.kernel)),
        before(dims(s.window.padding)) {
    const Window& w = s.window;
    for (size_t i = 0; i < 2; ++i) after.push_back((w.out[i] - 1) * w.stride[i] + w.kernel[i] - w.in[i] - w.padding[i]);
  }
  PoolingForward::primitive_desc forward(algorithm kind, bool training) const {
    const auto prop = training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    return onednn::descriptor<PoolingForward>(prop, kind, x, y, stride, kernel, dilation, before, after);
  }
  PoolingBackward::primitive_desc backward(algorithm kind) const {
    return onednn::backward_descriptor<PoolingBackward>(forward(kind, true), kind, x, y, stride, kernel, dilation, before, after);
  }
};

// The kept primitive of these sizes; make(task) fills a new one.
template <int kUse, class Make>
Task& kept(const PoolSizes& s, int64_t variant, const Make& make) {
  const heed::detail::ProductThreads alone;
  thread_local std::map<std::array<int64_t, 13>, Task> tasks;
  const Window& v = s.window;
  const std::array<int64_t, 13> key{s.images,    v.in[0],     v.in[1],      v.out[0],     v.out[1], v.kernel[0],  v.kernel[1],
                                    v.stride[0], v.stride[1], v.padding[0], v.padding[1], variant,  num_threads()};
  if (!tasks.contains(key)) onednn::bound(tasks);
  Task& task = tasks[key];
  if (!task) make(task);
  return task;
}

algorithm average(bool count_padding) {
  return count_padding ? algorithm::pooling_avg_include_padding : algorithm::pooling_avg_exclude_padding;
}

}  // namespace

size_t max_pool2d_workspace(const PoolSizes& s) { return Pooling(s).forward(algorithm::pooling_max, true).workspace_desc().get_size(); }

void max_pool2d(const PoolSizes& s, const float* x, float* y, void* workspace) {
  Task& task = kept<0>(s, workspace != nullptr, [&](Task& made) {
    const Pooling p(s);
    const auto pd = p.forward(algorithm::pooling_max, workspace != nullptr);
    made.set(PoolingForward(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_SRC, p.x, p.x);
    made.output(DNNL_ARG_DST, p.y, p.y);
    if (workspace) made.output(DNNL_ARG_WORKSPACE, pd.workspace_desc(), pd.workspace_desc());
  });
  if (workspace) {
    task.run({x, y, workspace});
  } else {
    task.run({x, y});
  }
}

void max_pool2d_backward(const PoolSizes& s, const float* g, const void* workspace, float* dx) {
  kept<1>(s, 0, [&](Task& made) {
    const Pooling p(s);
    const auto pd = p.backward(algorithm::pooling_max);
    made.set(PoolingBackward(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_DIFF_DST, p.y, p.y);
    made.input(DNNL_ARG_WORKSPACE, pd.workspace_desc(), pd.workspace_desc());
    made.output(DNNL_ARG_DIFF_SRC, p.x, p.x);
  }).run({g, workspace, dx});
}

template <>
void avg_pool2d(const PoolSizes& s, bool count_padding, const float* x, float* y) {
  kept<2>(s, count_padding, [&](Task& made) {
    const Pooling p(s);
    const auto pd = p.forward(average(count_padding), false);
    made.set(PoolingForward(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_SRC, p.x, p.x);
    made.output(DNNL_ARG_DST, p.y, p.y);
  }).run({x, y});
}

template <>
void avg_pool2d_backward(const PoolSizes& s, bool count_padding, const float* g, float* dx) {
  kept<3>(s, count_padding, [&](Task& made) {
    const Pooling p(s);
    const auto pd = p.backward(average(count_padding));
    made.set(PoolingBackward(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_DIFF_DST, p.y, p.y);
    made.output(DNNL_ARG_DIFF_SRC, p.x, p.x);
  }).run({g, dx});
}

namespace {
template <int kUse, class Make>
Task& kept(const BatchNormSizes& s, const Make& make) {
  const heed::detail::ProductThreads alone;
  thread_local std::map<std::tuple<int64_t, int64_t, int64_t, double, int>, Task> tasks;
  const auto key = std::tuple(s.batch, s.channels, s.n, s.eps, num_threads());
  if (!tasks.contains(key)) onednn::bound(tasks);
  Task& task = tasks[key];
  if (!task) make(task);
  return task;
}
}  // namespace

template <>
void batch_norm(const BatchNormSizes& s, const float* x, const float* gain, const float* bias, float* y, float* mean, float* variance) {
  kept<0>(s, [&](Task& made) {
    const memory::desc image = plain({s.batch, s.channels, s.n, 1}), channel = plain({s.channels});
    const auto pd = onednn::batch_norm_descriptor(image, static_cast<float>(s.eps));
    made.set(dnnl::batch_normalization_forward(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_SRC, image, image);
    made.input(DNNL_ARG_SCALE, channel, channel);
    made.input(DNNL_ARG_SHIFT, channel, channel);
    made.output(DNNL_ARG_DST, image, image);
    made.output(DNNL_ARG_MEAN, channel, channel);
    made.output(DNNL_ARG_VARIANCE, channel, channel);
  }).run({x, gain, bias, y, mean, variance});
}

template <>
void batch_norm_backward(const BatchNormSizes& s, const float* g, const float* x, const float* gain, const float* mean,
                         const float* variance, float* dx, float* dgain, float* dbias) {
  kept<1>(s, [&](Task& made) {
    const memory::desc image = plain({s.batch, s.channels, s.n, 1}), channel = plain({s.channels});
    const auto pd = onednn::batch_norm_backward_descriptor(image, static_cast<float>(s.eps));
    made.set(dnnl::batch_normalization_backward(pd), pd.scratchpad_desc());
    made.input(DNNL_ARG_DIFF_DST, image, image);
    made.input(DNNL_ARG_SRC, image, image);
    made.input(DNNL_ARG_SCALE, channel, channel);
    made.input(DNNL_ARG_MEAN, channel, channel);
    made.input(DNNL_ARG_VARIANCE, channel, channel);
    made.output(DNNL_ARG_DIFF_SRC, image, image);
    made.output(DNNL_ARG_DIFF_SCALE, channel, channel);
    made.output(DNNL_ARG_DIFF_SHIFT, channel, channel);
    if (onednn::kBatchNormBackwardTakesShift) made.input(DNNL_ARG_SHIFT, channel, channel);
  }).run({g, x, gain, mean, variance, dx, dgain, dbias, gain});  // a shift is not read, any will do
}

}  // namespace heed::kernels
