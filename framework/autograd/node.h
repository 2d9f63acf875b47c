// Node: one recorded op. Nodes form the autograd graph: each points to the nodes that produced its inputs.
//
// Recording an op takes one allocation (OpNode in ops/apply.h embeds the op's parameters, its edges and its
// saved tensors). A node's sequence number is larger than those of the nodes it points to. While the engine
// runs, the gradients that have arrived for a node's outputs are stored in the node itself, so the engine
// needs no table.
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
  std::atomic<int32_t> refs{0};  // number of owners
  bool queued = false;           // whether the node is on the engine's list of nodes to run
  bool released = false;         // whether a backward without retain_graph has dropped the saved values
  bool last = false;             // whether the backward that runs it is one without retain_graph
  /// Whether a BackwardHook existed when the op was recorded, so that its computed() must be called.
  bool watched = false;
  bool autocast;  // whether autocast was on when the op was recorded; its vjp then runs under autocast too
  uint64_t sequence;             // the engine runs nodes by falling sequence number
  Tensor* cotangents = nullptr;  // one for each output, while the engine runs
  /// Hooks on the op's results, or on the leaf (tensor_hooks.h); owned by this node.
  TensorHooks* hooks = nullptr;

  /// Gives the node a sequence number that is larger than those of all earlier nodes of the calling thread
  /// and larger than `after`, so that backward, which runs nodes by falling number, runs this node before
  /// those it depends on.
  /// @param bytes size of the derived object, for freeing it
  /// @param after the largest sequence number among the nodes that produced the op's inputs
  Node(uint32_t bytes, uint64_t after);
  virtual ~Node() {
    if (hooks) [[unlikely]]
      drop_hooks();
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// @return the op's name, for messages
  virtual const char* name() const = 0;
  /// @return the number of tensors that the op returned
  int output_count() const { return output_count_; }
  /// @return the number of the op's inputs
  int edge_count() const { return edge_count_; }
  /// @param i index of the input
  /// @return the node, and its output, that receive the gradient of this input
  Edge& edge(int i) { return edges_[i]; }
  /// @return the tensors kept for backward, in the order in which forward kept them
  virtual std::span<const SavedTensor> kept() const { return {}; }
  /// Runs the op's vjp. Reads `cotangents`, some of which may be undefined.
  /// @param grads receives the gradients of the inputs
  virtual void backward(Grads& grads) = 0;
  /// @return whether the op's result need not be kept by those that read it, because recomputed() gives it
  virtual bool recomputes() const { return false; }
  /// Computes the op's result again from what the op keeps, to the same bits.
  /// @return the result, outside the graph; computed once for all who ask until this node's own backward
  /// @throws GradError when what the op keeps was changed in place, or when the graph was freed
  virtual Tensor recomputed() { return {}; }
  /// Drops the tensors saved for backward.
  virtual void release_saved() = 0;

  /// Destroys a node and those that only it owned; iterative, so that a chain of a million nodes does not
  /// overflow the stack.
  /// @param node a node whose last owner is gone
  static void destroy(Node* node) noexcept;
  /// Removes all hooks of this node's tensors.
  void drop_hooks() noexcept;

 protected:
  /// Tag that selects the constructor for a leaf's node.
  struct Leaf {};
  /// The node of a leaf. Its sequence number is 0, so backward runs it after every op.
  /// @param bytes size of the derived object, for freeing it
  /// @param leaf selects this constructor
  Node(uint32_t bytes, [[maybe_unused]] Leaf leaf) : autocast(false), sequence(0), bytes_(bytes) {}
  /// @param edges,count array in the derived object and its length
  void set_edges(Edge* edges, size_t count) {
    edges_ = edges;
    edge_count_ = static_cast<int32_t>(count);
  }
  /// @param slots,count array in the derived object and its length
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
// Reports that a vjp returned a gradient g for input i whose shape or dtype differs from the input's.
[[noreturn]] void throw_other_gradient(const Node& node, int i, const Tensor& g, const Shape& shape,
                                       DType dtype);
// Calls computed() of all BackwardHooks with the inputs and outputs of a watched node's forward.
void show_computed(const Node& node, std::span<const Tensor> inputs, std::span<const Tensor> outputs);

inline uint64_t sequence_of(const Tensor& x) {
  return x.defined() && x.body()->grad_node ? x.body()->grad_node->sequence : 0;
}
}  // namespace detail

/// The edge along which the gradient of x is propagated. Creates the LeafNode of a leaf on first use.
/// @param x any tensor, or an undefined one
/// @return the node that produced x (or accumulates its gradient) and which of its outputs x is; empty when x
///   does not require a gradient
inline Edge gradient_edge(const Tensor& x) {
  if (!x.defined()) return {};
  TensorBody* const body = x.body();
  if (body->grad_node || !body->wants_grad) return {body->grad_node, body->grad_output};
  return detail::leaf_edge(body);
}

/// Accumulates the gradient of a leaf. It does not own the leaf's body: if the leaf is destroyed first, its
/// gradient is dropped.
struct LeafNode final : Node {
  /// @param leaf the tensor whose gradient is accumulated
  explicit LeafNode(TensorBody* leaf) : Node(sizeof(LeafNode), Leaf{}), body(leaf) {
    set_outputs(&arrived, 1);
  }
  const char* name() const override { return "leaf"; }
  void backward(Grads&) override { take(arrived); }
  void release_saved() override {}
  /// Adds a cotangent to the leaf's gradient; several threads may do so.
  /// @param cotangent of the leaf's shape; may become the gradient itself
  void take(Tensor& cotangent);
  TensorBody* body;         // the leaf, not owned; null once the leaf is destroyed
  Tensor arrived;           // the leaf's cotangent, while the engine runs
  std::atomic_flag adding;  // while a thread adds to the gradient
};

}  // namespace heed
