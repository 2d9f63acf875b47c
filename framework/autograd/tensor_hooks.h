// Hooks on one tensor: on its gradient while a backward runs, and on a leaf once its gradient has been collected.
//
//   const HookHandle clipped = register_hook(h, [](const Tensor& g) { return clamp(g, -1, 1); });
//   register_accumulation_hook(w, [&](const Tensor& leaf) { step(leaf); leaf.zero_grad(); });
//
// They live in the node that the gradient goes to, which holds one pointer for them. Registering is not for two threads at once, nor for
// while another thread walks the graph. A hook must not own the tensor that it is on: neither would ever be freed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "framework/core/intrusive_ptr.h"
#include "framework/core/tensor.h"

namespace heed {

/// The hooks of one node, shared with the handles that remove them.
struct TensorHooks {
  /// One of register_hook.
  struct Gradient {
    uint64_t id;                             // for removal
    int output;                              // of the node
    std::function<Tensor(const Tensor&)> f;  // the hook
  };
  /// One of register_accumulation_hook.
  struct Accumulation {
    uint64_t id;                           // for removal
    std::function<void(const Tensor&)> f;  // the hook
  };
  std::atomic<int32_t> refs{0};            // owners
  uint64_t next_id = 1;                    // of the next hook
  std::vector<Gradient> gradient;          // in the order of registration
  std::vector<Accumulation> accumulation;  // in the order of registration

  /// Removes all.
  void clear() noexcept;
  /// For the node: gives its share up.
  /// @param hooks of the node
  static void release(TensorHooks* hooks) noexcept { IntrusivePtr<TensorHooks>::take(hooks); }
  /// For IntrusivePtr.
  /// @param hooks that have no owner any more
  static void destroy(TensorHooks* hooks) noexcept { delete hooks; }
};

/// Removes a hook. Dropping the handle leaves the hook where it is.
class HookHandle {
 public:
  HookHandle() = default;
  /// For register_hook.
  /// @param hooks,id the hook among its node's
  HookHandle(IntrusivePtr<TensorHooks> hooks, uint64_t id) : hooks_(std::move(hooks)), id_(id) {}
  /// Also from inside the hook; a second time does nothing.
  void remove();

 private:
  IntrusivePtr<TensorHooks> hooks_;
  uint64_t id_ = 0;
};

/// f is called with the whole gradient of `x` each time that a backward() or grad() goes through it, and gives what takes its place (same
/// shape and dtype, else ShapeError) or an undefined tensor, which leaves it as it is. Hooks of one tensor are called in the order of
/// registration. f must not write into its argument, which other gradients may share. With create_graph f is recorded. What f throws ends
/// the backward; the graph is as after any failed backward. The hook goes when the graph node does, or when a leaf dies or stops wanting a
/// gradient.
/// @param x a leaf or the result of an op
/// @param f called with the gradient; gives another one or an undefined tensor
/// @return what removes the hook
/// @throws GradError when x wants no gradient
HookHandle register_hook(const Tensor& x, std::function<Tensor(const Tensor&)> f);

/// f is called with the leaf after a backward() has added to leaf.grad(). Every vjp of the graph has run by then, so f may write to the
/// leaf under the grad mode that it finds (off): an optimiser's step. grad() collects nothing and calls none.
/// @param leaf that wants a gradient
/// @param f called with the leaf
/// @return what removes the hook
/// @throws GradError for another tensor
HookHandle register_accumulation_hook(const Tensor& leaf, std::function<void(const Tensor&)> f);

struct Node;
/// For the engine: replaces the node's cotangents by what the hooks give.
/// @param node whose vjp comes next
void run_gradient_hooks(Node& node);
/// For the engine.
/// @param node of the leaf
/// @param leaf whose gradient has been collected
void run_accumulation_hooks(const Node& node, const Tensor& leaf);

}  // namespace heed
