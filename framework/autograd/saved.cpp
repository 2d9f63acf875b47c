#include "framework/autograd/saved.h"

#include <fmt/format.h>

#include <cstdint>

#include "framework/autograd/grad_mode.h"
#include "framework/autograd/node.h"
#include "framework/core/error.h"

namespace heed {

// The edge along which x came, if its op computes it again; else -1. What was written to since is kept.
int Saved::edge_that_recomputes(const Tensor& x) const {
  constexpr int64_t kLeast = 4096;  // elements that are worth it
  const Node* const source = x.body()->grad_node.get();
  if (!source || !source->recomputes() || source->released || x.numel() < kLeast ||
      x.body()->storage->version != 0)
    return -1;
  for (int i = 0; i < std::min<int>(node_->edge_count(), INT8_MAX); ++i) {
    const Edge& edge = node_->edge(i);
    if (edge.node.get() == source && edge.output == x.body()->grad_output) return i;
  }
  return -1;
}

void Saved::keep(const Tensor& x, int output) {
  if (!node_) return;
  if (count_ >= capacity_) {
    throw GradError(node_->name(),
                    fmt::format("keeps more than {} tensors for backward: say so with kSaved", capacity_));
  }
  SavedTensor& slot = slots_[count_++];
  slot.output = static_cast<int8_t>(output);
  if (!x.defined()) return;
  if (output < 0) slot.edge = static_cast<int8_t>(edge_that_recomputes(x));
  if (slot.edge >= 0) return;
  slot.value = output < 0 ? x : x.detach();
  slot.version = x.body()->storage->version;
}

Tensor Saved::operator[](int i) const {
  if (i < 0 || i >= count_)
    throw GradError("backward",
                    fmt::format("the vjp of '{}' reads saved {} of {}", node_->name(), i, count_));
  const SavedTensor& slot = slots_[i];
  if (node_->released) {
    throw GradError(
        "backward",
        fmt::format("the graph of '{}' was freed by an earlier backward; pass retain_graph", node_->name()));
  }
  if (slot.edge >= 0) {
    const Edge& from = node_->edge(slot.edge);
    Tensor x = from.node->recomputed().detach();
    if (GradMode::enabled()) {
      x.body()->grad_node = from.node;
      x.body()->grad_output = from.output;
    }
    return x;
  }
  if (!slot.value.defined()) return {};
  const uint32_t version = slot.value.body()->storage->version;
  if (version != slot.version) {
    throw GradError(
        "backward",
        fmt::format("saved {} {} of '{}' was changed in place (version {}, expected {})",
                    slot.output < 0 ? "input" : "output", i, node_->name(), version, slot.version));
  }
  if (slot.output < 0 || !GradMode::enabled()) return slot.value;
  Tensor y = slot.value.detach();  // attached to this node again, so that it can be differentiated
  y.body()->grad_node = IntrusivePtr<Node>(node_);
  y.body()->grad_output = slot.output;
  return y;
}

Tensor Saved::take(int i) const {
  Tensor value = (*this)[i];
  if (!value.defined()) return value;
  Tensor& slot = slots_[i].value;
  const bool here = slot.defined() && slot.body() == value.body();
  if (!node_->last || !here) return value.clone();
  slot = Tensor{};
  if (value.body()->refs == 1 && value.body()->storage.unique()) {
    node_->released = true;  // should vjp fail from here on, its values are gone
    return value;
  }
  slot = value;
  return value.clone();
}

void Saved::release() {
  for (int i = 0; i < count_; ++i) slots_[i].value = Tensor{};
}

}  // namespace heed
