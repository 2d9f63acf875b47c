// The tensors that an op keeps for its backward. Each remembers its storage's version number, so that
// backward detects when an in-place write has changed the values.
//
// An input that is cheap to compute again from what is kept anyway, as a layer norm's result is, is not kept:
// backward asks the op that made it (rematerialisation; Chen et al. 2016, Training Deep Nets with Sublinear
// Memory Cost, sec. 3).
#pragma once

#include <cstdint>

#include "framework/core/tensor.h"

namespace heed {

/// A tensor kept for backward.
struct SavedTensor {
  Tensor value;          // the tensor; undefined if the input was undefined or is computed again
  uint32_t version = 0;  // version of its storage when it was kept
  int8_t output = -1;    // which output of the node this is, or -1 for an input
  int8_t edge = -1;      // the edge to the node that computes this input again, or -1
};

/// The container of kept tensors: forward fills it, vjp reads it. An op keeps at most Op::kSaved tensors.
class Saved {
 public:
  Saved() = default;  // keeps nothing: used when the op is not recorded
  /// For apply().
  /// @param node the node that owns the slots
  /// @param slots,capacity array for the kept tensors and its length
  /// @param wanted bit i is set if input i requires a gradient
  Saved(Node* node, SavedTensor* slots, int capacity, uint32_t wanted)
      : node_(node), slots_(slots), wanted_(wanted), capacity_(static_cast<int16_t>(capacity)) {}

  /// Lets forward skip computing values that only backward reads.
  /// @return whether the op is being recorded, so that backward may run
  bool recording() const { return node_ != nullptr; }
  /// @param i index of the input, below 32
  /// @return whether this input requires a gradient
  bool wants(int i) const { return wanted_ >> i & 1; }

  /// Keeps an input for backward, or what it takes to compute it again.
  /// @param x one of the op's inputs; may be undefined
  void input(const Tensor& x) { keep(x, -1); }
  /// Keeps a result of this op for backward, without the ownership cycle that keeping the tensor itself would
  /// create.
  /// @param y one of the op's results
  /// @param index index of that result
  void output(const Tensor& y, int index = 0) { keep(y, index); }

  /// Returns a kept tensor.
  /// @param i index in the order in which forward kept them
  /// @return the tensor; undefined if an undefined tensor was kept
  /// @throws GradError when the tensor was changed in place after it was kept, or when the graph was freed
  Tensor operator[](int i) const;
  /// Returns a kept tensor for vjp to write into: the tensor itself where no other backward will want it and
  /// nothing else holds its memory, otherwise a copy. vjp must not ask for any other one after it.
  /// @param i as for operator[]
  /// @return a tensor that is the caller's own; undefined if an undefined one was kept
  /// @throws as operator[]
  Tensor take(int i) const;
  /// @return the number of kept tensors
  int count() const { return count_; }
  /// Drops all kept tensors.
  void release();

 private:
  void keep(const Tensor& x, int output);
  int edge_that_recomputes(const Tensor& x) const;
  Node* node_ = nullptr;
  SavedTensor* slots_ = nullptr;
  uint32_t wanted_ = 0;
  int16_t capacity_ = 0;
  int16_t count_ = 0;
};

}  // namespace heed
