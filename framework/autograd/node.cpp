#include "framework/autograd/node.h"

#include <fmt/format.h>

#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "framework/autograd/engine.h"
#include "framework/autograd/hooks.h"
#include "framework/autograd/tensor_hooks.h"
#include "framework/core/memory_pool.h"
#include "framework/ops/ops.h"

namespace heed {
namespace {

// Sequence numbers. Each thread takes them from a range of kStretch numbers that it reserves for itself. If a
// thread's next number is not above that of a node which the new node depends on (a graph begun by another
// thread), the thread reserves a new range, which is above all numbers reserved so far.
constexpr uint64_t kStretch = 1 << 12;
constinit std::atomic<uint64_t> next_stretch{1};
constinit thread_local uint64_t next_number = 0, last_number = 0;

// Destroying a node drops its edges, which may destroy the next node, and so on. To avoid recursion, such
// nodes wait in a linked list; the link is stored in the destroyed node's `sequence`.
constinit thread_local Node* waiting = nullptr;
constinit thread_local bool draining = false;

}  // namespace

Node::Node(uint32_t bytes, uint64_t after) : autocast(AutocastGuard::active()), bytes_(bytes) {
  if (next_number == last_number || next_number <= after) [[unlikely]] {
    next_number = next_stretch.fetch_add(kStretch, std::memory_order_relaxed);
    last_number = next_number + kStretch;
  }
  sequence = next_number++;
  if (BackwardHook* hook = BackwardHook::innermost(); hook) [[unlikely]] {
    watched = true;
    for (; hook; hook = hook->outer()) hook->made(*this);
  }
}

void detail::show_computed(const Node& node, std::span<const Tensor> inputs,
                           std::span<const Tensor> outputs) {
  for (BackwardHook* hook = BackwardHook::innermost(); hook; hook = hook->outer())
    hook->computed(node, inputs, outputs);
}

void detail::throw_other_gradient(const Node& node, int i, const Tensor& g, const Shape& shape, DType dtype) {
  throw ShapeError("backward", fmt::format("the vjp of '{}' gives {} for input {}, which is {}{}",
                                           node.name(), g.describe(), i, name_of(dtype), shape.str()));
}

void Node::drop_hooks() noexcept {
  if (!hooks) return;
  TensorHooks* const mine = std::exchange(hooks, nullptr);
  mine->clear();
  TensorHooks::release(mine);
}

void Node::destroy(Node* node) noexcept {
  node->sequence = reinterpret_cast<uintptr_t>(waiting);
  waiting = node;
  if (draining) return;
  draining = true;
  while (waiting) {
    Node* const next = waiting;
    waiting = reinterpret_cast<Node*>(static_cast<uintptr_t>(next->sequence));
    const size_t bytes = next->bytes_;
    next->~Node();
    pool_free(next, bytes);
  }
  draining = false;
}

Edge detail::leaf_edge(TensorBody* leaf) {
  static std::mutex making;  // several threads may read a parameter for the first time
  const std::lock_guard lock(making);
  if (!leaf->grad_node)
    leaf->grad_node = IntrusivePtr<Node>::adopt(new (pool_allocate(sizeof(LeafNode))) LeafNode(leaf));
  return {leaf->grad_node, 0};
}

void LeafNode::take(Tensor& cotangent) {
  if (!body || !cotangent.defined()) return;
  if (cotangent.shape() != body->shape || cotangent.dtype() != body->dtype) {
    throw ShapeError(
        "backward",
        fmt::format(
            "a gradient {} arrived at a leaf {}: some vjp gives another shape or dtype than its input's",
            cotangent.describe(), Tensor(IntrusivePtr<TensorBody>(body)).describe()));
  }
  {
    while (adding.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    struct Done {
      std::atomic_flag& flag;
      ~Done() { flag.clear(std::memory_order_release); }
    } done{adding};
    if (!body->grad.defined()) {
      // The first gradient is taken over unless something else can see it: add() hands one tensor to both its
      // inputs.
      body->grad =
          cotangent.shares_nothing() && cotangent.is_contiguous() ? std::move(cotangent) : cotangent.clone();
    } else {
      accumulate(body->grad, cotangent);
    }
  }
  if (hooks) [[unlikely]]
    run_accumulation_hooks(*this, Tensor(IntrusivePtr<TensorBody>(body)));
}

}  // namespace heed
