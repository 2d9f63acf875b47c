// What an op keeps for its backward. Every kept tensor remembers its storage's version, so damage by an in-place write is
// found when backward reads it.
#pragma once

#include <cstdint>

#include "framework/core/tensor.h"

namespace heed {

struct SavedTensor {
  Tensor value;
  uint32_t version = 0;
  int8_t output = -1;  // which output of the node this is, or -1 for an input
};

/// Handed to forward (which fills it) and to vjp (which reads it). An op keeps at most Op::kSaved tensors.
class Saved {
 public:
  Saved() = default;  // records nothing
  Saved(Node* node, SavedTensor* slots, int capacity, uint32_t wanted)
      : node_(node), slots_(slots), wanted_(wanted), capacity_(static_cast<int16_t>(capacity)) {}

  /// Whether backward will run at all: what is only of use to it need not be computed otherwise.
  bool recording() const { return node_ != nullptr; }
  /// Whether input i wants a gradient.
  bool wants(int i) const { return wanted_ >> i & 1; }

  void input(const Tensor& x) { keep(x, -1); }
  /// Keeps a result of this op (output number `index`) without making the node own itself.
  void output(const Tensor& y, int index = 0) { keep(y, index); }

  /// The kept tensors, in the order in which forward kept them. Throws GradError when one was changed in place since,
  /// or when the graph was freed. An undefined tensor was kept as undefined.
  Tensor operator[](int i) const;
  int count() const { return count_; }
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
