#include "framework/autograd/tensor_hooks.h"

#include <fmt/format.h>

#include <utility>

#include "framework/autograd/grad_mode.h"
#include "framework/autograd/node.h"
#include "framework/core/error.h"

namespace heed {
namespace {

TensorHooks& hooks_of(Node& node) {
  if (!node.hooks) node.hooks = IntrusivePtr<TensorHooks>::adopt(new TensorHooks).leave();
  return *node.hooks;
}

}  // namespace

void TensorHooks::clear() noexcept {
  // Objects owned by a hook may own tensors whose destruction calls back into this function; the lists are
  // empty by then.
  const auto first = std::exchange(gradient, {});
  const auto second = std::exchange(accumulation, {});
}

void HookHandle::remove() {
  if (!hooks_) return;
  std::erase_if(hooks_->gradient, [this](const auto& hook) { return hook.id == id_; });
  std::erase_if(hooks_->accumulation, [this](const auto& hook) { return hook.id == id_; });
  hooks_.reset();
}

HookHandle register_hook(const Tensor& x, std::function<Tensor(const Tensor&)> f) {
  if (!f) throw ValueError("register_hook", "the function is empty");
  const Edge edge = gradient_edge(x);
  if (!edge.node)
    throw GradError("register_hook", fmt::format("the tensor {} wants no gradient", x.describe()));
  TensorHooks& hooks = hooks_of(*edge.node);
  hooks.gradient.push_back({hooks.next_id, edge.output, std::move(f)});
  return {IntrusivePtr<TensorHooks>(&hooks), hooks.next_id++};
}

HookHandle register_accumulation_hook(const Tensor& leaf, std::function<void(const Tensor&)> f) {
  if (!f) throw ValueError("register_accumulation_hook", "the function is empty");
  if (!leaf.requires_grad() || !leaf.is_leaf()) {
    throw GradError("register_accumulation_hook",
                    fmt::format("the tensor {} is not a leaf that wants a gradient", leaf.describe()));
  }
  TensorHooks& hooks = hooks_of(*gradient_edge(leaf).node);
  hooks.accumulation.push_back({hooks.next_id, std::move(f)});
  return {IntrusivePtr<TensorHooks>(&hooks), hooks.next_id++};
}

void run_gradient_hooks(Node& node) {
  const auto hooks = node.hooks->gradient;  // a copy: a hook may remove itself
  for (const TensorHooks::Gradient& hook : hooks) {
    Tensor& g = node.cotangents[hook.output];
    if (!g.defined()) continue;
    Tensor changed = hook.f(g);
    if (!changed.defined()) continue;
    if (changed.shape() != g.shape() || changed.dtype() != g.dtype()) {
      throw ShapeError("hook", fmt::format("gave {} for the gradient {} of '{}'", changed.describe(),
                                           g.describe(), node.name()));
    }
    g = GradMode::enabled() || !changed.requires_grad() ? std::move(changed) : changed.detach();
  }
}

void run_accumulation_hooks(const Node& node, const Tensor& leaf) {
  const auto hooks = node.hooks->accumulation;
  for (const TensorHooks::Accumulation& hook : hooks) hook.f(leaf);
}

}  // namespace heed
