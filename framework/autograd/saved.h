// What an op keeps for its backward. Every kept tensor remembers its storage's version, so damage by an in-place write is
// found when backward reads it.
#pragma once

#include <cstdint>

#include "framework/core/tensor.h"

namespace heed {

/// A kept tensor.
struct SavedTensor {
  Tensor value;          // undefined for an undefined input
  uint32_t version = 0;  // of its storage when it was kept
  int8_t output = -1;    // which output of the node this is, or -1 for an input
};

/// Handed to forward (which fills it) and to vjp (which reads it). An op keeps at most Op::kSaved tensors.
class Saved {
 public:
  Saved() = default;  // records nothing
  /// For apply().
  /// @param node that owns the slots
  /// @param slots,capacity where the tensors are kept
  /// @param wanted bit i: input i wants a gradient
  Saved(Node* node, SavedTensor* slots, int capacity, uint32_t wanted)
      : node_(node), slots_(slots), wanted_(wanted), capacity_(static_cast<int16_t>(capacity)) {}

  /// What is only of use to backward need not be computed otherwise.
  /// @return whether backward will run at all
  bool recording() const { return node_ != nullptr; }
  /// @param i number of the input, below 32
  /// @return whether it wants a gradient
  bool wants(int i) const { return wanted_ >> i & 1; }

  /// Keeps an input.
  /// @param x one of the op's inputs; may be undefined
  void input(const Tensor& x) { keep(x, -1); }
  /// Keeps a result of this op without making the node own itself.
  /// @param y one of the op's results
  /// @param index which one
  void output(const Tensor& y, int index = 0) { keep(y, index); }

  /// A kept tensor.
  /// @param i in the order in which forward kept them
  /// @return the tensor; undefined when an undefined one was kept
  /// @throws GradError when it was changed in place since, or when the graph was freed
  Tensor operator[](int i) const;
  /// @return how many are kept
  int count() const { return count_; }
  /// Drops all.
  void release();

 private:
  void keep(const Tensor& x, int output);
  Node* node_ = nullptr;
  SavedTensor* slots_ = nullptr;
  uint32_t wanted_ = 0;
  int16_t capacity_ = 0;
  int16_t count_ = 0;
};

}  // namespace heed
