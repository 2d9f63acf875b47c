// Gradients summed over ranks while backward still runs: those that are complete are sent in buckets, while
// the others are computed (Li et al. 2020, "PyTorch distributed", sec. 3.2).
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "framework/autograd/hooks.h"
#include "framework/core/tensor.h"
#include "models/cluster/ranks.h"

namespace heed::models {

/// Sums the gradients of a model's parameters over ranks. The first backward learns in which order they
/// become complete; the buckets of those after it follow that order. While backward runs it is told of every
/// node; a parameter's gradient is complete when all nodes that add to it have run.
class GradientSums : public BackwardHook {
 public:
  /// @param parameters f32 leaves that require gradients, in an order that is the same on every rank
  /// @param ranks those that take part; it must outlive this
  GradientSums(std::vector<Tensor> parameters, Ranks& ranks);
  /// Sums that were begun and not finished, where an error ends the run, keep their memory: other ranks read
  /// it.
  ~GradientSums();
  GradientSums(const GradientSums&) = delete;
  GradientSums& operator=(const GradientSums&) = delete;
  /// Says that the next backward is that of `loss`, the last one before finish().
  /// @param loss its graph is walked
  void begin(const Tensor& loss);
  /// Sends what was not complete, waits, and replaces the gradients of all parameters by the sums.
  void finish();
  /// Forgets a backward that failed; nothing was sent by then or all ranks end.
  void forget() { running_ = false; }
  void made([[maybe_unused]] const Node& node) override { ranks_.working(); }
  void after(Node& node) override;

 private:
  struct Slot {
    Tensor parameter;
    Node* node = nullptr;  // of the leaf
    int64_t pending = 0;   // nodes that have yet to add to it
    bool ready = false;    // its sum so far lies in the bucket
    size_t bucket = 0;
    int64_t at = 0;  // its place in there
  };
  struct Bucket {
    std::vector<float> values;
    size_t slots = 0, ready = 0;
  };
  void place(const std::vector<size_t>& order);
  void fill(Slot& slot, const Tensor& arrived);
  void send_ready();

  Ranks& ranks_;
  std::vector<Slot> slots_;
  std::unordered_map<const Node*, size_t> slot_of_;
  std::vector<Bucket> buckets_;
  std::vector<size_t> completed_;  // slots in the order in which they became ready
  size_t sent_ = 0;                // buckets
  bool running_ = false, ordered_ = false;
};

}  // namespace heed::models
