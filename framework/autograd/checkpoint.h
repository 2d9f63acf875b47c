// Gradient checkpointing (Chen et al. 2016, "Training deep nets with sublinear memory cost"): saves memory at
// the cost of time. The intermediate results of a function are not kept for backward; they are recomputed
// when backward needs them.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// Computes f(inputs) and keeps only the inputs for backward. f first runs without being recorded; backward
/// runs it a second time with recording, and propagates gradients through that recording to the inputs and to
/// everything else that f reads (its parameters). For the second run the state of default_generator() and the
/// autocast setting are restored, so dropout draws the same mask. The gradients equal those of f itself bit
/// for bit. Gradients of gradients work too, but a graph recorded with create_graph is kept in full, so no
/// memory is saved there.
///
/// f must do the same both times. Between forward and backward, neither the values that it reads nor the
/// module's train() setting may change; a changed input is detected (GradError), other changes are not. Side
/// effects of f happen twice, such as the update of batch normalisation's running mean. Backward throws
/// GradError if f returns different shapes or a different number of tensors the second time.
/// @param f a function of tensors, called twice
/// @param inputs arguments of f; kept until backward
/// @return f's results, which may include undefined or non-floating tensors. While recording is on, every
///   floating result requires a gradient, because checkpoint cannot know which parameters f reads
std::vector<Tensor> checkpoint(std::function<std::vector<Tensor>(const std::vector<Tensor>&)> f,
                               std::vector<Tensor> inputs);

/// The same for a function with one input and one output.
/// @param f function of one tensor, called twice
/// @param x argument of f; kept until backward
/// @return f's result
Tensor checkpoint(std::function<Tensor(const Tensor&)> f, const Tensor& x);

/// Which layers of a chain keep their intermediate results for backward, and which are recomputed.
class CheckpointPolicy {
 public:
  /// All layers keep theirs.
  CheckpointPolicy() = default;
  /// Segments of some layers, each of which keeps its input alone.
  /// @param layers of a segment
  /// @return the policy
  /// @throws ValueError for layers < 1
  static CheckpointPolicy every(int64_t layers);
  /// Segments of about sqrt(n) of n layers: what is kept grows with sqrt(n), for one forward pass more (Chen
  /// et al. 2016, sec. 4.1).
  /// @return the policy
  static CheckpointPolicy square_root();
  /// The first layers keep theirs until these take up the budget; each of the others keeps its input alone.
  /// Whether another fits is told by what the layer before it took, so that the budget may be exceeded by a
  /// layer that takes more than the one before it, or by the first. Bytes are those that the whole process
  /// allocates from the pool meanwhile (memory_stats).
  /// @param bytes of intermediate results; 0: all are recomputed
  /// @return the policy
  /// @throws ValueError for bytes < 0
  static CheckpointPolicy budget(int64_t bytes);

  /// @param layers in the chain
  /// @return how many of them one call of checkpoint() takes; 0 where that is decided by the budget or where
  ///   there is no checkpoint
  int64_t segment(int64_t layers) const;
  /// @return whether layers are recomputed at all
  bool recomputes() const { return kind_ != Kind::none; }
  /// @return the bytes of budget(); of no meaning for other policies
  int64_t bytes() const { return amount_; }

 private:
  enum class Kind : uint8_t { none, every, square_root, budget };
  CheckpointPolicy(Kind kind, int64_t amount) : kind_(kind), amount_(amount) {}
  Kind kind_ = Kind::none;
  int64_t amount_ = 0;
};

/// Runs layers one after the other, those that the policy names under checkpoint(): the same result and the
/// same gradients for every policy, bit for bit. What checkpoint() asks of its function holds for each layer.
/// @param layers functions of one tensor; copies are kept until backward
/// @param x input of the first layer
/// @param policy which layers keep their intermediate results
/// @return output of the last layer
/// @throws ValueError for an empty function
Tensor checkpoint_chain(std::span<const std::function<Tensor(const Tensor&)>> layers, Tensor x,
                        const CheckpointPolicy& policy);

}  // namespace heed
