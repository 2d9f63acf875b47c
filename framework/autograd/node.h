// Node: one recorded op. A graph is nodes that point at the nodes that made their inputs.
//
// A node is allocated once per op (OpNode in ops/apply.h embeds the op's parameters and what it saved), carries a sequence
// number that grows with every node of the process, and has one virtual `backward`. While the engine runs, the gradients that have
// arrived for its outputs lie in the node itself, so that the engine needs no table.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

class Grads;

constexpr int kMaxOutputs = 4;  // of one op

/// One recorded op.
struct Node {
  std::atomic<int32_t> refs{0};                // owners
  bool queued = false;                         // the engine has it on its list
  bool released = false;                       // saved values were dropped by a backward without retain_graph
  int outputs = 1;                             // how many tensors the op made
  uint64_t sequence;                           // the engine runs nodes by falling sequence number
  std::array<Tensor, kMaxOutputs> cotangents;  // while the engine runs

  Node();
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// @return the op's name, for messages
  virtual const char* name() const = 0;
  /// @return how many inputs it has
  virtual int edge_count() const = 0;
  /// @param i number of the input
  /// @return where its gradient goes
  virtual Edge& edge(int i) = 0;
  /// The vjp: reads `cotangents`, some of which may be undefined.
  /// @param grads what the results are added to
  virtual void backward(Grads& grads) = 0;
  /// Drops what was saved for backward.
  virtual void release_saved() = 0;
  /// @return the size of the whole object, for the pool
  virtual size_t allocated_bytes() const = 0;

  /// Iterative: a chain of a million nodes is taken apart without recursion.
  /// @param node that has no owner any more
  static void destroy(Node* node) noexcept;
};

/// Where a gradient goes; makes the collector of a leaf on first use.
/// @param x any tensor, or an undefined one
/// @return the node and which of its outputs x is; empty when x wants no gradient
Edge gradient_edge(const Tensor& x);

/// Collects the gradient of a leaf. The body is not owned: a leaf that died wants no gradient.
struct LeafNode final : Node {
  /// @param leaf where gradients are collected
  explicit LeafNode(TensorBody* leaf) : body(leaf) { sequence = 0; }  // after every op that may still add to it
  const char* name() const override { return "leaf"; }
  int edge_count() const override { return 0; }
  Edge& edge(int i) override;
  void backward(Grads& grads) override;
  void release_saved() override {}
  size_t allocated_bytes() const override { return sizeof(LeafNode); }
  TensorBody* body;  // not owned; null once the leaf has died
};

}  // namespace heed
