// Hooks on one tensor: on its gradient while backward runs, and on a leaf after its gradient has been
// accumulated.
//
//   const HookHandle clipped = register_hook(h, [](const Tensor& g) { return clamp(g, -1, 1); });
//   register_accumulation_hook(w, [&](const Tensor& leaf) { step(leaf); leaf.zero_grad(); });
//
// Hooks are stored in the node that receives the tensor's gradient. Registering is not thread-safe: neither
// two threads at once, nor while another thread runs backward on the graph. A hook must not own the tensor
// that it is registered on: the reference cycle would leak both.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "framework/core/intrusive_ptr.h"
#include "framework/core/tensor.h"

namespace heed {

/// The hooks of one node, shared with the HookHandles that remove them.
struct TensorHooks {
  /// A hook made by register_hook().
  struct Gradient {
    uint64_t id;                             // identifies the hook when it is removed
    int output;                              // which output of the node the hook is on
    std::function<Tensor(const Tensor&)> f;  // the function to call
  };
  /// A hook made by register_accumulation_hook().
  struct Accumulation {
    uint64_t id;                           // identifies the hook when it is removed
    std::function<void(const Tensor&)> f;  // the function to call
  };
  std::atomic<int32_t> refs{0};            // number of owners
  uint64_t next_id = 1;                    // id of the next hook to be registered
  std::vector<Gradient> gradient;          // in the order of registration
  std::vector<Accumulation> accumulation;  // in the order of registration

  /// Removes all hooks.
  void clear() noexcept;
  /// For the node: gives up its ownership.
  /// @param hooks the node's hooks
  static void release(TensorHooks* hooks) noexcept { IntrusivePtr<TensorHooks>::take(hooks); }
  /// For IntrusivePtr: destroys the hooks.
  /// @param hooks hooks whose last owner is gone
  static void destroy(TensorHooks* hooks) noexcept { delete hooks; }
};

/// Removes a registered hook on request. Destroying the handle does not remove the hook.
class HookHandle {
 public:
  HookHandle() = default;
  /// For register_hook.
  /// @param hooks,id the hooks of the node, and the id of this one
  HookHandle(IntrusivePtr<TensorHooks> hooks, uint64_t id) : hooks_(std::move(hooks)), id_(id) {}
  /// Removes the hook. May be called from inside the hook; a second call does nothing.
  void remove();

 private:
  IntrusivePtr<TensorHooks> hooks_;
  uint64_t id_ = 0;
};

/// Calls f with the complete gradient of `x` each time that a backward() or grad() passes through x. The
/// tensor that f returns replaces the gradient (ShapeError unless shape and dtype are equal); an undefined
/// tensor leaves it unchanged. Hooks of one tensor run in the order of registration. f must not write into
/// its argument, which other gradients may share. With create_graph the ops in f are recorded. An exception
/// thrown by f ends the backward and leaves the graph as after any failed backward. The hook is removed when
/// the graph node is destroyed, or when a leaf is destroyed or stops requiring a gradient.
/// @param x a leaf or the result of an op
/// @param f called with the gradient; returns its replacement or an undefined tensor
/// @return a handle that can remove the hook
/// @throws GradError when x does not require a gradient
HookHandle register_hook(const Tensor& x, std::function<Tensor(const Tensor&)> f);

/// Calls f with the leaf each time that a backward() has added to leaf.grad(). By then every vjp of the graph
/// has run, so f may change the leaf's values, as in an optimiser's step; grad mode is off while f runs.
/// grad() accumulates nothing and calls no such hook.
/// @param leaf a leaf that requires a gradient
/// @param f called with the leaf
/// @return a handle that can remove the hook
/// @throws GradError for any other tensor
HookHandle register_accumulation_hook(const Tensor& leaf, std::function<void(const Tensor&)> f);

struct Node;
/// For the engine: runs the gradient hooks of a node, replacing its cotangents by their results.
/// @param node the node whose vjp runs next
void run_gradient_hooks(Node& node);
/// For the engine: runs the accumulation hooks of a leaf.
/// @param node the leaf's node
/// @param leaf the leaf whose gradient has been accumulated
void run_accumulation_hooks(const Node& node, const Tensor& leaf);

}  // namespace heed
