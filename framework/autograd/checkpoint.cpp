#include "framework/autograd/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "framework/autograd/engine.h"
#include "framework/autograd/grad_mode.h"
#include "framework/autograd/node.h"
#include "framework/core/error.h"
#include "framework/core/memory_pool.h"
#include "framework/core/random.h"
#include "framework/ops/random_rows.h"

namespace heed {
namespace {

using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

uint64_t youngest_of(const std::vector<Tensor>& inputs) {
  uint64_t after = 0;
  for (const Tensor& x : inputs) after = std::max(after, detail::sequence_of(x));
  return after;
}

struct CheckpointNode final : Node {
  CheckpointNode(Function function, const std::vector<Tensor>& inputs)
      : Node(sizeof(CheckpointNode), youngest_of(inputs)),
        f(std::move(function)),
        slots(inputs.size()),
        saved(this, slots.data(), static_cast<int>(slots.size()), 0),
        draws(default_generator().state()),
        rows(RandomRows::current()) {
    for (const Tensor& x : inputs) {
      edges.push_back(gradient_edge(x));
      saved.input(x);
    }
    set_edges(edges.data(), edges.size());
  }
  const char* name() const override { return "checkpoint"; }
  std::span<const SavedTensor> kept() const override { return slots; }
  void release_saved() override {
    saved.release();
    f = nullptr;
  }
  void set_output_count(size_t n) {
    arrived.resize(n);
    set_outputs(arrived.data(), n);
  }
  void backward(Grads& grads) override;

  Function f;
  std::vector<Edge> edges;
  std::vector<Tensor> arrived;
  std::vector<SavedTensor> slots;
  Saved saved;
  Generator::State draws;
  RandomRows::State rows;
};

void CheckpointNode::backward(Grads& grads) {
  if (released)
    throw GradError("backward",
                    "the graph of 'checkpoint' was freed by an earlier backward; pass retain_graph");
  std::vector<Tensor> inputs, again;
  for (int i = 0; i < saved.count(); ++i) inputs.push_back(saved[i]);
  {
    const GradModeScope recording(true);
    const GeneratorScope same_draws(draws);
    const RandomRows same_rows(rows);
    again = f(inputs);
  }
  if (again.size() != arrived.size()) {
    throw GradError("checkpoint", fmt::format("the function gave {} tensors when it ran again, {} before",
                                              again.size(), arrived.size()));
  }
  for (size_t i = 0; i < again.size(); ++i) {
    const Tensor& g = arrived[i];
    if (!g.defined()) continue;
    if (!again[i].defined() || again[i].shape() != g.shape() || again[i].dtype() != g.dtype()) {
      throw GradError("checkpoint", fmt::format("the function gave {} when it ran again, {} before",
                                                again[i].describe(), g.describe()));
    }
    grads.follow(again[i], g);
  }
}

}  // namespace

std::vector<Tensor> checkpoint(Function f, std::vector<Tensor> inputs) {
  if (!f) throw ValueError("checkpoint", "there is no function");
  if (!GradMode::enabled()) return f(inputs);
  auto* const node = new (pool_allocate(sizeof(CheckpointNode))) CheckpointNode(std::move(f), inputs);
  const IntrusivePtr<Node> handle = IntrusivePtr<Node>::adopt(node);
  std::vector<Tensor> results;
  {
    const NoGradGuard no_grad;
    results = node->f(inputs);
  }
  node->set_output_count(results.size());
  if (node->watched) detail::show_computed(*node, inputs, results);
  for (size_t i = 0; i < results.size(); ++i) {
    Tensor& y = results[i];
    if (!y.defined() || !is_floating(y.dtype())) continue;
    y = y.detach();  // f may return one of its inputs
    y.body()->grad_node = handle;
    y.body()->grad_output = static_cast<int32_t>(i);
  }
  return results;
}

Tensor checkpoint(std::function<Tensor(const Tensor&)> f, const Tensor& x) {
  if (!f) throw ValueError("checkpoint", "there is no function");
  return checkpoint(
      [f = std::move(f)](const std::vector<Tensor>& inputs) { return std::vector{f(inputs[0])}; },
      std::vector{x})[0];
}

CheckpointPolicy CheckpointPolicy::every(int64_t layers) {
  if (layers < 1)
    throw ValueError("CheckpointPolicy", fmt::format("a segment has at least one layer, got {}", layers));
  return {Kind::every, layers};
}
CheckpointPolicy CheckpointPolicy::square_root() { return {Kind::square_root, 0}; }
CheckpointPolicy CheckpointPolicy::budget(int64_t bytes) {
  if (bytes < 0) throw ValueError("CheckpointPolicy", fmt::format("a budget of {} bytes", bytes));
  return {Kind::budget, bytes};
}

int64_t CheckpointPolicy::segment(int64_t layers) const {
  if (kind_ == Kind::every) return amount_;
  if (kind_ == Kind::square_root)
    return std::max<int64_t>(1, std::llround(std::sqrt(static_cast<double>(layers))));
  return 0;
}

Tensor checkpoint_chain(std::span<const std::function<Tensor(const Tensor&)>> layers, Tensor x,
                        const CheckpointPolicy& policy) {
  for (const auto& layer : layers) {
    if (!layer) throw ValueError("checkpoint_chain", "there is no function");
  }
  if (!policy.recomputes() || !GradMode::enabled()) {
    for (const auto& layer : layers) x = layer(x);
    return x;
  }
  const auto count = static_cast<int64_t>(layers.size());
  if (const int64_t segment = policy.segment(count); segment > 0) {
    for (int64_t first = 0; first < count; first += segment) {
      const auto part =
          layers.subspan(static_cast<size_t>(first), static_cast<size_t>(std::min(segment, count - first)));
      x = checkpoint(
          [part = std::vector(part.begin(), part.end())](Tensor y) {
            for (const auto& layer : part) y = layer(y);
            return y;
          },
          x);
    }
    return x;
  }
  const int64_t start = memory_stats().active_bytes;
  int64_t used = 0, latest = 0;
  for (const auto& layer : layers) {
    if (policy.bytes() == 0 || used + latest > policy.bytes()) {
      x = checkpoint(layer, x);
      continue;
    }
    x = layer(x);
    const int64_t now = memory_stats().active_bytes - start;
    latest = now - used;
    used = now;
  }
  return x;
}

}  // namespace heed
