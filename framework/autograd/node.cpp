#include "framework/autograd/node.h"

#include <vector>

#include "framework/autograd/engine.h"
#include "framework/autograd/hooks.h"
#include "framework/core/error.h"
#include "framework/core/memory_pool.h"
#include "framework/ops/ops.h"

namespace heed {
namespace {
std::atomic<uint64_t> next_sequence{1};
}

Node::Node() : sequence(next_sequence.fetch_add(1, std::memory_order_relaxed)) {
  for (BackwardHook* hook = BackwardHook::innermost(); hook; hook = hook->outer()) hook->made(*this);
}

void Node::destroy(Node* node) noexcept {
  // Destroying a node drops its edges, which may destroy the next node: those wait on a list instead of on the stack.
  thread_local std::vector<Node*> waiting;
  thread_local bool draining = false;
  waiting.push_back(node);
  if (draining) return;
  draining = true;
  while (!waiting.empty()) {
    Node* next = waiting.back();
    waiting.pop_back();
    const size_t bytes = next->allocated_bytes();
    next->~Node();
    pool_free(next, bytes);
  }
  draining = false;
}

Edge gradient_edge(const Tensor& x) {
  if (!x.defined()) return {};
  TensorBody* body = x.body();
  if (body->wants_grad) {
    if (!body->grad_node) body->grad_node = IntrusivePtr<Node>(new (pool_allocate(sizeof(LeafNode))) LeafNode(body));
    return {body->grad_node, 0};
  }
  return {body->grad_node, body->grad_output};
}

Edge& LeafNode::edge(int) {
  static Edge none;
  HEED_ASSERT(!"a leaf has no edges");
  return none;
}

void LeafNode::backward(Grads&) {
  Tensor& arrived = cotangents[0];
  if (!body || !arrived.defined()) return;
  if (!body->grad.defined()) {
    // The first gradient is taken over unless something else can see it: add() hands one tensor to both its inputs.
    body->grad = arrived.shares_nothing() && arrived.is_contiguous() ? std::move(arrived) : arrived.clone();
  } else {
    accumulate(body->grad, arrived);
  }
}

}  // namespace heed
