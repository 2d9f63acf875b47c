// Node: one recorded op. A graph is nodes that point at the nodes that made their inputs.
//
// A node is allocated once per op (OpNode in ops/apply.h embeds the op's parameters, its edges and what it saved), carries a sequence
// number that is larger than those of the nodes it points at, and has one virtual `backward`. While the engine runs, the gradients that
// have arrived for its outputs lie in the node itself, so that the engine needs no table.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>

#include "framework/autograd/saved.h"
#include "framework/core/autocast.h"
#include "framework/core/tensor.h"

namespace heed {

class Grads;

struct TensorHooks;

/// One recorded op.
struct Node {
  std::atomic<int32_t> refs{0};  // owners
  bool queued = false;           // the engine has it on its list
  bool released = false;         // saved values were dropped by a backward without retain_graph
  bool watched = false;          // a BackwardHook lived when it was made, and wants to see what forward computed
  bool autocast;                 // was on when it was made, so that its vjp runs under it
  uint64_t sequence;             // the engine runs nodes by falling sequence number
  Tensor* cotangents = nullptr;  // of each output, while the engine runs
  TensorHooks* hooks = nullptr;  // of the tensors that it made, or of the leaf; owned (tensor_hooks.h)

  /// Younger than all that this thread has made.
  /// @param bytes of the whole object
  /// @param after a number that it is younger than as well
  Node(uint32_t bytes, uint64_t after);
  virtual ~Node() {
    if (hooks) [[unlikely]]
      drop_hooks();
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// @return the op's name, for messages
  virtual const char* name() const = 0;
  /// @return how many tensors the op made
  int output_count() const { return output_count_; }
  /// @return how many inputs it has
  int edge_count() const { return edge_count_; }
  /// @param i number of the input
  /// @return where its gradient goes
  Edge& edge(int i) { return edges_[i]; }
  /// @return what it keeps for backward, in its order
  virtual std::span<const SavedTensor> kept() const { return {}; }
  /// The vjp: reads `cotangents`, some of which may be undefined.
  /// @param grads what the results are added to
  virtual void backward(Grads& grads) = 0;
  /// Drops what was saved for backward.
  virtual void release_saved() = 0;

  /// Iterative: a chain of a million nodes is taken apart without recursion.
  /// @param node that has no owner any more
  static void destroy(Node* node) noexcept;
  /// Takes the hooks off its tensors.
  void drop_hooks() noexcept;

 protected:
  /// Says that a node is a leaf's.
  struct Leaf {};
  /// A leaf's, which runs after every op.
  /// @param bytes of the whole object
  /// @param leaf tells it from the other
  Node(uint32_t bytes, [[maybe_unused]] Leaf leaf) : autocast(false), sequence(0), bytes_(bytes) {}
  /// @param edges,count of the derived object
  void set_edges(Edge* edges, size_t count) {
    edges_ = edges;
    edge_count_ = static_cast<int32_t>(count);
  }
  /// @param slots,count of the derived object
  void set_outputs(Tensor* slots, size_t count) {
    cotangents = slots;
    output_count_ = static_cast<int32_t>(count);
  }

 private:
  Edge* edges_ = nullptr;
  int32_t edge_count_ = 0, output_count_ = 0;
  uint32_t bytes_;
};

namespace detail {
Edge leaf_edge(TensorBody* leaf);
// A vjp gave input i a gradient g that is not like the input.
[[noreturn]] void throw_other_gradient(const Node& node, int i, const Tensor& g, const Shape& shape, DType dtype);
// Shows the BackwardHooks what a watched node's forward got and gave.
void show_computed(const Node& node, std::span<const Tensor> inputs, std::span<const Tensor> outputs);

inline uint64_t sequence_of(const Tensor& x) { return x.defined() && x.body()->grad_node ? x.body()->grad_node->sequence : 0; }
}  // namespace detail

/// Where a gradient goes; makes the collector of a leaf on first use.
/// @param x any tensor, or an undefined one
/// @return the node and which of its outputs x is; empty when x wants no gradient
inline Edge gradient_edge(const Tensor& x) {
  if (!x.defined()) return {};
  TensorBody* const body = x.body();
  if (body->grad_node || !body->wants_grad) return {body->grad_node, body->grad_output};
  return detail::leaf_edge(body);
}

/// Collects the gradient of a leaf. The body is not owned: a leaf that died wants no gradient.
struct LeafNode final : Node {
  /// @param leaf where gradients are collected
  explicit LeafNode(TensorBody* leaf) : Node(sizeof(LeafNode), Leaf{}), body(leaf) { set_outputs(&arrived, 1); }
  const char* name() const override { return "leaf"; }
  void backward(Grads& grads) override;
  void release_saved() override {}
  TensorBody* body;  // not owned; null once the leaf has died
  Tensor arrived;    // the cotangent, while the engine runs
};

}  // namespace heed
